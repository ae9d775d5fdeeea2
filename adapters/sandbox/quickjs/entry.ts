/**
 * What one entry into a VM may use.
 *
 * @module
 */
import type { Limits } from "../../../core/limits.ts";
import type { Entry } from "./vm.ts";

/** Messages of one turn: more than an instance may have steps, lines of its log included. */
const MESSAGES = 65_536;

/** The limits of one entry. All that is sent in it stands in the host's memory at once, so it is held to the guest's. */
export function entryOf(limits: Limits, time: number | null): Entry {
  return { time, cpuMs: limits.cpuMs, messages: MESSAGES, messageBytes: limits.memoryBytes };
}
