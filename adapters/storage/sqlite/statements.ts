/**
 * Every statement of the hot paths, prepared once per connection.
 *
 * @module
 */
import { finalize, type SqliteDatabase, type SqliteStatement } from "./database.ts";

/** Rows of one multi-row insert: beyond it the gain is gone. */
export const JOURNAL_ROWS = 50;

const HEAD = "tenant, workflow, id, status, wake, created, ended, data";
const KEY = "tenant = ? AND workflow = ? AND id = ?";

type StatementName =
  | "shard"
  | "acquire"
  | "release"
  | "fence"
  | "maxIid"
  | "lookup"
  | "insert"
  | "update"
  | "updateWake"
  | "updateAll"
  | "dropHead"
  | "dropJournal"
  | "tail"
  | "append"
  | "appendMany"
  | "putCell"
  | "dropCell"
  | "take"
  | "putOutcome"
  | "sweep"
  | "post"
  | "head"
  | "journal"
  | "journalPart"
  | "due"
  | "dueFrom"
  | "cell"
  | "cells"
  | "cellsAfter"
  | "inbox"
  | "outcome"
  | "putBlob"
  | "getBlob"
  | "dropBlob";

const SQL: Readonly<Record<StatementName, string>> = {
  // ownership
  shard: "SELECT epoch, clean, last_batch FROM tenure_shard WHERE id = ?",
  acquire: "UPDATE tenure_shard SET epoch = epoch + 1, owner = ?, clean = 0 WHERE id = ?",
  release: "UPDATE tenure_shard SET owner = NULL, clean = 1 WHERE id = ? AND epoch = ? AND clean = 0",
  fence: "UPDATE tenure_shard SET last_batch = ? WHERE id = ? AND epoch = ? AND clean = 0",
  // instances
  maxIid: "SELECT max(iid) AS iid FROM tenure_inst",
  lookup: `SELECT iid, shard, created, wake FROM tenure_inst WHERE ${KEY}`,
  insert: "INSERT INTO tenure_inst(iid, shard, tenant, workflow, id, status, wake, created, ended, data) " +
    "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(tenant, workflow, id) DO NOTHING",
  // SQLite rewrites the index of every column that is named, changed or not.
  update: "UPDATE tenure_inst SET status = ?, ended = ?, data = ? WHERE iid = ?",
  updateWake: "UPDATE tenure_inst SET status = ?, ended = ?, data = ?, wake = ? WHERE iid = ?",
  updateAll: "UPDATE tenure_inst SET status = ?, ended = ?, data = ?, wake = ?, created = ? WHERE iid = ?",
  dropHead: "DELETE FROM tenure_inst WHERE iid = ?",
  dropJournal: "DELETE FROM tenure_journal WHERE iid = ?",
  // journals
  tail: "SELECT seq + count AS next FROM tenure_journal WHERE iid = ? ORDER BY n DESC LIMIT 1",
  append: "INSERT INTO tenure_journal(iid, seq, count, text) VALUES(?, ?, ?, ?)",
  appendMany: "INSERT INTO tenure_journal(iid, seq, count, text) VALUES" +
    Array.from({ length: JOURNAL_ROWS }, () => "(?, ?, ?, ?)").join(),
  // cells and messages
  putCell:
    "INSERT INTO tenure_cell(shard, key, value) VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
  dropCell: "DELETE FROM tenure_cell WHERE shard = ? AND key = ?",
  take: "DELETE FROM tenure_inbox WHERE shard = ? AND key = ?",
  putOutcome: "INSERT OR REPLACE INTO tenure_outcome(shard, key, outcome, at) VALUES(?, ?, ?, ?)",
  sweep: "DELETE FROM tenure_outcome WHERE shard = ? AND key IN " +
    "(SELECT key FROM tenure_outcome WHERE shard = ? AND at < ? ORDER BY at LIMIT ?)",
  post: "INSERT INTO tenure_inbox(shard, key, body) SELECT ?, ?, ? WHERE NOT EXISTS " +
    "(SELECT 1 FROM tenure_outcome WHERE shard = ? AND key = ?) ON CONFLICT DO NOTHING",
  // reads
  head: `SELECT iid, ${HEAD} FROM tenure_inst WHERE ${KEY} AND +shard = ?`,
  journal: "SELECT seq, count, text FROM tenure_journal WHERE iid = ? ORDER BY n",
  journalPart: "SELECT seq, count, text FROM tenure_journal WHERE iid = ? AND n >= coalesce(" +
    "(SELECT n FROM tenure_journal WHERE iid = ? AND seq <= ? ORDER BY n DESC LIMIT 1), 0) ORDER BY n LIMIT ?",
  due: "SELECT wake, tenant, workflow, id FROM tenure_inst WHERE shard = ? AND wake > ? AND wake <= ? " +
    "ORDER BY wake, tenant, workflow, id LIMIT ?",
  dueFrom: "SELECT wake, tenant, workflow, id FROM tenure_inst WHERE shard = ? AND wake IS NOT NULL " +
    "AND (wake, tenant, workflow, id) > (?, ?, ?, ?) AND wake <= ? ORDER BY wake, tenant, workflow, id LIMIT ?",
  cell: "SELECT value FROM tenure_cell WHERE shard = ? AND key = ?",
  cells: "SELECT key, value FROM tenure_cell WHERE shard = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?",
  cellsAfter: "SELECT key, value FROM tenure_cell WHERE shard = ? AND key > ? AND key < ? ORDER BY key LIMIT ?",
  inbox: "SELECT key, body FROM tenure_inbox NOT INDEXED WHERE shard = ? ORDER BY n LIMIT ?",
  outcome: "SELECT outcome FROM tenure_outcome WHERE shard = ? AND key = ?",
  // blobs
  putBlob: "INSERT INTO tenure_blob(tenant, hash, bytes) VALUES(?, ?, ?) ON CONFLICT DO NOTHING",
  getBlob: "SELECT bytes FROM tenure_blob WHERE tenant = ? AND hash = ?",
  dropBlob: "DELETE FROM tenure_blob WHERE tenant = ? AND hash = ?",
};

