/**
 * What is read: committed state only, in the orders that the port promises (text by UTF-8 bytes: SQLite's BINARY).
 *
 * @module
 */
import type { Due, DueQuery, FindQuery, Head, Image, InstanceKey, JournalPart, Message } from "../../../core/ports/store.ts";
import { compareText, corrupt, textBehind } from "../../../core/store_rules.ts";
import type { SqliteValue } from "./database.ts";
import type { Statements } from "./statements.ts";

interface JournalRow {
  readonly seq: number;
  readonly count: number;
  readonly text: string;
}

/** Reads one instance; the caller holds a transaction, so that head and journal are of one moment. */
export function readImage(sql: Statements, shard: number, key: InstanceKey, part?: JournalPart): Image | null {
  const row = sql.head.get(key.tenant, key.workflow, key.id, shard) as (Head & { iid: number }) | null | undefined;
  if (row === null || row === undefined) return null;
  const texts = part === undefined
    ? sql.journal.all(row.iid) as JournalRow[]
    : sql.journalPart.all(row.iid, row.iid, part.from, rows(part.texts)) as JournalRow[];
  const from = part === undefined ? 0 : texts[0]?.seq ?? 0;
  let next = from;
  const journal = texts.map(({ seq, count, text }) => {
    if (seq !== next) throw corrupt(`The journal continues at ${seq}, not at ${next}`);
    next += count;
    return text;
  });
  return { head: headOf(row), journal, ...(part !== undefined && { from }) };
}

/** Reads timers. */
export function readDue(sql: Statements, shard: number, query: DueQuery): readonly Due[] {
  const { after, until, from } = query;
  const limit = rows(query.limit);
  // One bound of the two is always the tighter one, and one bound is what an index can start from.
  const found = from !== undefined && from.wake > after
    ? sql.dueFrom.all(shard, from.wake, from.tenant, from.workflow, from.id, until, limit)
    : sql.due.all(shard, after, until, limit);
  return (found as Due[]).map(({ wake, tenant, workflow, id }) => ({ wake, tenant, workflow, id }));
}

/** Reads heads. */
export function readHeads(sql: Statements, query: FindQuery): readonly Head[] {
  const { tenant, workflow, id, status, limit, from } = query;
  const values: SqliteValue[] = [tenant];
  if (workflow !== undefined) values.push(workflow);
  if (id !== undefined) values.push(id);
  if (status !== undefined) values.push(status);
  if (from !== undefined) values.push(from.created, from.workflow, from.id);
  const statement = sql.find({
    workflow: workflow !== undefined,
    id: id !== undefined,
    status: status !== undefined,
    from: from !== undefined,
  });
  return (statement.all(...values, rows(limit)) as Head[]).map(headOf);
}

/** Reads cells by prefix. */
export function readCells(
  sql: Statements,
  shard: number,
  query: { readonly prefix: string; readonly after?: string; readonly limit: number },
): readonly { readonly key: string; readonly value: string }[] {
  const { prefix, after, limit } = query;
  const found = after !== undefined && compareText(after, prefix) >= 0
    ? sql.cellsAfter.all(shard, after, behind(prefix), rows(limit))
    : sql.cells.all(shard, prefix, behind(prefix), rows(limit));
  return (found as { key: string; value: string }[]).map(({ key, value }) => ({ key, value }));
}

/** Reads the messages that wait. */
export function readInbox(sql: Statements, shard: number, limit: number): readonly Message[] {
  return (sql.inbox.all(shard, rows(limit)) as Message[]).map(({ key, body }) => ({ key, body }));
}

/** The eight fields, without the ones that only we know. */
function headOf(row: Head): Head {
  const { tenant, workflow, id, status, wake, created, ended, data } = row;
  return { tenant, workflow, id, status, wake, created, ended, data };
}

/** The first value behind every text that starts with `prefix`; a blob is behind every text. */
function behind(prefix: string): SqliteValue {
  return textBehind(prefix) ?? new Uint8Array(1);
}

function rows(limit: number): number {
  return Math.min(limit, 2 ** 31 - 1);
}
