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

import { copyIfPlain, countEntries, HOLE, Special, startCopying, take, takeObject } from "./copying.ts";
import type { Copying, Cursor, Oddities } from "./copying.ts";
import { bareRecord, hasOwn, isArray, keysOf, ObjectPrototype, safeMap } from "./intrinsics.ts";
import type { Bare, SafeMap } from "./intrinsics.ts";
import { MAX_DEPTH, MAX_ENTRIES } from "./limits.ts";
import { pathTo } from "./path.ts";
import { isRefusal, Refusal, toValueError, unreadable } from "./refusal.ts";
import { readSpecial } from "./specials.ts";
import type { ValueError } from "./error.ts";

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
  let plain: Bare | undefined;
  try {
    plain = copyIfPlain(value);
  } catch (error) {
    throw located(undefined, undefined, root, error);
  }
  // Most values are one object of primitives: that needs no bookkeeping.
  if (plain !== undefined && isFlatJson(plain)) return { copy: plain, plain: true, odd: undefined };
  const copying = startCopying();
  const cursor: Cursor = { holder: undefined, key: undefined };
  try {
    if (plain !== undefined) {
      copying.seen.set(value, plain);
      copying.queue[0] = plain;
    }
    const copy = plain ?? takeObject(copying, value);
    copyAll(copying, cursor);
    return { copy, plain: copying.plain, odd: copying.odd };
  } catch (error) {
    throw located(copying, cursor, root, error);
  }
}

function copyAll(copying: Copying, cursor: Cursor): void {
  const queue = copying.queue;
  let depth = 1;
  let levelEnd = 1;
  for (let i = 0; i < queue.length; i++) {
    const item = queue[i] as object;
    if (i === levelEnd) {
      if (++depth > MAX_DEPTH) {
        cursor.holder = copyOfItem(copying, item);
        cursor.key = undefined;
        throw new Refusal(`it is too deep, there are more than ${MAX_DEPTH} containers within one another`);
      }
      levelEnd = queue.length;
    }
    if (item instanceof Special) readSpecial(copying, item, cursor);
    else if (isArray(item)) copyArray(copying, item, cursor);
    else scanObject(copying, item as Bare, cursor);
  }
}

function isFlatJson(copy: Bare): boolean {
  let count = 0;
  for (const key in copy) {
    const value = copy[key];
    count++;
    switch (typeof value) {
      case "string":
      case "boolean":
        continue;
      case "number":
        if (value - value === 0 && (value !== 0 || 1 / value > 0)) continue;
        return false;
      default:
        if (value !== null) return false;
    }
  }
  return count <= MAX_ENTRIES;
}

// The values are the object's own; what is left is to replace objects by their copies and to see whether it is JSON.
function scanObject(copying: Copying, copy: Bare, cursor: Cursor): void {
  cursor.holder = copy;
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
    // A key that somebody gave to all objects is not one of this object.
    if (key in ObjectPrototype && !hasOwn(copy, key)) continue;
    cursor.key = key;
    copy[key] = take(copying, value);
  }
  cursor.key = undefined;
  countEntries(copying, count);
}

function copyArray(copying: Copying, source: unknown[], cursor: Cursor): void {
  const copy = copying.seen.get(source) as unknown[];
  cursor.holder = copy;
  cursor.key = undefined;
  const length = source.length;
  countEntries(copying, length);
  for (let i = 0; i < length; i++) {
    cursor.key = i;
    const value = source[i];
    switch (typeof value) {
      case "string":
      case "boolean":
        copy[i] = value;
        continue;
      case "undefined":
        copying.plain = false;
        copy[i] = value;
        if (hasOwn(source, i)) continue;
        copy[i] = HOLE;
        oddities(copying, copy).sparse = true;
        continue;
      default:
        copy[i] = take(copying, value);
    }
  }
  // The names that arrays have in practice are those of a match. To look for others would double the price of every array.
  cursor.key = "index";
  if ((source as { index?: unknown }).index !== undefined) copyNames(copying, copy, source as unknown as Bare, cursor);
}

function copyNames(copying: Copying, copy: unknown[], source: Bare, cursor: Cursor): void {
  const names = new bareRecord();
  const keys = keysOf(source);
  let count = 0;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    if (isElement(key) || key === "length") continue;
    cursor.key = key;
    names[key] = take(copying, source[key]);
    count++;
  }
  cursor.key = undefined;
  countEntries(copying, count);
  if (count === 0) return;
  oddities(copying, copy).names = names;
  copying.plain = false;
}

function oddities(copying: Copying, copy: object): Oddities {
  const odd = copying.odd ??= new safeMap<object, Oddities>();
  let entry = odd.get(copy);
  if (entry === undefined) odd.set(copy, entry = { sparse: false, names: undefined });
  return entry;
}

/** Whether `key` names an element of an array rather than one of its other properties. */
export function isElement(key: string): boolean {
  const index = +key;
  return index >= 0 && index < 2 ** 32 - 1 && `${index >>> 0}` === key;
}

function located(copying: Copying | undefined, cursor: Cursor | undefined, root: string, error: unknown): ValueError {
  const refusal = isRefusal(error) ? error : unreadable(undefined, error);
  return toValueError(refusal, pathTo(copying, root, { holder: cursor?.holder, key: cursor?.key, property: refusal.key }));
}
