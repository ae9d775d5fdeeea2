/**
 * Objects as values of the library unstorage.
 *
 * Guarantee: "if absent" holds among all who use one storage object in one process: drivers know no condition, so it is
 * decided here. A value that a crash left half written counts as absent.
 *
 * @module
 */
import { isWhole } from "../log_store/frame.ts";
import type { Objects } from "../log_store/objects.ts";

/** What is used of a storage. */
export interface UnstorageLike {
  /** Reads a value as it was written. */
  getItemRaw(key: string): Promise<unknown>;
  /** Writes a value as it is. */
  setItemRaw(key: string, value: Uint8Array): Promise<void>;
  /** Lists all keys below another. */
  getKeys(base: string): Promise<string[]>;
  /** Removes a value. */
  removeItem(key: string): Promise<void>;
  /** Says which driver is behind a key. */
  getMount?(key: string): { readonly driver: { readonly name?: string | undefined } };
}

/** The writes that are under way, by storage and key. */
const writing: WeakMap<UnstorageLike, Map<string, Promise<unknown>>> = new WeakMap();

/** Opens a storage; all keys begin with `prefix`, which ends with `/` or is empty. */
export function openUnstorage(storage: UnstorageLike, prefix: string): Objects {
  let pending = writing.get(storage);
  if (pending === undefined) writing.set(storage, pending = new Map());
  const queue = pending;
  const nameOf = (key: string): string => (prefix + key).replaceAll("/", ":");

  async function putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean> {
    const name = nameOf(key);
    const before = queue.get(name) ?? Promise.resolve();
    const mine = before.catch(() => {}).then(async () => {
      if (await get(key) !== null) return false;
      // Drivers may keep what they are given.
      await storage.setItemRaw(name, bytes.slice());
      return true;
    });
    queue.set(name, mine);
    try {
      return await mine;
    } finally {
      if (queue.get(name) === mine) queue.delete(name);
    }
  }

  async function get(key: string): Promise<Uint8Array | null> {
    const bytes = bytesOf(await storage.getItemRaw(nameOf(key)));
    // Drivers write in place: what a crash cut off was never acknowledged.
    return bytes !== null && isWhole(bytes) ? bytes : null;
  }

  async function list(below: string): Promise<string[]> {
    const keys = await storage.getKeys(nameOf(below));
    const found = keys.map((key) => key.replaceAll(":", "/")).filter((key) => key.startsWith(prefix + below));
    return [...new Set(found)].map((key) => key.slice(prefix.length)).sort();
  }

  return { putIfAbsent, get, list, delete: (key) => storage.removeItem(nameOf(key)) };
}

/** A value as bytes of one's own, whatever the driver reads them as. */
function bytesOf(value: unknown): Uint8Array | null {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value.slice(0));
  return null;
}
