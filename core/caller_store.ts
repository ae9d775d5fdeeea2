/**
 * The store as whoever calls the API reads it: an error says that the storage failed, and no more.
 *
 * A caller may be a tenant, through a binding that the platform grants. What an adapter says (a path, a statement, a
 * host) is the platform's: it stands in `cause`.
 *
 * @module
 */
import { TenureError } from "./errors.ts";
import type { Store } from "./ports/store.ts";

/** What callers read. */
export type CallerStore = Pick<Store, "shards" | "find" | "load" | "cell" | "cells">;

/** The reads of a store. */
export function callerStore(store: Store): CallerStore {
  return {
    shards: store.shards,
    find: (query) => store.find(query).catch(fail),
    load: (shard, key, part) => store.load(shard, key, part).catch(fail),
    cell: (shard, key) => store.cell(shard, key).catch(fail),
    cells: (shard, query) => store.cells(shard, query).catch(fail),
  };
}

function fail(cause: unknown): never {
  // what is wrong with the call, or with what is stored, is said in our own words
  if (cause instanceof TenureError && cause.code !== "storage_unavailable") throw cause;
  throw storageFailed(cause);
}

/** The error that a caller gets for whatever the storage threw. */
export function storageFailed(cause: unknown): TenureError {
  return new TenureError("storage_unavailable", "Cannot answer the call: the storage failed", { cause });
}
