/** The state of a copy under way, and how one value becomes what stands in the copy for it. */

import { className, kindOf } from "./brands.ts";
import type { SpecialKind } from "./brands.ts";
import {
  bareArray,
  bigintDigits,
  descriptorOf,
  hasOwn,
  isArray,
  keysOf,
  ObjectPrototype,
  prototypeOf,
  safeMap,
} from "./intrinsics.ts";
import type { Bare, SafeMap } from "./intrinsics.ts";
import { MAX_BIGINT_DIGITS, MAX_DEPTH, MAX_ENTRIES } from "./limits.ts";
import { isRefusal, Refusal, unreadable } from "./refusal.ts";

/** Stands in a copy for an object that JSON has no word for. */
export class Special {
  readonly kind: SpecialKind;
  /** What it stands for. */
  readonly source: object;
  /** What was read and refers to nothing: a time, a pattern, bytes, an error's texts. */
  content: unknown = undefined;
  /** What it holds: a map's keys and values in turn, a set's values, a boxed primitive. */
  readonly items: unknown[] = new bareArray();
  /** What it holds by name: an error's `cause` and `errors`. */
  links: Bare | undefined = undefined;
  /** An error's own properties. */
  own: Bare | undefined = undefined;

  constructor(kind: SpecialKind, source: object) {
    this.kind = kind;
    this.source = source;
  }
}

/** Stands in the copy of an array for an element that is not there. */
export const HOLE: object = Object.freeze(Object.create(null));

/** Why some bigints are refused. */
export const TOO_BIG = "the bigint is too big";

/** The copy of an array, which inherits nothing. */
export interface ArrayCopy extends Array<unknown> {
  /** The original, when only the beginning was copied so far. */
  source?: unknown[];
}

/** What an array has beside a full row of elements. */
export interface Oddities {
  /** Its properties that are not elements. */
  names: Bare | undefined;
}

/** A copy under way. */
export interface Copying {
  /** The copies that hold more than JSON's primitives, in breadth-first order: still to be looked into, or looked into. */
  readonly queue: (Bare | ArrayCopy | Special)[];
  /** Copies by original. */
  readonly seen: SafeMap<object, object>;
  /** How deep the walk is: 1 for the outermost object. */
  depth: number;
  /** Entries met so far. */
  entries: number;
  /** Whether the copy is exactly representable as JSON: no special values, nothing referred to twice. */
  plain: boolean;
  /** The arrays with holes or names, by copy. */
  odd: SafeMap<object, Oddities> | undefined;
  /** The copy that is being filled, for the path of a refusal. */
  holder: object | undefined;
  /** What of it is being filled. */
  key: string | number | undefined;
}

/** Begins a copy. */
export function startCopying(): Copying {
  return {
    queue: new bareArray(),
    seen: new safeMap(),
    depth: 0,
    entries: 0,
    plain: true,
    odd: undefined,
    holder: undefined,
    key: undefined,
  };
}

/** What stands in a copy for `value`. @throws {Refusal} when it cannot be stored, and whatever code of the value throws */
export function take(copying: Copying, value: unknown): unknown {
  switch (typeof value) {
    case "object":
      return value === null ? null : takeObject(copying, value);
    case "string":
    case "boolean":
      return value;
    case "number":
      // An infinity or NaN less itself is NaN; only −0 has a negative reciprocal.
      if (value - value !== 0 || (value === 0 && 1 / value < 0)) copying.plain = false;
      return value;
    case "undefined":
      copying.plain = false;
      return value;
    case "bigint":
      if (bigintDigits(value).length > MAX_BIGINT_DIGITS) throw new Refusal(TOO_BIG);
      copying.plain = false;
      return value;
    default:
      throw new Refusal(`a ${typeof value} cannot be stored`);
  }
}

