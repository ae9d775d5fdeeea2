/**
 * The assertions of the published cases: no test framework, errors that say what differs.
 *
 * @module
 */

/** What a case throws when a store does not keep the contract. */
export class CaseError extends Error {
  /** `CaseError`. */
  override readonly name: string = "CaseError";
}

/** Throws unless `ok`. */
export function check(ok: boolean, what: string): asserts ok {
  if (!ok) throw new CaseError(what);
}

/** Throws unless both are the same as plain data (own fields, in any order). */
export function equal(actual: unknown, expected: unknown, what: string): void {
  const a = plain(actual);
  const e = plain(expected);
  if (a === e) return;
  let at = 0;
  while (a[at] === e[at]) at++;
  const near = (text: string) => (at > 60 ? "…" : "") + text.slice(Math.max(0, at - 60), at + 120);
  throw new CaseError(`${what}: at ${at} it is\n  ${near(a)}\nand should be\n  ${near(e)}`);
}

/** Throws unless `body` rejects or throws; answers what it threw. */
export async function rejects(body: () => Promise<unknown>, what: string): Promise<unknown> {
  try {
    await body();
  } catch (error) {
    return error;
  }
  throw new CaseError(`${what}: it should have thrown`);
}

function plain(value: unknown): string {
  return JSON.stringify(value, (_key, v) => {
    if (v instanceof Uint8Array) return { bytes: [...v] };
    if (v === null || typeof v !== "object" || Array.isArray(v)) return v;
    return Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)));
  }) ?? "undefined";
}
