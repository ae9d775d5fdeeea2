/**
 * What is read: committed state only, each in one statement, which is one moment.
 *
 * @module
 */
import type { Due, DueQuery, FindQuery, Head, Image, InstanceKey, JournalPart, Message } from "../../../core/ports/store.ts";
import { compareText, corrupt, textBehind } from "../../../core/store_rules.ts";
import type { PostgresValue } from "./client.ts";

/** Runs one prepared statement. */
export type Run = (query: string, values: PostgresValue[]) => Promise<readonly unknown[]>;

/** A row of the journal, or, with `count` 0, the head as JSON. */
interface JournalRow {
  readonly seq: string | number;
  readonly count: string | number;
  readonly text: string;
}

const KEY = "tenant = $1 AND workflow = $2 AND id = $3";
const HEAD = "tenant, workflow, id, status, wake, created, ended, data";

/** Reads one instance. */
export async function readImage(run: Run, schema: string, shard: number, key: InstanceKey, part?: JournalPart): Promise<Image | null> {
  const from = part === undefined ? "" : ` AND j.seq >= coalesce(
    (SELECT max(b.seq) FROM ${schema}.journal b WHERE b.iid = h.iid AND b.seq <= $5::bigint), 0)`;
  const query = `WITH h AS MATERIALIZED (SELECT iid, ${HEAD} FROM ${schema}.inst WHERE ${KEY} AND shard = $4)
SELECT -1::bigint AS seq, 0::bigint AS count, json_build_object('status', status, 'wake', wake, 'created', created,
  'ended', ended, 'data', data)::text AS text FROM h
UNION ALL SELECT j.seq, j.count, j.text FROM h JOIN ${schema}.journal j ON j.iid = h.iid${from}
ORDER BY seq${part === undefined ? "" : " LIMIT $6::bigint + 1"}`;
  const values = [key.tenant, key.workflow, key.id, shard, ...part === undefined ? [] : [safe(part.from), rowsOf(part.texts)]];
  const [first, ...texts] = await run(query, values) as JournalRow[];
  if (first === undefined) return null;
  const begin = part === undefined ? 0 : Number(texts[0]?.seq ?? 0);
  let next = begin;
  const journal = texts.map(({ seq, count, text }) => {
    if (Number(seq) !== next) throw corrupt(`The journal continues at ${seq}, not at ${next}`);
    next += Number(count);
    return text;
  });
  const { tenant, workflow, id } = key;
  const head: Head = { tenant, workflow, id, ...JSON.parse(first.text) as Omit<Head, keyof InstanceKey> };
  return { head, journal, ...(part !== undefined && { from: begin }) };
}

/** Reads timers. */
export async function readDue(run: Run, schema: string, shard: number, query: DueQuery): Promise<readonly Due[]> {
  const { after, until, from } = query;
  const columns = `SELECT wake, tenant, workflow, id FROM ${schema}.inst WHERE shard = $1 AND wake <= $2`;
  const order = "ORDER BY wake, tenant, workflow, id LIMIT $3";
  const values: PostgresValue[] = [shard, safe(until), rowsOf(query.limit)];
  // One bound of the two is always the tighter one, and one bound is what an index can start from.
  const found = from !== undefined && from.wake > after
    ? await run(`${columns} AND (wake, tenant, workflow, id) > ($4::bigint, $5, $6, $7) ${order}`, [
      ...values,
      safe(from.wake),
      from.tenant,
      from.workflow,
      from.id,
    ])
    : await run(`${columns} AND wake > $4 ${order}`, [...values, safe(after)]);
  return (found as (Omit<Due, "wake"> & { wake: string })[])
    .map(({ wake, tenant, workflow, id }) => ({ wake: Number(wake), tenant, workflow, id }));
}

/** Reads heads. */
export async function readHeads(run: Run, schema: string, query: FindQuery): Promise<readonly Head[]> {
  const { tenant, workflow, id, status, limit, from } = query;
  const values: PostgresValue[] = [];
  const bind = (value: PostgresValue): string => `$${values.push(value)}`;
  const where = [`tenant = ${bind(tenant)}`];
  if (workflow !== undefined) where.push(`workflow = ${bind(workflow)}`);
  if (id !== undefined) where.push(`id = ${bind(id)}`);
  if (status !== undefined) where.push(`status = ${bind(status)}`);
  if (from !== undefined) {
    where.push(`(created, workflow, id) > (${bind(from.created)}::bigint, ${bind(from.workflow)}, ${bind(from.id)})`);
  }
  const order = `ORDER BY created, workflow, id LIMIT ${bind(rowsOf(limit))}`;
  const found = await run(`SELECT ${HEAD} FROM ${schema}.inst WHERE ${where.join(" AND ")} ${order}`, values);
  return (found as Record<keyof Head, string | null>[]).map((row) => ({
    tenant: row.tenant as string,
    workflow: row.workflow as string,
    id: row.id as string,
    status: row.status as string,
    wake: row.wake === null ? null : Number(row.wake),
    created: Number(row.created),
    ended: row.ended === null ? null : Number(row.ended),
    data: row.data as string,
  }));
}

/** Reads cells by prefix. */
export async function readCells(
  run: Run,
  schema: string,
  shard: number,
  query: { readonly prefix: string; readonly after?: string; readonly limit: number },
): Promise<readonly { readonly key: string; readonly value: string }[]> {
  const { prefix, after, limit } = query;
  const values: PostgresValue[] = [shard, prefix, rowsOf(limit)];
  let start = "key >= $2";
  if (after !== undefined && compareText(after, prefix) >= 0) [start, values[1]] = ["key > $2", after];
  const end = textBehind(prefix);
  if (end !== null) values.push(end);
  const found = await run(
    `SELECT key, value FROM ${schema}.cell WHERE shard = $1 AND ${start}${end === null ? "" : " AND key < $4"} ORDER BY key LIMIT $3`,
    values,
  );
  return (found as { key: string; value: string }[]).map(({ key, value }) => ({ key, value }));
}

/** Reads the messages that wait: those that came while they were acknowledged are left out. */
export async function readInbox(run: Run, schema: string, shard: number, limit: number): Promise<readonly Message[]> {
  const query = `SELECT key, body FROM ${schema}.inbox i WHERE shard = $1
AND NOT EXISTS (SELECT 1 FROM ${schema}.outcome o WHERE o.shard = i.shard AND o.key = i.key) ORDER BY n LIMIT $2`;
  return (await run(query, [shard, rowsOf(limit)]) as Message[]).map(({ key, body }) => ({ key, body }));
}

function rowsOf(limit: number): number {
  return Math.min(limit, 2 ** 31 - 1);
}

/** An integer that is compared with such as are stored. */
function safe(value: number): number {
  return Math.min(Math.max(Math.floor(value), Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}
