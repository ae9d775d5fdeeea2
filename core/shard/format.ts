/**
 * The format that a store is written in, kept as a cell of each shard: what the oldest release that shares the store
 * can read, until `upgradeFormat()` raises it. A release that does not know it leaves the store alone.
 *
 * @module
 */
import { TenureError } from "../errors.ts";
import type { Lease, Store } from "../ports/store.ts";
import type { Committer } from "./committer.ts";
import { DONE, type Outcome, refused } from "./requests.ts";

const CELL = "format";
/** What a store without the cell is written in. */
const FIRST = 1;

/** The formats of a store's shards. */
export interface Formats {
  /** The newest that this engine knows. */
  readonly newest: number;
  /** What is written to a shard that was acquired. */
  written(shard: number): number;
  /** Rejects with `storage_newer` when a shard is written in a newer one. A store that does not answer is no reason to. */
  check(shard: number): Promise<void>;
  /** Acquires a shard, unless it is written in a newer one: whoever knows that may have it. */
  acquire(shard: number, owner: string, ttl: number): Promise<Lease | null>;
  /** Whether it has met a shard in a newer one: none is for this engine to have any more. */
  outgrown(): boolean;
  /** Raises that of an acquired shard; counts when the cell is durable, so that nothing newer is ever there without it. */
  raise(shard: number, to: number, committer: Committer): Outcome;
}

/** Reads and keeps those of a store. */
export function createFormats(store: Store, newest: number): Formats {
  const written = new Map<number, number>();
  /** Acquired, and not known yet to be ours to write. */
  const taken = new Map<number, Lease>();
  let outgrown = false;

  async function read(shard: number): Promise<number> {
    return Number(await store.cell(shard, CELL) ?? FIRST);
  }

  function raise(shard: number, to: number, committer: Committer): Outcome {
    if (to > newest) {
      return refused("storage_newer", `Cannot raise the format to ${to}: the engine that owns the store knows up to ${newest}`);
    }
    if (to <= (written.get(shard) ?? FIRST)) return DONE;
    committer.cell(shard, "", { key: CELL, value: String(to) });
    committer.wait(shard, "", { ok: () => void written.set(shard, to), lost: () => {} });
    return DONE;
  }

  return {
    newest,
    written: (shard) => written.get(shard) ?? FIRST,
    async check(shard) {
      const found = await read(shard).catch(() => FIRST);
      if (found <= newest) return;
      throw new TenureError("storage_newer", `Cannot work on the store: its format is ${found}, and this release knows up to ${newest}`);
    },
    async acquire(shard, owner, ttl) {
      let lease: Lease | null | undefined = taken.get(shard);
      if (lease === undefined) {
        // before it is ours: an owner that can do nothing would keep away who can
        if (await read(shard) > newest) {
          outgrown = true;
          return null;
        }
        lease = await store.acquire(shard, owner, ttl);
        if (lease === null) return null;
        taken.set(shard, lease);
      }
      // whoever had it meanwhile may have raised it
      const found = await read(shard);
      taken.delete(shard);
      if (found > newest) {
        outgrown = true;
        // what an owner left by dying is still to be counted: that lease has to run out
        if (lease.clean) await store.release(shard, lease.epoch);
        return null;
      }
      written.set(shard, found);
      return lease;
    },
    outgrown: () => outgrown,
    raise,
  };
}
