/**
 * The first half of encoding: a copy of the value in which nothing can run.
 *
 * Everything of the value is read once, here: a getter or a proxy cannot answer the check one way and the writer another.
 * Breadth first and without recursion, so that no depth overflows the 64 KiB stack of a guest. The copy of plain data *is*
 * JSON: no accessors, no inherited `toJSON`. Refusals belong here because only here the original and its path are at hand.
 */

import { bareArray, bareRecord, bigintDigits, hasOwn, keysOf, safeMap } from "./intrinsics.ts";
import type { Bare, SafeMap } from "./intrinsics.ts";
import { className, kindOf } from "./brands.ts";
import type { Kind } from "./brands.ts";
import { ValueError } from "./error.ts";
import { MAX_BIGINT_DIGITS, MAX_DEPTH, MAX_ENTRIES } from "./limits.ts";
import { pathOf } from "./path.ts";

/** One object of the value, and the way that led to it. Visits form a list in breadth-first order. */
export interface Visit {
  readonly source: object;
  readonly kind: Kind;
  /** What stands for the object in the copies of its holders; one thing per object. */
  readonly copy: object;
  /** What was read of the object. That of a plain object or array is `copy`. */
  content: unknown;
  /** Whether it is an array with elements missing. */
  sparse: boolean;
  /** An array's properties that are not elements, when it has any. */
  names: Bare | undefined;
  readonly parent: Visit | undefined;
  readonly key: string | number | undefined;
  readonly depth: number;
  next: Visit | undefined;
  /** Its number in the table, once it has one. */
  number: number;
}

/** A copy under way, and then done. */
export interface Snapshot {
  readonly root: string;
  readonly first: Visit;
  last: Visit;
  /** Whether the copy is exactly representable as JSON: no special values, nothing referred to twice. */
  plain: boolean;
  entries: number;
  seen: SafeMap<object, Visit> | undefined;
}

/** Why some bigints are refused. */
export const TOO_BIG = "the bigint is too big";

/** Stands in the copy of an array for an element that is not there. */
export const HOLE: object = Object.freeze(Object.create(null));

/**
 * Begins a copy with the outermost object; what follows is to be read visit by visit.
 *
 * @throws {ValueError} `not_serialisable`, when that object cannot be stored
 */
export function startSnapshot(value: object, root: string): Snapshot {
  let kind: Kind;
  try {
    kind = kindOf(value);
  } catch (cause) {
    throw unreadable(root, cause);
  }
  if (kind === "other") refuse(root, refusalOf(value));
  const first = visitTo(value, kind, undefined, undefined, 1);
  return { root, first, last: first, plain: isPlain(kind), entries: 0, seen: undefined };
}

function isPlain(kind: Kind): boolean {
  return kind === "object" || kind === "array";
}

function visitTo(
  source: object,
  kind: Kind,
  parent: Visit | undefined,
  key: string | number | undefined,
  depth: number,
): Visit {
  const copy = kind === "object" ? new bareRecord() : bareArray();
  return { source, kind, copy, content: copy, sparse: false, names: undefined, parent, key, depth, next: undefined, number: -1 };
}

/** Reads a plain object. @throws {ValueError} when something in it cannot be stored */
export function copyObject(snapshot: Snapshot, visit: Visit): void {
  const source = visit.source as Bare;
  const copy = visit.copy as Bare;
  let key: string | undefined;
  try {
    const keys = keysOf(source);
    const count = keys.length;
    countEntries(snapshot, count, visit);
    for (let i = 0; i < count; i++) {
      key = keys[i] as string;
      const value = source[key];
      copy[key] = typeof value === "string" ? value : take(snapshot, value, visit, key);
    }
  } catch (error) {
    throw located(snapshot, visit, key, error);
  }
}

