/**
 * The conformance suite of the Store port: what every adapter has to keep, in cases that need no test framework.
 *
 * ```ts ignore
 * import { test } from "node:test";
 * import { storeCases } from "tenure/testing";
 *
 * for (const { name, run } of storeCases(openMyStore)) test(name, run);
 * ```
 *
 * @module
 */
import { commitCases } from "./store_cases/commit_cases.ts";
import { messageCases } from "./store_cases/message_cases.ts";
import { modelCases } from "./store_cases/model_cases.ts";
import { ownershipCases } from "./store_cases/ownership_cases.ts";
import { readCases } from "./store_cases/read_cases.ts";
import type { Case, OpenSubject } from "./store_cases/subject.ts";

export type { Case, OpenSubject, StoreSubject } from "./store_cases/subject.ts";
export { CaseError } from "./store_cases/check.ts";

/**
 * All cases for one adapter. Each opens a fresh store of its own, so they may run in any order.
 *
 * @param open makes a fresh, empty store with that many shards
 */
export function storeCases(open: OpenSubject): Case[] {
  return [
    ...ownershipCases(open),
    ...commitCases(open),
    ...readCases(open),
    ...messageCases(open),
    ...modelCases(open),
  ];
}
