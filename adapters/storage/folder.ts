/**
 * A store in a folder of files, without a database: for Node, Deno and Bun.
 *
 * Guarantees: the whole {@linkcode Store} contract. A commit is one file, synced with the folder that it is in before it
 * answers, and put in its place by a hard link, of which the file system makes one at most: so several processes may
 * work on one folder, and those that are not the newest owner are fenced. Who owns a shard is decided by a lease.
 * Everybody holds what a store comes to in memory: it is for thousands of instances, and {@linkcode sqlite} for more.
 *
 * Trusts the file system to make hard links atomically and to keep what it synced: so no network file systems.
 *
 * @module
 */
import type { StorageAdapter } from "../../core/ports/store.ts";
import { openFolder } from "./folder/node_fs.ts";
import { createLogStorage } from "./log_store/mod.ts";
import type { LogStoreOptions } from "./log_store/options.ts";

export type { LogStoreOptions } from "./log_store/options.ts";

/** Options of {@linkcode folder}. */
export interface FolderOptions extends LogStoreOptions {
  /** The folder, made when it is not there. */
  readonly path: string;
}

/**
 * Keeps everything in a folder.
 *
 * @example
 * ```ts ignore
 * import { createTenure } from "tenure";
 * import { folder } from "tenure/storage/folder";
 *
 * const tenure = await createTenure({ storage: folder({ path: "./data" }) });
 * ```
 */
export function folder({ path, shards, now }: FolderOptions): StorageAdapter {
  return createLogStorage({
    name: "folder",
    open: () => openFolder(path),
    shards,
    defaultShards: 1,
    caps: { durability: "fsync", writers: "fenced" },
    hints: false,
    ...(now !== undefined && { times: { now } }),
  });
}
