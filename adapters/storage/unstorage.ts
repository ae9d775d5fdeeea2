/**
 * A store in any storage of the library unstorage; and blobs there.
 *
 * Guarantees of `{ storage }`: the {@linkcode Store} contract among the engines of **one process** that share the
 * storage object. No driver of unstorage can write a value only where there is none, so two processes on one storage
 * lose data and nothing notices: the store says `writers: "single-process"`. A commit is one value; one that a crash
 * left half written is as if it had never been. What an answered commit survives is what the driver's write survives: at
 * most the loss of the process, as far as can be promised here.
 *
 * Guarantees of `{ driver }`: the whole contract, through the driver's own client, which has a compare-and-swap: an R2
 * bucket, Deno KV, Redis. Any other driver is refused.
 *
 * Trusts the driver to show at once what was written, so those that do not, or may forget, are refused by name.
 *
 * @module
 */
import { TenureError } from "../../core/errors.ts";
import type { Blobs } from "../../core/ports/blobs.ts";
import type { StorageAdapter } from "../../core/ports/store.ts";
import { createLogBlobs } from "./log_store/blobs.ts";
import { checkShards, createLogStorage } from "./log_store/mod.ts";
import type { LogStoreOptions } from "./log_store/options.ts";
import { openUnstorage, type UnstorageLike } from "./objects/unstorage.ts";
import { checkDriver, openDriver, type UnstorageDriverLike } from "./unstorage/driver.ts";

export type { LogStoreOptions } from "./log_store/options.ts";
export type { UnstorageLike } from "./objects/unstorage.ts";
export type { UnstorageDriverLike } from "./unstorage/driver.ts";

/** Options of {@linkcode unstorage} that do not say where the data is. */
export interface UnstorageCommonOptions extends LogStoreOptions {
  /**
   * What all keys begin with.
   * @default "tenure"
   */
  readonly prefix?: string;
}

/** A storage, for one process. */
export interface UnstorageStorageOptions extends UnstorageCommonOptions {
  /** What `createStorage` of unstorage made. */
  readonly storage: UnstorageLike;
  /**
   * What the driver's writes survive: `"process"` its end, `"none"` for a driver in memory.
   * @default "none" for the driver in memory, or else "process"
   */
  readonly durability?: "process" | "none";
}

/** A driver whose client has a compare-and-swap, for any number of processes. */
export interface UnstorageDriverOptions extends UnstorageCommonOptions {
  /** A driver: `redis`, `cloudflare-r2-binding`, `deno-kv` or `deno-kv-node`. */
  readonly driver: UnstorageDriverLike;
}

/** Options of {@linkcode unstorage}. */
export type UnstorageOptions = UnstorageStorageOptions | UnstorageDriverOptions;

/**
 * Keeps everything in a storage of unstorage, or by a driver of it.
 *
 * @example
 * ```ts ignore
 * import { createStorage } from "unstorage";
 * import fs from "unstorage/drivers/fs-lite";
 * import { createTenure } from "tenure";
 * import { unstorage } from "tenure/storage/unstorage";
 *
 * const storage = createStorage({ driver: fs({ base: "./data" }) });
 * const tenure = await createTenure({ storage: unstorage({ storage }) });
 * ```
 *
 * @throws {TenureError} `invalid_argument` for a driver that cannot hold what a store has to hold
 */
export function unstorage(options: UnstorageOptions): StorageAdapter {
  const { shards, now } = options;
  const prefix = prefixOf(options.prefix ?? "tenure");
  const common = { name: "unstorage", shards, defaultShards: 1, ...(now !== undefined && { times: { now } }) };
  if ("driver" in options) {
    const { driver } = options;
    checkShards(shards);
    const opener = openDriver(driver, prefix);
    return {
      name: common.name,
      async open() {
        const { objects, durability, hints } = await opener();
        const parts = { ...common, open: () => Promise.resolve(objects), hints };
        return await createLogStorage({ ...parts, caps: { durability, writers: "fenced" } }).open();
      },
    };
  }
  const { storage } = options;
  const behind = storage.getMount?.("")?.driver.name;
  checkDriver(behind);
  const durability = options.durability ?? (behind === "memory" ? "none" : "process");
  return createLogStorage({
    ...common,
    open: () => Promise.resolve(openUnstorage(storage, prefix)),
    caps: { durability, writers: "single-process" },
    hints: true,
  });
}

/**
 * Keeps tenants' code in a storage of unstorage: the option `code` of `createTenure`. Any driver does, as long as it
 * keeps what it was given: what is read is checked.
 *
 * @example
 * ```ts ignore
 * const tenure = await createTenure({ storage: sqlite({ path }), code: unstorageBlobs({ storage }) });
 * ```
 */
export function unstorageBlobs({ storage, prefix = "tenure" }: {
  readonly storage: UnstorageLike;
  readonly prefix?: string;
}): Blobs {
  return createLogBlobs(openUnstorage(storage, prefixOf(prefix)), "unstorage");
}

function prefixOf(prefix: string): string {
  if (!/^([\w.-]+([:/][\w.-]+)*)?$/.test(prefix)) {
    const reason = "letters, digits, `_`, `-`, `.`, and `:` or `/` between them are possible";
    throw new TenureError("invalid_argument", `Cannot keep a store under "${prefix}": ${reason}`);
  }
  return prefix === "" ? "" : `${prefix.replaceAll(":", "/")}/`;
}
