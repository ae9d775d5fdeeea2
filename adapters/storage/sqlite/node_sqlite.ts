/**
 * The driver of Node (22.13 and up) and Deno.
 *
 * @module
 */
import type { OpenDatabase, SqliteDatabase } from "./database.ts";

/** Loads `node:sqlite`. */
export async function nodeSqlite(): Promise<OpenDatabase> {
  const { DatabaseSync } = await import("node:sqlite");
  return (path: string): SqliteDatabase => new DatabaseSync(path);
}
