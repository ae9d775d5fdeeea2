/**
 * Objects in an R2 bucket.
 *
 * @module
 */
import type { Objects } from "../log_store/objects.ts";

/** What is used of an object. */
export interface R2ObjectLike {
  /** Its content. */
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** What is used of a page of a list. */
export interface R2ListedLike {
  /** The objects, in the order of their keys. */
  readonly objects: readonly { readonly key: string }[];
  /** Whether there are more. */
  readonly truncated: boolean;
  /** Where the next page begins. */
  readonly cursor?: string;
}

/** What is used of the binding of a bucket (`R2Bucket`). */
export interface R2BucketLike {
  /** Reads an object. */
  get(key: string): Promise<R2ObjectLike | null>;
  /** Writes an object; `null` when the condition does not hold. */
  put(key: string, value: Uint8Array, options: { onlyIf: { etagDoesNotMatch: string } }): Promise<unknown>;
  /** Lists objects. */
  list(options: { prefix: string; cursor?: string }): Promise<R2ListedLike>;
  /** Removes an object. */
  delete(key: string): Promise<unknown>;
}

/** Opens a bucket; all keys begin with `prefix`. */
export function openBucket(bucket: R2BucketLike, prefix: string): Objects {
  return {
    async putIfAbsent(key, bytes) {
      return await bucket.put(prefix + key, bytes, { onlyIf: { etagDoesNotMatch: "*" } }) !== null;
    },
    async get(key) {
      const object = await bucket.get(prefix + key);
      return object === null ? null : new Uint8Array(await object.arrayBuffer());
    },
    async list(below) {
      const keys: string[] = [];
      let cursor: string | undefined;
      do {
        const page: R2ListedLike = await bucket.list({ prefix: prefix + below, ...(cursor !== undefined && { cursor }) });
        for (const { key } of page.objects) keys.push(key.slice(prefix.length));
        cursor = page.truncated ? page.cursor : undefined;
      } while (cursor !== undefined);
      return keys;
    },
    async delete(key) {
      await bucket.delete(prefix + key);
    },
  };
}
