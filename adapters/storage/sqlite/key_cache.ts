/**
 * What the owner knows of the instances that it wrote lately, so that an append needs no lookup.
 *
 * @module
 */

/** What is known of an instance. */
export interface Known {
  /** Its row. */
  readonly iid: number;
  /** Number of the next record of its journal; -1 when it was not asked yet. */
  next: number;
  /** As in its head. */
  created: number;
  /** As in its head. */
  wake: number | null;
}

/** A bounded map. */
export interface KeyCache {
  /** Reads an entry. */
  get(key: string): Known | undefined;
  /** Puts an entry. */
  set(key: string, known: Known): void;
  /** Removes an entry. */
  delete(key: string): void;
  /** Removes all. */
  clear(): void;
}

/** Holds the last `size` to `2 * size` keys used, in two generations: cheaper than one order of use. */
export function createKeyCache(size: number): KeyCache {
  let young = new Map<string, Known>();
  let old = new Map<string, Known>();

  function set(key: string, known: Known): void {
    if (young.size >= size) {
      old = young;
      young = new Map();
    }
    young.set(key, known);
  }
  function get(key: string): Known | undefined {
    const known = young.get(key);
    if (known !== undefined) return known;
    const aged = old.get(key);
    if (aged !== undefined) set(key, aged);
    return aged;
  }
  function remove(key: string): void {
    young.delete(key);
    old.delete(key);
  }
  function clear(): void {
    young.clear();
    old.clear();
  }
  return { get, set, delete: remove, clear };
}
