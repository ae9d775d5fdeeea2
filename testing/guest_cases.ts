/**
 * The conformance suite of the Guest port: what every sandbox has to keep, in cases that need no test framework.
 *
 * ```ts ignore
 * import { test } from "node:test";
 * import { guestCases } from "tenure/testing";
 *
 * for (const { name, run } of guestCases(() => mySandbox())) test(name, run);
 * ```
 *
 * @module
 */
import { hostCases } from "./guest_cases/host_cases.ts";
import { hostileCases } from "./guest_cases/hostile_cases.ts";
import { protocolCases } from "./guest_cases/protocol_cases.ts";
import { stepCases } from "./guest_cases/step_cases.ts";
import { streamCases } from "./guest_cases/stream_cases.ts";
import type { OpenSandbox } from "./guest_cases/subject.ts";
import { vmCases } from "./guest_cases/vm_cases.ts";
import type { Case } from "./store_cases/subject.ts";

export type { OpenSandbox } from "./guest_cases/subject.ts";

/** Options of {@linkcode guestCases}. */
export interface GuestCasesOptions {
  /**
   * Whether a guest has a realm of its own, with our prelude in it: then its clock, its chance, its timers and its
   * built-ins are tried too.
   *
   * @default {true}
   */
  readonly realm?: boolean;
}

/**
 * All cases for one adapter. Each opens it anew, so they may run in any order.
 *
 * @param open makes the adapter
 */
export function guestCases(open: OpenSandbox, options: GuestCasesOptions = {}): Case[] {
  const shared = [...protocolCases(open), ...stepCases(open), ...hostCases(open), ...streamCases(open)];
  return options.realm === false ? shared : [...shared, ...vmCases(open), ...hostileCases(open)];
}
