/**
 * A store in an R2 bucket, by its binding in a Worker: no server, and as many writers as there are. And blobs there.
 *
 * Guarantees: the whole {@linkcode Store} contract. A commit is one object, put with `If-None-Match: *`; R2 answers when
 * it is replicated. Who owns a shard is decided by a lease, and whether a write counts by who took its number.
 *
 * What it costs: an operation of class A for each commit, for each look into an inbox (one a second and shard where
 * somebody runs instances), and for each lease that an idle owner prolongs (three in its time).
 *
 * @module
 */
import type { Blobs } from "../../core/ports/blobs.ts";
import type { StorageAdapter } from "../../core/ports/store.ts";
import { createLogBlobs } from "./log_store/blobs.ts";
import { createLogStorage } from "./log_store/mod.ts";
import type { LogStoreOptions } from "./log_store/options.ts";
import { openBucket, type R2BucketLike } from "./objects/r2.ts";

export type { LogStoreOptions } from "./log_store/options.ts";
export type { R2BucketLike, R2ListedLike, R2ObjectLike } from "./objects/r2.ts";

/** A place in a bucket. */
export interface R2Place {
  /** The binding. */
  readonly bucket: R2BucketLike;
  /**
   * What the keys of all objects begin with, so that a bucket can hold other things.
   * @default "tenure/"
   */
  readonly prefix?: string;
}

/** Options of {@linkcode r2}. */
export type R2Options = R2Place & LogStoreOptions;

/**
 * Keeps everything in a bucket.
 *
 * @example
 * ```ts ignore
 * import { createTenure } from "tenure";
 * import { r2 } from "tenure/storage/r2";
 *
 * const tenure = await createTenure({ storage: r2({ bucket: env.BUCKET }) });
 * ```
 */
export function r2({ bucket, prefix = "tenure/", shards, now }: R2Options): StorageAdapter {
  return createLogStorage({
    name: "r2",
    open: () => Promise.resolve(openBucket(bucket, prefix)),
    shards,
    defaultShards: 1,
    caps: { durability: "replicated", writers: "fenced" },
    hints: true,
    ...(now !== undefined && { times: { now } }),
  });
}

/** Keeps tenants' code in a bucket: the option `code` of `createTenure`. */
export function r2Blobs({ bucket, prefix = "tenure/" }: R2Place): Blobs {
  return createLogBlobs(openBucket(bucket, prefix), "r2");
}