/** The prepared statements of a connection. */
export type Statements = Readonly<Record<StatementName, SqliteStatement>> & {
  /** Reads heads; one statement per combination of what a query filters by. */
  find(filter: { workflow: boolean; id: boolean; status: boolean; from: boolean }): SqliteStatement;
  /** Frees all of them. */
  finalize(): void;
};

/** Prepares all. */
export function prepareStatements(database: SqliteDatabase): Statements {
  const all: SqliteStatement[] = [];
  const finds = new Map<string, SqliteStatement>();
  function prepare(sql: string): SqliteStatement {
    const statement = database.prepare(sql);
    all.push(statement);
    return statement;
  }
  const prepared = Object.fromEntries(Object.entries(SQL).map(([name, sql]) => [name, prepare(sql)]));
  function find(filter: { workflow: boolean; id: boolean; status: boolean; from: boolean }): SqliteStatement {
    const sql = findSql(filter);
    let statement = finds.get(sql);
    if (statement === undefined) finds.set(sql, statement = prepare(sql));
    return statement;
  }
  return Object.assign(prepared as Record<StatementName, SqliteStatement>, {
    find,
    finalize: () => all.forEach(finalize),
  });
}

/** Values in the order tenant, workflow, id, status, from (created, workflow, id), limit. */
function findSql(filter: { workflow: boolean; id: boolean; status: boolean; from: boolean }): string {
  // `+` keeps the planner from the key's index, which would sort a whole workflow for every page.
  const exact = filter.workflow && filter.id;
  const where = ["tenant = ?"];
  if (filter.workflow) where.push(exact ? "workflow = ?" : "+workflow = ?");
  if (filter.id) where.push(exact ? "id = ?" : "+id = ?");
  if (filter.status) where.push("status = ?");
  if (filter.from) where.push("(created, workflow, id) > (?, ?, ?)");
  return `SELECT ${HEAD} FROM tenure_inst WHERE ${where.join(" AND ")} ORDER BY created, workflow, id LIMIT ?`;
}
