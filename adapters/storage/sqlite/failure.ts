/**
 * Turns what a SQLite driver throws into one sentence, without SQL and without values.
 *
 * @module
 */
import { quote, TenureError } from "../../../core/errors.ts";

const REASONS: ReadonlyMap<number, string> = new Map([
  [3, "the runtime or the system does not allow it"],
  [5, "another process keeps it locked"],
  [6, "another connection keeps it locked"],
  [7, "there is not enough memory"],
  [8, "it is read-only"],
  [10, "the disk failed"],
  [11, "its contents are damaged"],
  [13, "the disk is full"],
  [14, "it cannot be opened or created"],
  [18, "a value is larger than SQLite takes"],
  [19, "its contents contradict what was to be written"],
  [26, "it is not a SQLite database"],
]);

/** Where a driver passes on SQLite's text only (Deno). */
const TEXTS: readonly (readonly [start: string, code: number])[] = [
  ["database is locked", 5],
  ["database table is locked", 6],
  ["out of memory", 7],
  ["attempt to write a readonly database", 8],
  ["disk I/O error", 10],
  ["database disk image is malformed", 11],
  ["database or disk is full", 13],
  ["unable to open database file", 14],
  ["string or blob too big", 18],
  ["file is not a database", 26],
];

/** Where a driver passes on SQLite's names only, also extended ones (better-sqlite3). */
const NAMES: readonly (readonly [name: string, code: number])[] = [
  ["SQLITE_BUSY", 5],
  ["SQLITE_LOCKED", 6],
  ["SQLITE_NOMEM", 7],
  ["SQLITE_READONLY", 8],
  ["SQLITE_IOERR", 10],
  ["SQLITE_CORRUPT", 11],
  ["SQLITE_FULL", 13],
  ["SQLITE_CANTOPEN", 14],
  ["SQLITE_TOOBIG", 18],
  ["SQLITE_CONSTRAINT", 19],
  ["SQLITE_NOTADB", 26],
];

/** SQLite's primary result code in an error of any driver; 0 when it has none. */
export function sqliteCode(error: unknown): number {
  const { code, errcode, errno, message, rawCode } = (error ?? {}) as Record<string, unknown>;
  if (typeof errcode === "number") return errcode & 0xff;
  if (typeof errno === "number" && String(code).startsWith("SQLITE_")) return errno & 0xff;
  if (typeof rawCode === "number") return rawCode & 0xff;
  const name = NAMES.find(([name]) => code === name || String(code).startsWith(`${name}_`));
  if (name !== undefined) return name[1];
  if ((error as Error | null)?.name === "NotCapable") return 3;
  return TEXTS.find(([start]) => String(message).startsWith(start))?.[1] ?? 0;
}

/** Wraps an error of the driver; errors of ours pass. */
export function failure(act: string, name: string, error: unknown, reason?: string | null): unknown {
  if (TenureError.is(error)) return error;
  const code = sqliteCode(error);
  const why = reason ?? REASONS.get(code) ?? (code > 0 ? `SQLite answered with code ${code}` : "the driver failed");
  return new TenureError("storage_unavailable", `Cannot ${act} ${quote(name)}: ${why}`, { cause: error });
}
