/**
 * A store in Deno KV: `Deno.openKv` on Deno (with `--unstable-kv`), `@deno/kv` on Node.
 *
 * Guarantees: the whole {@linkcode Store} contract. A commit is one transaction that checks that its number is free; one
 * that is larger than a transaction may be is written in pieces before, and counts from one transaction on. Who owns a
 * shard is decided by a lease, and whether a write counts by who took its number. The file of a local database is synced
 * by each commit. Everybody holds what a store comes to in memory: it is for thousands of instances.
 *
 * @module
 */
import { TenureError } from "../../core/errors.ts";
import type { StorageAdapter, StoreCaps } from "../../core/ports/store.ts";
import { createLogStorage } from "./log_store/mod.ts";
import type { LogStoreOptions } from "./log_store/options.ts";
import { type DenoKvLike, openKvObjects } from "./objects/deno_kv.ts";

export type { LogStoreOptions } from "./log_store/options.ts";
export type { DenoKvLike, KvAtomicLike, KvEntryLike, KvPart } from "./objects/deno_kv.ts";

/** Options of {@linkcode denoKv} that do not say where the data is. */
export interface DenoKvCommonOptions extends LogStoreOptions {
  /**
   * What all keys begin with, so that a database can hold other things.
   * @default ["tenure"]
   */
  readonly prefix?: readonly string[];
}

/** A database that the caller opened. */
export interface DenoKvDatabaseOptions extends DenoKvCommonOptions {
  /** What `Deno.openKv()` or `openKv()` of `@deno/kv` gave. It is not closed. */
  readonly kv: DenoKvLike;
  /**
   * What its commits survive: `"none"` for one in memory, `"replicated"` for a service that says so.
   * @default "fsync", which a local file does
   */
  readonly durability?: StoreCaps["durability"];
}

/** A local file that the store opens, on Deno. */
export interface DenoKvPathOptions extends DenoKvCommonOptions {
  /** The file. */
  readonly path: string;
}

/** Options of {@linkcode denoKv}. */
export type DenoKvOptions = DenoKvDatabaseOptions | DenoKvPathOptions;

/**
 * Keeps everything in Deno KV.
 *
 * @example
 * ```ts ignore
 * import { createTenure } from "tenure";
 * import { denoKv } from "tenure/storage/deno-kv";
 *
 * const tenure = await createTenure({ storage: denoKv({ kv: await Deno.openKv("./tenure.kv") }) });
 * ```
 */
export function denoKv(options: DenoKvOptions): StorageAdapter {
  const { prefix = ["tenure"], shards, now } = options;
  const durability = "kv" in options ? options.durability ?? "fsync" : options.path === ":memory:" ? "none" : "fsync";
  return createLogStorage({
    name: "deno-kv",
    async open() {
      if ("kv" in options) return await openKvObjects(options.kv, prefix, now);
      const kv = await openFile(options.path);
      return { ...await openKvObjects(kv, prefix, now), close: () => Promise.resolve(kv.close()) };
    },
    shards,
    defaultShards: 1,
    caps: { durability, writers: "fenced" },
    hints: false,
    ...(now !== undefined && { times: { now } }),
  });
}

async function openFile(path: string): Promise<DenoKvLike> {
  const { Deno: deno } = globalThis as { readonly Deno?: { openKv?(path: string): Promise<DenoKvLike> } };
  if (deno?.openKv === undefined) {
    const reason = deno === undefined ? "there is `Deno.openKv` on Deno only, so pass `kv`" : "Deno has to be started with --unstable-kv";
    throw new TenureError("storage_unavailable", `Cannot open "deno-kv": ${reason}`);
  }
  return await deno.openKv(path);
}
