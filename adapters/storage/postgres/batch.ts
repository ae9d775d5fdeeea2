/**
 * A commit as the texts that the function of the schema takes.
 *
 * Guarantee: what is in a batch twice is there once, as its last one (the server cannot write a row twice in one
 * statement), and texts of one journal that do not continue each other are refused here.
 *
 * @module
 */
import type { Append, ShardBatch } from "../../../core/ports/store.ts";
import { corrupt, keyText } from "../../../core/store_rules.ts";

/** The values of `commit_1`, in its order. */
export function commitValues(batchId: string, batches: readonly ShardBatch[]): (string | null)[] {
  const fences = batches.map(({ shard, epoch }) => ({ s: shard, e: epoch }));
  const drops: object[] = [];
  const heads: object[] = [];
  const appends: object[] = [];
  const gone: object[] = [];
  const cells: object[] = [];
  const acks: object[] = [];
  for (const batch of batches) {
    const s = batch.shard;
    for (const { tenant, workflow, id } of batch.drops) drops.push({ s, t: tenant, w: workflow, i: id });
    for (const head of lastOf(batch.heads, keyText)) {
      const { tenant, workflow, id, status, wake, created, ended, data } = head;
      heads.push({ s, t: tenant, w: workflow, i: id, u: status, k: wake, c: created, e: ended, x: data });
    }
    pushAppends(appends, s, batch.appends);
    for (const { key, value } of lastOf(batch.cells, (cell) => cell.key)) {
      if (value === null) gone.push({ s, k: key });
      else cells.push({ s, k: key, v: value });
    }
    for (const { key, outcome, at } of lastOf(batch.acks, (ack) => ack.key)) acks.push({ s, k: key, o: outcome, a: at });
  }
  return [batchId, ...[fences, drops, heads, appends, gone, cells, acks].map((rows) => rows.length === 0 ? null : JSON.stringify(rows))];
}

function pushAppends(into: object[], s: number, appends: readonly Append[]): void {
  const next = new Map<string, number>();
  for (const { key, seq, count, text } of appends) {
    const name = keyText(key);
    const expected = next.get(name);
    if (expected !== undefined && expected !== seq) throw corrupt(`The journal continues at ${expected}, not at ${seq}`);
    next.set(name, seq + count);
    const { tenant, workflow, id } = key;
    into.push({ s, t: tenant, w: workflow, i: id, q: seq, c: count, x: text, f: expected === undefined });
  }
}

function lastOf<T>(all: readonly T[], name: (one: T) => string): Iterable<T> {
  const last = new Map<string, T>();
  for (const one of all) last.set(name(one), one);
  return last.size === all.length ? all : last.values();
}
