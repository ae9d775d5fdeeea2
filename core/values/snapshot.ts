/**
 * The first half of encoding: a copy of the value in which nothing can run.
 *
 * Everything of the value is read once, here: a getter or a proxy cannot answer the check one way and the writer another.
 * Breadth first and without recursion, so that no depth overflows the 64 KiB stack of a guest. The copy of plain data *is*
 * JSON: no accessors, nothing of a class. Refusals belong here because only here the original is at hand.
 *
 * Written for QuickJS, where it costs about as much as the `JSON.stringify` after it: natively where one call can copy a whole
 * object, inline where a call would cost more than the work, and keeping nothing that only a refusal needs.
 */

import { copyIfPlain, countEntries, HOLE, isFlat, Special, startCopying, take, takeObject } from "./copying.ts";
import type { ArrayCopy, Copying, Oddities } from "./copying.ts";
import type { ValueError } from "./error.ts";
import { bareRecord, hasOwn, isArray, keysOf, safeMap } from "./intrinsics.ts";
import type { Bare, SafeMap } from "./intrinsics.ts";
import { pathTo } from "./path.ts";
import { isRefusal, toValueError, unreadable } from "./refusal.ts";
import { readSpecial } from "./specials.ts";

/** A copy, done. */
export interface Snapshot {
  /** The copy of the value. */
  readonly copy: object;
  /** Whether it is exactly representable as JSON. */
  readonly plain: boolean;
  /** The arrays that are not full rows of elements. */
  readonly odd: SafeMap<object, Oddities> | undefined;
}

/**
 * Copies `value` and all that it holds.
 *
 * @throws {ValueError} `not_serialisable`, with the path of what cannot be stored, which begins with `root`
 */
export function takeSnapshot(value: object, root: string): Snapshot {
  let copying: Copying | undefined;
  try {
    const plain = copyIfPlain(value);
    // Most values are one object of primitives: that needs no bookkeeping.
    if (plain !== undefined && isFlat(undefined, plain)) return { copy: plain, plain: true, odd: undefined };
    copying = startCopying();
    if (plain !== undefined) {
      copying.seen.set(value, plain);
      copying.queue[0] = plain;
    }
    const copy = plain ?? takeObject(copying, value);
    copyAll(copying);
    return { copy, plain: copying.plain, odd: copying.odd };
  } catch (error) {
    throw located(copying, root, error);
  }
}

function copyAll(copying: Copying): void {
  const queue = copying.queue;
  let levelEnd = 0;
  for (let i = 0; i < queue.length; i++) {
    if (i === levelEnd) {
      copying.depth++;
      levelEnd = queue.length;
    }
    const copy = queue[i] as Bare | ArrayCopy | Special;
    copying.holder = copy;
    copying.key = undefined;
    if (isArray(copy)) copyArray(copying, copy);
    else if (copy instanceof Special) readSpecial(copying, copy);
    else scanObject(copying, copy);
  }
}

// The values are the object's own; what is left is to replace objects by their copies and to see whether it is JSON.
function scanObject(copying: Copying, copy: Bare): void {
  let count = 0;
  for (const key in copy) {
    const value = copy[key];
    count++;
    switch (typeof value) {
      case "string":
        continue;
      case "number":
        if (value - value === 0 && (value !== 0 || 1 / value > 0)) continue;
        copying.plain = false;
        continue;
      case "boolean":
        continue;
      case "object":
        if (value === null) continue;
    }
    copying.key = key;
    copy[key] = typeof value === "object" && value !== null ? takeObject(copying, value) : take(copying, value);
  }
  copying.key = undefined;
  countEntries(copying, count);
}

function copyArray(copying: Copying, copy: ArrayCopy): void {
  const source = copy.source as unknown[];
  const start = copy.length === 0 ? 0 : copy.length - 1;
  const claimed = source.length;
  // Not less than was copied already: a proxy can say now this and now that.
  const length = claimed > copy.length ? claimed : copy.length;
  countEntries(copying, length);
  for (let i = start; i < length; i++) {
    copying.key = i;
    // The last element so far was read when the array was met, and not looked at yet.
    const value = i < copy.length ? copy[i] : source[i];
    if (value === undefined && !hasOwn(source, i)) {
      copy[i] = HOLE;
      copying.plain = false;
      oddities(copying, copy);
    } else {
      copy[i] = typeof value === "object" && value !== null ? takeObject(copying, value) : take(copying, value);
    }
  }
  // The names that arrays have in practice are those of a match. To look for others would double the price of every array.
  copying.key = "index";
  if ("index" in source && hasOwn(source, "index")) copyNames(copying, copy, source as unknown as Bare);
}

function copyNames(copying: Copying, copy: unknown[], source: Bare): void {
  const names = new bareRecord();
  const keys = keysOf(source);
  let count = 0;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    if (isElement(key) || key === "length") continue;
    copying.key = key;
    names[key] = take(copying, source[key]);
    count++;
  }
  copying.key = undefined;
  countEntries(copying, count);
  if (count === 0) return;
  oddities(copying, copy).names = names;
  copying.plain = false;
}

function oddities(copying: Copying, copy: object): Oddities {
  const odd = copying.odd ??= new safeMap<object, Oddities>();
  let entry = odd.get(copy);
  if (entry === undefined) odd.set(copy, entry = { names: undefined });
  return entry;
}

/** Whether `key` names an element of an array rather than one of its other properties. */
export function isElement(key: string): boolean {
  const index = +key;
  return index >= 0 && index < 2 ** 32 - 1 && `${index >>> 0}` === key;
}

function located(copying: Copying | undefined, root: string, error: unknown): ValueError {
  const refusal = isRefusal(error) ? error : unreadable(undefined, error);
  return toValueError(refusal, pathTo(copying, root, refusal.key));
}
