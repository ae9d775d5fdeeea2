/**
 * What a store holds, in memory, and what a batch does to it: the data of `memory()`, and of a log what it comes to.
 *
 * Guarantee: {@linkcode plan} finds whatever is wrong with a batch before {@linkcode apply} changes anything, and
 * `apply` cannot fail: so a batch is all or nothing.
 *
 * @module
 */
import type { Append, Due, Head, InstanceKey, ShardBatch } from "../../../core/ports/store.ts";
import { compareDue, compareHead, compareText, corrupt, keyText } from "../../../core/store_rules.ts";
import { createSorted, type Sorted } from "./sorted.ts";

/** How long an outcome is kept behind the newest one, ms. */
export const OUTCOME_MS: number = 86_400_000;

/** An instance. */
export interface Row {
  readonly shard: number;
  head: Head;
  readonly journal: string[];
  /** Number of the first record of each text. */
  readonly starts: number[];
  /** Number of the next record. */
  next: number;
}

/** A shard. */
export interface Shard {
  epoch: number;
  lastBatch: string;
  /** Whether nobody owns it and its last owner released it. */
  clean: boolean;
  lease: { readonly owner: string; readonly connection: object; expires: number } | null;
  readonly due: Sorted<Due>;
  readonly cells: Map<string, string>;
  readonly cellKeys: Sorted<string>;
  readonly inbox: Map<string, string>;
  readonly outcomes: Map<string, { readonly outcome: string; readonly at: number }>;
  /** The newest `at` of an acknowledgement. */
  newest: number;
  readonly listeners: Set<{ readonly posted: () => void; readonly committed: () => void }>;
}

/** Everything that all connections share. */
export interface Data {
  readonly shards: readonly Shard[];
  readonly rows: Map<string, Row>;
  readonly tenants: Map<string, Sorted<Head>>;
  readonly blobs: Map<string, Uint8Array>;
}

/** Makes an empty one. */
export function createData(shards: number): Data {
  return {
    shards: Array.from({ length: shards }, () => ({
      epoch: 0,
      lastBatch: "",
      clean: true,
      lease: null,
      due: createSorted(compareDue),
      cells: new Map(),
      cellKeys: createSorted(compareText),
      inbox: new Map(),
      outcomes: new Map(),
      newest: 0,
      listeners: new Set(),
    })),
    rows: new Map(),
    tenants: new Map(),
    blobs: new Map(),
  };
}

/** Forgets everything of a shard but who owns it. */
export function clear(data: Data, number: number): void {
  const shard = data.shards[number] as Shard;
  const keys = [...data.rows.values()].filter((row) => row.shard === number).map(({ head }) => head);
  for (const key of keys) drop(data, shard, number, key);
  for (const key of [...shard.cells.keys()]) shard.cellKeys.remove(key);
  shard.cells.clear();
  shard.inbox.clear();
  shard.outcomes.clear();
  shard.newest = 0;
}

/** Throws when a batch does not fit what is stored; changes nothing. */
export function plan(data: Data, batches: readonly ShardBatch[]): void {
  // What the batches so far leave of each key they touch: number of its next record, or -1 for none.
  const seen = new Map<string, { shard: number; next: number }>();
  function look(key: InstanceKey): { shard: number; next: number } {
    const text = keyText(key);
    let found = seen.get(text);
    if (found === undefined) {
      const row = data.rows.get(text);
      found = row === undefined ? { shard: -1, next: -1 } : { shard: row.shard, next: row.next };
      seen.set(text, found);
    }
    return found;
  }
  for (const batch of batches) {
    for (const key of batch.drops) {
      const found = look(key);
      if (found.shard === batch.shard) found.shard = found.next = -1;
    }
    for (const head of batch.heads) {
      const found = look(head);
      if (found.shard !== -1 && found.shard !== batch.shard) throw corrupt("The instance belongs to another shard");
      if (found.shard === -1) [found.shard, found.next] = [batch.shard, 0];
    }
    for (const { key, seq, count } of batch.appends) {
      const found = look(key);
      if (found.shard !== batch.shard) throw corrupt("The journal has no head in this shard");
      if (found.next !== seq) throw corrupt(`The journal continues at ${found.next}, not at ${seq}`);
      found.next += count;
    }
  }
}

/** Does what {@linkcode plan} allowed. */
export function apply(data: Data, batch: ShardBatch): void {
  const shard = data.shards[batch.shard] as Shard;
  for (const key of batch.drops) drop(data, shard, batch.shard, key);
  for (const head of batch.heads) put(data, shard, batch.shard, head);
  for (const append of batch.appends) addTo(data, append);
  for (const { key, value } of batch.cells) {
    if (value === null) {
      shard.cells.delete(key);
      shard.cellKeys.remove(key);
    } else {
      shard.cells.set(key, value);
      shard.cellKeys.insert(key);
    }
  }
  for (const { key, outcome, at } of batch.acks) {
    shard.inbox.delete(key);
    shard.outcomes.delete(key);
    shard.outcomes.set(key, { outcome, at });
    if (at > shard.newest) shard.newest = at;
  }
  // In the order of acknowledgement, so an old outcome behind a young one waits for it.
  for (const [key, { at }] of shard.outcomes) {
    if (at >= shard.newest - OUTCOME_MS) break;
    shard.outcomes.delete(key);
  }
}

function drop(data: Data, shard: Shard, number: number, key: InstanceKey): void {
  const text = keyText(key);
  const row = data.rows.get(text);
  if (row === undefined || row.shard !== number) return;
  data.rows.delete(text);
  data.tenants.get(key.tenant)?.remove(row.head);
  if (row.head.wake !== null) shard.due.remove(dueOf(row.head, row.head.wake));
}

function put(data: Data, shard: Shard, number: number, given: Head): void {
  const { tenant, workflow, id, status, wake, created, ended, data: text } = given;
  const head: Head = { tenant, workflow, id, status, wake, created, ended, data: text };
  const key = keyText(head);
  const row = data.rows.get(key);
  let heads = data.tenants.get(tenant);
  if (heads === undefined) data.tenants.set(tenant, heads = createSorted(compareHead));
  if (row === undefined) {
    data.rows.set(key, { shard: number, head, journal: [], starts: [], next: 0 });
  } else {
    if (row.head.created !== created) heads.remove(row.head);
    if (row.head.wake !== null && row.head.wake !== wake) shard.due.remove(dueOf(row.head, row.head.wake));
    row.head = head;
  }
  heads.insert(head);
  if (wake !== null) shard.due.insert(dueOf(head, wake));
}

function addTo(data: Data, append: Append): void {
  const row = data.rows.get(keyText(append.key)) as Row;
  row.journal.push(append.text);
  row.starts.push(append.seq);
  row.next += append.count;
}

function dueOf(key: InstanceKey, wake: number): Due {
  return { wake, tenant: key.tenant, workflow: key.workflow, id: key.id };
}
