/**
 * The contract of a store once more, as simply as it can be said: arrays, copies, sorting by bytes. Slow on purpose.
 *
 * @module
 */
import type { Due, FindQuery, Head, Image, InstanceKey, Message, ShardBatch } from "../../core/ports/store.ts";

interface ModelShard {
  instances: { readonly head: Head; readonly records: readonly string[] }[];
  cells: { readonly key: string; readonly value: string }[];
  inbox: Message[];
  outcomes: { readonly key: string; readonly outcome: string }[];
}

/** A store as it ought to be. */
export interface Model {
  /** Does a batch that is valid. */
  apply(batch: ShardBatch): void;
  /** As of the port. */
  post(shard: number, message: Message): void;
  /** As of the port; the journal in records. */
  load(shard: number, key: InstanceKey): Image | null;
  /** All timers of a shard. */
  due(shard: number, after: number, until: number): Due[];
  /** All heads that a query means, without its limit and place. */
  find(query: Omit<FindQuery, "limit" | "from">): Head[];
  /** All cells under a prefix. */
  cells(shard: number, prefix: string): { readonly key: string; readonly value: string }[];
  /** All messages that wait. */
  inbox(shard: number): readonly Message[];
  /** As of the port. */
  outcome(shard: number, key: string): string | null;
}

const encoder = new TextEncoder();

/** Compares two texts by their UTF-8 bytes. */
export function byBytes(a: string, b: string): number {
  const x = encoder.encode(a);
  const y = encoder.encode(b);
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    if (x[i] !== y[i]) return (x[i] as number) - (y[i] as number);
  }
  return x.length - y.length;
}

/** Makes an empty one. */
export function createModel(count: number): Model {
  const shards: ModelShard[] = Array.from(
    { length: count },
    () => ({ instances: [], cells: [], inbox: [], outcomes: [] }),
  );
  const at = (shard: number) => shards[shard] as ModelShard;

  function apply(batch: ShardBatch): void {
    const shard = at(batch.shard);
    for (const key of batch.drops) shard.instances = shard.instances.filter(({ head }) => !same(head, key));
    for (const head of batch.heads) {
      const records = shard.instances.find((i) => same(i.head, head))?.records ?? [];
      shard.instances = [...shard.instances.filter((i) => !same(i.head, head)), { head: { ...head }, records }];
    }
    for (const { key, text } of batch.appends) {
      shard.instances = shard.instances.map((i) =>
        same(i.head, key) ? { head: i.head, records: [...i.records, ...text.split("\n")] } : i
      );
    }
    for (const { key, value } of batch.cells) {
      shard.cells = shard.cells.filter((cell) => cell.key !== key);
      if (value !== null) shard.cells.push({ key, value });
    }
    for (const { key, outcome } of batch.acks) {
      shard.inbox = shard.inbox.filter((message) => message.key !== key);
      shard.outcomes = [...shard.outcomes.filter((o) => o.key !== key), { key, outcome }];
    }
  }

  function post(number: number, message: Message): void {
    const shard = at(number);
    if (shard.inbox.some((m) => m.key === message.key) || shard.outcomes.some((o) => o.key === message.key)) return;
    shard.inbox.push({ ...message });
  }

  function load(shard: number, key: InstanceKey): Image | null {
    const found = at(shard).instances.find(({ head }) => same(head, key));
    return found === undefined ? null : { head: found.head, journal: found.records };
  }

  function due(shard: number, after: number, until: number): Due[] {
    return at(shard).instances
      .flatMap(({ head: { wake, tenant, workflow, id } }) => wake === null ? [] : [{ wake, tenant, workflow, id }])
      .filter(({ wake }) => wake > after && wake <= until)
      .sort((a, b) =>
        a.wake - b.wake || byBytes(a.tenant, b.tenant) || byBytes(a.workflow, b.workflow) || byBytes(a.id, b.id)
      );
  }

  function find(query: Omit<FindQuery, "limit" | "from">): Head[] {
    const { tenant, workflow, id, status } = query;
    return shards.flatMap(({ instances }) => instances.map(({ head }) => head))
      .filter((head) => head.tenant === tenant && (workflow === undefined || head.workflow === workflow))
      .filter((head) => (id === undefined || head.id === id) && (status === undefined || head.status === status))
      .sort((a, b) => a.created - b.created || byBytes(a.workflow, b.workflow) || byBytes(a.id, b.id));
  }

  function cells(shard: number, prefix: string): { readonly key: string; readonly value: string }[] {
    return at(shard).cells.filter(({ key }) => key.startsWith(prefix)).sort((a, b) => byBytes(a.key, b.key));
  }

  function outcome(shard: number, key: string): string | null {
    return at(shard).outcomes.find((o) => o.key === key)?.outcome ?? null;
  }

  return { apply, post, load, due, find, cells, inbox: (shard) => at(shard).inbox, outcome };
}

function same(a: InstanceKey, b: InstanceKey): boolean {
  return a.tenant === b.tenant && a.workflow === b.workflow && a.id === b.id;
}
