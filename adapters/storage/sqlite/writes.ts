/**
 * What one batch writes, inside a transaction that somebody else began.
 *
 * Guarantee: an append that does not continue its journal throws, and the caller rolls everything back. Trusts that
 * it is the only writer of instances (the epoch was checked in the same transaction): what it remembers of them is
 * forgotten with {@linkcode Writer.forget} whenever that may have been untrue.
 *
 * @module
 */
import type { Append, Head, InstanceKey, ShardBatch } from "../../../core/ports/store.ts";
import { corrupt, keyText } from "../../../core/store_rules.ts";
import type { SqliteValue } from "./database.ts";
import { createKeyCache, type Known } from "./key_cache.ts";
import { JOURNAL_ROWS, type Statements } from "./statements.ts";

/** How long an outcome is kept behind the newest one, ms. */
const OUTCOME_MS = 86_400_000;

/** Applies batches. */
export interface Writer {
  /** Writes one batch. */
  write(sql: Statements, batch: ShardBatch): void;
  /** Forgets everything that it knows of the rows. */
  forget(): void;
}

/** Makes one for a connection. */
export function createWriter(): Writer {
  const cache = createKeyCache(50_000);
  let nextIid = 0;

  function forget(): void {
    cache.clear();
    nextIid = 0;
  }

  function lookup(sql: Statements, shard: number, key: InstanceKey, text: string): Known | undefined {
    const known = cache.get(text);
    if (known !== undefined) return known;
    const row = sql.lookup.get(key.tenant, key.workflow, key.id) as (Known & { shard: number }) | null | undefined;
    if (row === null || row === undefined || row.shard !== shard) return undefined;
    const found: Known = { iid: row.iid, next: -1, created: row.created, wake: row.wake };
    cache.set(text, found);
    return found;
  }

  function drop(sql: Statements, shard: number, key: InstanceKey): void {
    const text = keyText(key);
    const known = lookup(sql, shard, key, text);
    if (known === undefined) return;
    sql.dropJournal.run(known.iid);
    sql.dropHead.run(known.iid);
    cache.delete(text);
  }

  function put(sql: Statements, shard: number, head: Head): void {
    const { tenant, workflow, id, status, wake, created, ended, data } = head;
    const text = keyText(head);
    let known = cache.get(text);
    if (known === undefined) {
      if (nextIid === 0) nextIid = ((sql.maxIid.get() as { iid: number | null }).iid ?? 0) + 1;
      const iid = nextIid++;
      // Most heads that are not known are new, so the insert itself asks whether they are.
      const { changes } = sql.insert.run(iid, shard, tenant, workflow, id, status, wake, created, ended, data);
      if (Number(changes) === 1) return cache.set(text, { iid, next: 0, created, wake });
      known = lookup(sql, shard, head, text);
      if (known === undefined) throw corrupt("The instance belongs to another shard");
    }
    if (known.created !== created) sql.updateAll.run(status, ended, data, wake, created, known.iid);
    else if (known.wake !== wake) sql.updateWake.run(status, ended, data, wake, known.iid);
    else sql.update.run(status, ended, data, known.iid);
    known.created = created;
    known.wake = wake;
  }

  function continued(sql: Statements, shard: number, append: Append): number {
    const { key, seq, count } = append;
    const known = lookup(sql, shard, key, keyText(key));
    if (known === undefined) throw corrupt("The journal has no head in this shard");
    if (known.next < 0) known.next = (sql.tail.get(known.iid) as { next: number } | null | undefined)?.next ?? 0;
    if (known.next !== seq) throw corrupt(`The journal continues at ${known.next}, not at ${seq}`);
    known.next += count;
    return known.iid;
  }

  function appendAll(sql: Statements, shard: number, appends: readonly Append[]): void {
    const many = appends.length - appends.length % JOURNAL_ROWS;
    const values: SqliteValue[] = new Array(JOURNAL_ROWS * 4);
    for (let i = 0; i < many; i += JOURNAL_ROWS) {
      for (let row = 0; row < JOURNAL_ROWS; row++) {
        const append = appends[i + row] as Append;
        const at = row * 4;
        values[at] = continued(sql, shard, append);
        values[at + 1] = append.seq;
        values[at + 2] = append.count;
        values[at + 3] = append.text;
      }
      sql.appendMany.run(...values);
    }
    for (let i = many; i < appends.length; i++) {
      const append = appends[i] as Append;
      sql.append.run(continued(sql, shard, append), append.seq, append.count, append.text);
    }
  }

  function write(sql: Statements, batch: ShardBatch): void {
    const { shard, drops, heads, appends, cells, acks } = batch;
    for (const key of drops) drop(sql, shard, key);
    for (const head of heads) put(sql, shard, head);
    appendAll(sql, shard, appends);
    for (const { key, value } of cells) {
      if (value === null) sql.dropCell.run(shard, key);
      else sql.putCell.run(shard, key, value);
    }
    let newest = -Infinity;
    for (const { key, outcome, at } of acks) {
      sql.take.run(shard, key);
      sql.putOutcome.run(shard, key, outcome, at);
      if (at > newest) newest = at;
    }
    // In steps that follow the acknowledgements, so that no commit pays for a day of them.
    if (acks.length > 0) sql.sweep.run(shard, shard, newest - OUTCOME_MS, acks.length * 2 + 16);
  }

  return { write, forget };
}
