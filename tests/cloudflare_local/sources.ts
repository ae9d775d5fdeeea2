/** The code of all tenants, by the word of their case: what the dispatcher of the README calls `fetchTenantCode`. */
import { moduleOf } from "./case.ts";
import { CASES } from "./cases/mod.ts";

/** Releases of each tenant's module. */
export const SOURCES: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  CASES.map((each, n) => [wordOf(n), [each.run].flat().map((run) => moduleOf(each, run))]),
);

/** The word of a case: its tenant, and the beginning of its ids. */
export function wordOf(n: number): string {
  return `case-${n + 1}`;
}
