/**
 * Pages: how many entries one may have, and the opaque cursor that it ends with.
 *
 * @module
 */
import { quote, TenureError } from "./errors.ts";
import type { Head } from "./ports/store.ts";

/** Writes one of JSON data. */
export function writeCursor(data: readonly (string | number)[]): string {
  const bytes = new TextEncoder().encode(JSON.stringify(data));
  return [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
}

/**
 * Reads one of `types`.
 *
 * @throws {TenureError} `invalid_argument` for any text that was not written here
 */
export function readCursor(cursor: string, types: readonly ("string" | "number")[]): (string | number)[] {
  try {
    if (!/^([0-9a-f]{2}){1,2048}$/.test(cursor)) throw new Error("not hex");
    const bytes = Uint8Array.from(cursor.match(/../g) ?? [], (h) => parseInt(h, 16));
    const data: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (Array.isArray(data) && data.length === types.length && data.every((d, i) => typeof d === types[i])) return data;
  } catch {
    // answered below: whatever was wrong with it, it is not a cursor
  }
  throw new TenureError("invalid_argument", "Cannot read the cursor: it is not one that a page ended with");
}

const MAX_PAGE = 1_000;

/**
 * How many entries a page gets: what was asked for, at most 1,000.
 *
 * @throws {TenureError} `invalid_argument` when it is not a whole number from 1
 */
export function pageSize(limit = 100): number {
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new TenureError("invalid_argument", `Cannot read a page of ${quote(limit)} entries: at least 1`);
  }
  return Math.min(limit, MAX_PAGE);
}

/** The place in the order of heads behind which a page begins: what {@linkcode FindQuery.from} compares, and nothing else of a head. */
export function placeOf({ tenant, workflow, id, created }: Pick<Head, "tenant" | "workflow" | "id" | "created">): Head {
  return { tenant, workflow, id, created, status: "", wake: null, ended: null, data: "" };
}