/** The copy of `value`: finished when it holds only primitives, else queued. @throws {Refusal} when it cannot be stored */
export function takeObject(copying: Copying, value: object): object {
  const known = copying.seen.get(value);
  if (known !== undefined) {
    copying.plain = false;
    return known;
  }
  if (copying.depth >= MAX_DEPTH) {
    throw new Refusal(`it is too deep, there are more than ${MAX_DEPTH} containers within one another`);
  }
  if (isArray(value)) {
    const copy: ArrayCopy = new bareArray();
    copying.seen.set(value, copy);
    if (!copyElements(copying, value, copy)) {
      copy.source = value;
      copying.queue[copying.queue.length] = copy;
    }
    return copy;
  }
  const prototype = prototypeOf(value);
  if (prototype !== ObjectPrototype && prototype !== null) return takeUncommon(copying, value);
  const copy = copyOf(value);
  copying.seen.set(value, copy);
  if (!isFlat(copying, copy)) copying.queue[copying.queue.length] = copy;
  return copy;
}

/** {@link copyOf} of a plain object, `undefined` for anything else. */
export function copyIfPlain(value: object): Bare | undefined {
  if (isArray(value)) return undefined;
  const prototype = prototypeOf(value);
  return prototype === ObjectPrototype || prototype === null ? copyOf(value) : undefined;
}

/** A plain object with the own enumerable properties of `value`, each read once. @throws {Refusal} when one cannot be read */
export function copyOf(value: object): Bare {
  try {
    // Without a prototype: neither a `toJSON` nor keys that somebody gave to all objects are inherited.
    return { __proto__: null, ...value } as unknown as Bare;
  } catch (cause) {
    throw unreadable(culprit(value), cause);
  }
}

/** Whether an object holds primitives only, all of them known to JSON. Then its entries have been counted. */
export function isFlat(copying: Copying | undefined, copy: Bare): boolean {
  let count = 0;
  for (const key in copy) {
    const value = copy[key];
    count++;
    switch (typeof value) {
      case "string":
        continue;
      case "number":
        if (value - value === 0 && (value !== 0 || 1 / value > 0)) continue;
        return false;
      case "boolean":
        continue;
      default:
        if (value !== null) return false;
    }
  }
  if (copying === undefined) return count <= MAX_ENTRIES;
  countEntries(copying, count);
  return true;
}

// Stops after the first element that is more than a primitive of JSON, which it leaves in the copy as it was read: the walk goes
// on from the last element of the copy, and nothing is read twice.
function copyElements(copying: Copying, source: unknown[], copy: unknown[]): boolean {
  let i = 0;
  try {
    const length = source.length;
    if (length > MAX_ENTRIES) throw tooManyEntries();
    for (; i < length; i++) {
      const value = copy[i] = source[i];
      switch (typeof value) {
        case "string":
          continue;
        case "number":
          if (value - value === 0 && (value !== 0 || 1 / value > 0)) continue;
          return false;
        case "boolean":
          continue;
        default:
          if (value !== null) return false;
      }
    }
    if ("index" in source && hasOwn(source, "index")) return false;
  } catch (error) {
    throw isRefusal(error) ? error : unreadable(i, error);
  }
  countEntries(copying, i);
  return true;
}

/** Counts `count` more entries. @throws {Refusal} when that is more than a value may have */
export function countEntries(copying: Copying, count: number): void {
  if ((copying.entries += count) > MAX_ENTRIES) throw tooManyEntries();
}

function tooManyEntries(): Refusal {
  return new Refusal(`the value has more than ${MAX_ENTRIES} entries`);
}

function takeUncommon(copying: Copying, value: object): Bare | Special {
  const kind = kindOf(value);
  if (kind === "other") {
    const name = className(value);
    throw new Refusal(
      name === "Promise"
        ? "a Promise cannot be stored: an await is missing"
        : `an instance of ${name} cannot be stored, only plain objects and built-in values`,
    );
  }
  if (kind !== "object") copying.plain = false;
  const copy = kind === "object" ? copyOf(value) : new Special(kind, value);
  copying.seen.set(value, copy);
  copying.queue[copying.queue.length] = copy;
  return copy;
}

// The object is refused, so that asking a getter a second time can change nothing that is stored.
function culprit(value: object): string | undefined {
  try {
    const keys = keysOf(value);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string;
      if (descriptorOf(value, key)?.get === undefined) continue;
      try {
        (value as Bare)[key];
      } catch {
        return key;
      }
    }
  } catch {
    // A proxy that cannot even be listed: then it is the object as a whole.
  }
  return undefined;
}
