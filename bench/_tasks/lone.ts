/**
 * What one more step costs a run that is alone, and what one commit of a single row costs our store beside it.
 *
 * @module
 */
import { join } from "node:path";
import type { Engine } from "../_engines/engine.ts";
import type { Store } from "../../mod.ts";

/** One pair, ms. */
export interface Lone {
  /** (a run of 60 steps − a run of 10) ÷ 50. */
  readonly step: number;
  /** A commit of a single row. */
  readonly commit: number;
}

/** Our SQLite store, driven row by row. */
export interface Single {
  commits(count: number): Promise<void>;
  close(): Promise<void>;
}

const SHORT = 10;
const LONG = 60;
const COMMITS = 25;

/** Measures once; `flip` turns the order, so that a disk that gets slower favours nobody. */
export async function measureLone(
  engine: Pick<Engine, "run">,
  { single, flip }: { readonly single: Single; readonly flip: boolean },
): Promise<Lone> {
  const first = await timed(() => engine.run(flip ? LONG : SHORT));
  const commits = await timed(() => single.commits(COMMITS));
  const second = await timed(() => engine.run(flip ? SHORT : LONG));
  return { step: (flip ? first - second : second - first) / (LONG - SHORT), commit: commits / COMMITS };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/** Opens a new store and makes the instance that the rows belong to. */
export async function openSingle(folder: string): Promise<Single> {
  const { sqlite } = await import("../../adapters/storage/sqlite.ts");
  const store: Store = await sqlite({ path: join(folder, "single.db") }).open();
  const lease = await store.acquire(0, "bench", 60_000);
  if (lease === null) throw new Error("Cannot acquire the new store");
  const key = { tenant: "tenant", workflow: "Bench", id: "single" };
  const head = { ...key, status: "running", wake: 0, created: 1, ended: null, data: "{}" };
  const text = JSON.stringify({ name: "step-1", value: "x".repeat(170) });
  const batch = { shard: 0, epoch: lease.epoch, drops: [], heads: [], appends: [], cells: [], acks: [] };
  await store.commit("first", [{ ...batch, heads: [head] }]);
  let seq = 0;
  return {
    async commits(count) {
      for (let i = 0; i < count; i++) {
        await store.commit(`batch-${seq}`, [{ ...batch, appends: [{ key, seq: seq++, count: 1, text }] }]);
      }
    },
    close: () => store.close(),
  };
}
