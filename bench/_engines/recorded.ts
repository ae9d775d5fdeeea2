/**
 * Counting in a SQLite file what an engine has left there.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import type { Recorded } from "./engine.ts";

/** Runs two queries, each with one column `n`, on a connection of their own. */
export function countIn(path: string, queries: { readonly runs: string; readonly steps: string }): Recorded {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const count = (sql: string): number => (database.prepare(sql).get() as { n: number | null }).n ?? 0;
    return { runs: count(queries.runs), steps: count(queries.steps) };
  } finally {
    database.close();
  }
}

/** Throws unless a connection waits for the disk at each commit. */
export function checkSynchronous(name: string, database: Pick<DatabaseSync, "prepare">): void {
  const { synchronous } = database.prepare("PRAGMA synchronous").get() as { synchronous: number };
  const { journal_mode: mode } = database.prepare("PRAGMA journal_mode").get() as { journal_mode: string };
  if (synchronous !== 2 || mode !== "wal") throw new Error(`Cannot compare ${name}: synchronous is ${synchronous}, journal_mode ${mode}`);
}