/** Reads an array. @throws {ValueError} when something in it cannot be stored */
export function copyArray(snapshot: Snapshot, visit: Visit): void {
  const source = visit.source as unknown[];
  const copy = visit.copy as unknown[];
  let key: string | number | undefined;
  try {
    const length = source.length;
    countEntries(snapshot, length, visit);
    for (let i = 0; i < length; i++) {
      key = i;
      const value = source[i];
      if (value === undefined && !hasOwn(source, i)) {
        copy[i] = HOLE;
        visit.sparse = true;
        snapshot.plain = false;
      } else {
        copy[i] = typeof value === "string" ? value : take(snapshot, value, visit, i);
      }
    }
    // The names that arrays have in practice are those of a match. To look for others would double the price of every array.
    if ((source as { index?: unknown }).index !== undefined) {
      const names = new bareRecord();
      const keys = keysOf(source);
      countEntries(snapshot, keys.length - length, visit);
      for (let i = 0; i < keys.length; i++) {
        key = keys[i] as string;
        if (!isElement(key)) names[key] = take(snapshot, (source as unknown as Bare)[key], visit, key);
      }
      visit.names = names;
      snapshot.plain = false;
    }
  } catch (error) {
    throw located(snapshot, visit, key, error);
  }
}

/** Whether `key` names an element of an array rather than one of its other properties. */
export function isElement(key: string): boolean {
  const index = +key;
  return index >= 0 && index < 2 ** 32 - 1 && `${index >>> 0}` === key;
}

/**
 * What stands in a copy for `value`: itself when it is a primitive, else the copy of the object, which is visited later.
 *
 * @throws {ValueError} when it cannot be stored
 */
export function take(snapshot: Snapshot, value: unknown, holder: Visit, key: string | number): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      // An infinity or NaN less itself is NaN; only −0 has a negative reciprocal.
      if (value - value !== 0 || (value === 0 && 1 / value < 0)) snapshot.plain = false;
      return value;
    case "object":
      return value === null ? null : takeObject(snapshot, value, holder, key);
    case "undefined":
      snapshot.plain = false;
      return value;
    case "bigint":
      snapshot.plain = false;
      if (bigintDigits(value).length > MAX_BIGINT_DIGITS) refuse(pathOf(snapshot.root, holder, key), TOO_BIG);
      return value;
    default:
      return refuse(pathOf(snapshot.root, holder, key), `a ${typeof value} cannot be stored`);
  }
}

function takeObject(snapshot: Snapshot, value: object, holder: Visit, key: string | number): object {
  let seen = snapshot.seen;
  if (seen === undefined) {
    // Flat values, which most are, never get here: they need no map.
    seen = snapshot.seen = new safeMap<object, Visit>();
    seen.set(snapshot.first.source, snapshot.first);
  }
  const known = seen.get(value);
  if (known !== undefined) {
    snapshot.plain = false;
    return known.copy;
  }
  const kind = kindOf(value);
  if (!isPlain(kind)) {
    if (kind === "other") refuse(pathOf(snapshot.root, holder, key), refusalOf(value));
    snapshot.plain = false;
  }
  const depth = holder.depth + 1;
  if (depth > MAX_DEPTH) {
    refuse(pathOf(snapshot.root, holder, key), `it is too deep, more than ${MAX_DEPTH} containers within one another`);
  }
  const visit = visitTo(value, kind, holder, key, depth);
  seen.set(value, visit);
  snapshot.last.next = visit;
  snapshot.last = visit;
  return visit.copy;
}

/** Counts `count` more entries. @throws {ValueError} when that is more than a value may have. */
export function countEntries(snapshot: Snapshot, count: number, visit: Visit): void {
  if ((snapshot.entries += count) > MAX_ENTRIES) {
    refuse(pathOf(snapshot.root, visit, undefined), `the value has more than ${MAX_ENTRIES} entries`);
  }
}

/** What to throw for `error`, met while reading `key` of the object visited. */
export function located(snapshot: Snapshot, visit: Visit, key: string | number | undefined, error: unknown): ValueError {
  return error instanceof ValueError ? error : unreadable(pathOf(snapshot.root, visit, key), error);
}

/** Refuses what lies at `path`. @throws {ValueError} always */
export function refuse(path: string, reason: string): never {
  throw new ValueError("not_serialisable", `Cannot store the value at "${path}": ${reason}`, { path });
}

function unreadable(path: string, cause: unknown): ValueError {
  const message = `Cannot store the value at "${path}": reading it threw an error`;
  return new ValueError("not_serialisable", message, { path, cause });
}

function refusalOf(value: object): string {
  const name = className(value);
  if (name === "Promise") return "a Promise cannot be stored: an await is missing";
  return `an instance of ${name} cannot be stored, only plain objects and built-in values`;
}
