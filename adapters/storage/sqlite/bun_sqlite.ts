/**
 * The driver of Bun.
 *
 * @module
 */
import type { OpenDatabase, SqliteDatabase } from "./database.ts";

/** Loads `bun:sqlite`. */
export async function bunSqlite(): Promise<OpenDatabase> {
  // @ts-ignore: exists on Bun only, and its types are not a dependency of ours.
  const { Database } = await import("bun:sqlite");
  return (path: string): SqliteDatabase => new Database(path, { create: true, readwrite: true }) as SqliteDatabase;
}
