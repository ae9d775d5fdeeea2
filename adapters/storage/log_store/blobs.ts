/**
 * Blobs over objects: code and large values wherever objects can be kept.
 *
 * Guarantee: what is read is what was written under that very tenant and hash, or an error: a digest of all three is
 * kept with the bytes. It finds damage and objects that were mixed up, not somebody who may write to the place.
 *
 * @module
 */
import type { Blobs } from "../../../core/ports/blobs.ts";
import { checkText, corrupt } from "../../../core/store_rules.ts";
import { seal, unseal } from "./frame.ts";
import { failure } from "./log.ts";
import { hashText, type Objects } from "./objects.ts";

const DIGEST = 32;

/**
 * Keeps blobs among objects.
 *
 * @param name for messages
 * @param use called before each use; throws when it is too late for that
 */
export function createLogBlobs(objects: Objects, name: string, use: () => void = () => {}): Blobs {
  async function keyOf(tenant: string, hash: string): Promise<string> {
    use();
    checkText("tenant", tenant);
    checkText("hash", hash);
    return `blob/${await hashText(tenant)}/${await hashText(hash)}`;
  }

  async function attempt<T>(act: string, tenant: string, hash: string, body: (key: string) => Promise<T>): Promise<T> {
    try {
      return await body(await keyOf(tenant, hash));
    } catch (error) {
      throw failure(act, name, error);
    }
  }

  return {
    async put(tenant, hash, bytes) {
      // What the caller does to its bytes after this call is no business of ours.
      const copy = bytes.slice();
      await attempt("write to", tenant, hash, async (key) => {
        const content = new Uint8Array(DIGEST + copy.length);
        content.set(copy, DIGEST);
        content.set(await digestOf(key, copy));
        await objects.putIfAbsent(key, seal(content));
      });
    },
    get: (tenant, hash) =>
      attempt("read", tenant, hash, async (key) => {
        const found = await objects.get(key);
        if (found === null) return null;
        const content = unseal(found);
        const bytes = content.slice(DIGEST);
        const digest = await digestOf(key, bytes);
        if (content.length < DIGEST || digest.some((byte, i) => byte !== content[i])) {
          throw corrupt(`Cannot read "${name}": a blob is not what was written under its name`);
        }
        return bytes;
      }),
    delete: (tenant, hash) => attempt("write to", tenant, hash, (key) => objects.delete(key)),
  };
}

async function digestOf(key: string, bytes: Uint8Array): Promise<Uint8Array> {
  const name = new TextEncoder().encode(`${key}\n`);
  const all = new Uint8Array(name.length + bytes.length);
  all.set(name);
  all.set(bytes, name.length);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", all));
}
