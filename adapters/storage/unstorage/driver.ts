/**
 * Drivers of unstorage: which may hold a store, and which have a client that can do more than they can.
 *
 * @module
 */
import { TenureError } from "../../../core/errors.ts";
import type { StoreCaps } from "../../../core/ports/store.ts";
import type { Objects } from "../log_store/objects.ts";
import { type DenoKvLike, openKvObjects } from "../objects/deno_kv.ts";
import { openBucket, type R2BucketLike } from "../objects/r2.ts";
import { openRedis, redisDurability, type RedisLike } from "../objects/redis.ts";

/** What is used of a driver. */
export interface UnstorageDriverLike {
  /** What it is called. */
  readonly name?: string | undefined;
  /** What it was made with. */
  readonly options?: unknown;
  /** Its own client. */
  readonly getInstance?: (() => unknown) | undefined;
}

/** A client that was opened through its driver. */
export interface OpenedDriver {
  /** The place. */
  readonly objects: Objects;
  /** What its writes survive. */
  readonly durability: StoreCaps["durability"];
  /** Whether looking costs money. */
  readonly hints: boolean;
}

/** Why a driver may hold no store. */
const REFUSED: Readonly<Record<string, string>> = {
  "cloudflare-kv-binding": "what is written is seen elsewhere up to a minute later",
  "cloudflare-kv-http": "what is written is seen elsewhere up to a minute later",
  "lru-cache": "it forgets",
  "overlay": "it writes to memory",
  "null": "it forgets",
  "http": "it says nothing of how the other side keeps things",
  "github": "it cannot write",
  "netlify-blobs": "what is written is seen elsewhere later",
  "vercel-runtime-cache": "it forgets",
  "session-storage": "it forgets",
};

/**
 * Refuses what is known to lose or to show late what is written.
 *
 * @throws {TenureError} `invalid_argument`
 */
export function checkDriver(name: string | undefined): void {
  const reason = name === undefined ? undefined : REFUSED[name];
  if (reason !== undefined) throw refused(name, reason);
}

/**
 * How a driver's own client is opened.
 *
 * @throws {TenureError} `invalid_argument` where it has none with a compare-and-swap
 */
export function openDriver(driver: UnstorageDriverLike, prefix: string): () => Promise<OpenedDriver> {
  const { name, getInstance } = driver;
  const { base = "", path } = (driver.options ?? {}) as { readonly base?: string; readonly path?: string };
  const parts = [...base.split(/[:/]/), ...prefix.split(/[:/]/)].filter((part) => part !== "");
  if (getInstance !== undefined) {
    const client = async (): Promise<unknown> => await getInstance();
    if (name === "redis") {
      return async () => {
        const redis = await client() as RedisLike;
        const durability = await redisDurability(redis);
        return { objects: openRedis(redis, parts.map((part) => `${part}:`).join("")), durability, hints: false };
      };
    }
    if (name === "cloudflare-r2-binding") {
      return async () => {
        const objects = openBucket(await client() as R2BucketLike, parts.map((part) => `${part}/`).join(""));
        return { objects, durability: "replicated", hints: true };
      };
    }
    if (name === "deno-kv" || name === "deno-kv-node") {
      return async () => {
        const objects = await openKvObjects(await client() as DenoKvLike, parts);
        return { objects, durability: path === ":memory:" ? "none" : "fsync", hints: false };
      };
    }
  }
  throw refused(name, "it has no client with a compare-and-swap; pass a storage instead, for one process");
}

function refused(name: string | undefined, reason: string): TenureError {
  return new TenureError("invalid_argument", `Cannot keep a store by the driver "${name ?? "without a name"}": ${reason}`);
}
