/**
 * A sorted list that stays quick with tens of thousands of entries: an array of short arrays.
 *
 * @module
 */

/** Entries in the order of a comparison; no two compare equal. */
export interface Sorted<T> {
  /** Puts an entry in its place, instead of one that compares equal. */
  insert(entry: T): void;
  /** Takes out the entry that compares equal, if there is one. */
  remove(entry: T): void;
  /** Walks from the first entry of which `before` is false; `before` must be true of a head of the list only. */
  from(before: (entry: T) => boolean): Iterable<T>;
}

const CHUNK = 256;

/** Makes an empty list. */
export function createSorted<T>(compare: (a: T, b: T) => number): Sorted<T> {
  const chunks: T[][] = [];

  /** Where the first entry of which `before` is false stands, or would stand. */
  function seek(before: (entry: T) => boolean): [chunk: number, index: number] {
    const chunk = partition(chunks, (c) => before(c[c.length - 1] as T));
    const entries = chunks[chunk];
    return [chunk, entries === undefined ? 0 : partition(entries, before)];
  }

  function insert(entry: T): void {
    const [at, index] = seek((e) => compare(e, entry) < 0);
    const last = chunks.length - 1;
    const chunk = chunks[Math.min(at, last)];
    if (chunk === undefined) {
      chunks.push([entry]);
      return;
    }
    if (at > last) chunk.push(entry);
    else if (compare(chunk[index] as T, entry) === 0) chunk[index] = entry;
    else chunk.splice(index, 0, entry);
    if (chunk.length > CHUNK) chunks.splice(Math.min(at, last) + 1, 0, chunk.splice(CHUNK >> 1));
  }

  function remove(entry: T): void {
    const [at, index] = seek((e) => compare(e, entry) < 0);
    const chunk = chunks[at];
    if (chunk === undefined || compare(chunk[index] as T, entry) !== 0) return;
    chunk.splice(index, 1);
    if (chunk.length === 0) chunks.splice(at, 1);
  }

  function* from(before: (entry: T) => boolean): Generator<T> {
    const [start, first] = seek(before);
    for (let at = start, index = first; at < chunks.length; at++, index = 0) {
      const chunk = chunks[at] as T[];
      for (; index < chunk.length; index++) yield chunk[index] as T;
    }
  }

  return { insert, remove, from };
}

/** Index of the first entry of which `before` is false. */
function partition<T>(entries: readonly T[], before: (entry: T) => boolean): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(entries[middle] as T)) low = middle + 1;
    else high = middle;
  }
  return low;
}
