/**
 * What a case works with: a fresh store, connections that are closed at its end, and short forms of batches.
 *
 * @module
 */
import type { Head, InstanceKey, Lease, ShardBatch, StorageAdapter, Store } from "../../core/ports/store.ts";
import { check } from "./check.ts";

/** A fresh, empty store to try. */
export interface StoreSubject {
  /** Each `open()` of it stands for another process on the same data. */
  readonly adapter: StorageAdapter;
  /** Removes everything; all connections were closed before. */
  cleanup(): Promise<void>;
  /**
   * Makes every owner that lives count as gone, although its connection stays open: lets leases run out, or breaks a
   * lock. Without it the cases close the connection instead, and prove less.
   */
  takeover?(): Promise<void>;
  /**
   * Breaks the next write of an owner, once: before it has done anything, or after all of it and before its answer.
   * Without it the cases cannot see how the store comes out of an unknown outcome.
   */
  fail?(when: "before" | "after"): void;
}

/** Makes a {@linkcode StoreSubject} with that many shards. */
export type OpenSubject = (options: { readonly shards: number }) => Promise<StoreSubject>;

/** One case of a conformance suite. */
export interface Case {
  /** What is to hold. */
  readonly name: string;
  /** Rejects when it does not. */
  run(): Promise<void>;
}

/** What the body of a case gets. */
export interface Bench {
  /** The store under test. */
  readonly subject: StoreSubject;
  /** Opens a connection, which is closed at the end of the case. */
  open(): Promise<Store>;
}

/** A lease long enough for any case, ms. */
export const TTL = 600_000;

/** Makes a case of a body. */
export function storeCase(
  open: OpenSubject,
  name: string,
  shards: number,
  body: (bench: Bench) => Promise<void>,
): Case {
  async function run(): Promise<void> {
    const subject = await open({ shards });
    const stores: Store[] = [];
    try {
      await body({
        subject,
        async open() {
          const store = await subject.adapter.open();
          stores.push(store);
          check(store.shards === shards, `a store made with ${shards} shards says that it has ${store.shards}`);
          return store;
        },
      });
    } finally {
      for (const store of stores) await store.close();
      await subject.cleanup();
    }
  }
  return { name, run };
}

/** Acquires a shard that must be free. */
export async function own(store: Store, shard: number, owner = "owner"): Promise<Lease> {
  const lease = await store.acquire(shard, owner, TTL);
  check(lease !== null, `acquire() of free shard ${shard} answered null`);
  return lease;
}

/** A batch of one shard; what is not given is empty. */
export function batch(shard: number, epoch: number, parts: Partial<ShardBatch> = {}): ShardBatch {
  return { shard, epoch, drops: [], heads: [], appends: [], cells: [], acks: [], ...parts };
}

/** Commits, and checks that it was taken. */
export async function commit(store: Store, id: string, ...batches: ShardBatch[]): Promise<void> {
  const answer = await store.commit(id, batches);
  check(answer === "ok", `commit() of ${id} was fenced: ${JSON.stringify(answer)}`);
}

/** A key. */
export function key(id: string, workflow = "flow", tenant = "acme"): InstanceKey {
  return { tenant, workflow, id };
}

/** A head; what is not given is that of a waiting instance. */
export function head(of: InstanceKey, parts: Partial<Head> = {}): Head {
  const { tenant, workflow, id } = of;
  return { tenant, workflow, id, status: "waiting", wake: null, created: 1_000, ended: null, data: "{}", ...parts };
}

/** Reads everything of an ordered query, page by page. */
export async function pages<T>(read: (last: T | undefined) => Promise<readonly T[]>, limit: number): Promise<T[]> {
  const all: T[] = [];
  for (;;) {
    const page = await read(all[all.length - 1]);
    check(page.length <= limit, `a page of at most ${limit} has ${page.length} entries`);
    all.push(...page);
    if (page.length < limit) return all;
  }
}
