/**
 * What is asked of a SQLite driver, and how one is found.
 *
 * @module
 */
import { TenureError } from "../../../core/errors.ts";

/** What is bound; everything else is treated differently by each driver. */
export type SqliteValue = string | number | Uint8Array | null;

/** A prepared statement of `node:sqlite`, `bun:sqlite`, better-sqlite3 and their like. */
export interface SqliteStatement {
  /** Runs it; says how many rows it changed. */
  run(...values: SqliteValue[]): { readonly changes: number | bigint };
  /** Reads the first row, or `undefined` or `null`. */
  get(...values: SqliteValue[]): unknown;
  /** Reads all rows. */
  all(...values: SqliteValue[]): unknown[];
}

/** A synchronous database handle of `node:sqlite`, `bun:sqlite`, better-sqlite3 and their like. */
export interface SqliteDatabase {
  /** Runs SQL that returns nothing. */
  exec(sql: string): unknown;
  /** Prepares one statement. */
  prepare(sql: string): SqliteStatement;
  /** Closes the handle. */
  close(): unknown;
}

/** Opens a file. */
export type OpenDatabase = (path: string) => SqliteDatabase;

/** Finds the driver that this runtime brings: `bun:sqlite` on Bun, `node:sqlite` elsewhere. */
export async function runtimeDriver(): Promise<OpenDatabase> {
  try {
    if ("Bun" in globalThis) return await (await import("./bun_sqlite.ts")).bunSqlite();
    return await (await import("./node_sqlite.ts")).nodeSqlite();
  } catch (cause) {
    const message = 'Cannot open "sqlite": this runtime brings no SQLite, so pass a handle as `database`';
    throw new TenureError("storage_unavailable", message, { cause });
  }
}

/** Frees a statement at once where the driver can (Bun keeps a closed file locked while one lives). */
export function finalize(statement: SqliteStatement): void {
  (statement as { finalize?: () => void }).finalize?.();
}

/** Reads one column of the only row of a statement that is used once, as a text; `""` without a row. */
export function readText(database: SqliteDatabase, sql: string, column: string): string {
  const statement = database.prepare(sql);
  try {
    const row = statement.get() as Record<string, unknown> | null | undefined;
    return String(row?.[column] ?? "");
  } finally {
    finalize(statement);
  }
}
