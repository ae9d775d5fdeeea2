/** The state of a copy under way, and how one value becomes what stands in the copy for it. */

import { className, kindOf } from "./brands.ts";
import type { SpecialKind } from "./brands.ts";
import {
  bareArray,
  bigintDigits,
  descriptorOf,
  isArray,
  keysOf,
  ObjectPrototype,
  prototypeOf,
  safeMap,
} from "./intrinsics.ts";
import type { Bare, SafeMap } from "./intrinsics.ts";
import { MAX_BIGINT_DIGITS, MAX_ENTRIES } from "./limits.ts";
import { Refusal, unreadable } from "./refusal.ts";

/** Stands in a copy for an object that JSON has no word for. */
export class Special {
  readonly kind: SpecialKind;
  /** What was read and refers to nothing: a time, a pattern, bytes, an error's texts. */
  content: unknown = undefined;
  /** What it holds: a map's keys and values in turn, a set's values, a boxed primitive. */
  readonly items: unknown[] = new bareArray();
  /** What it holds by name: an error's `cause` and `errors`. */
  links: Bare | undefined = undefined;
  /** An error's own properties. */
  own: Bare | undefined = undefined;

  constructor(kind: SpecialKind) {
    this.kind = kind;
  }
}

/** What an array has beside a full row of elements. */
export interface Oddities {
  /** Whether elements are missing: {@link HOLE} stands for them. */
  sparse: boolean;
  /** Its properties that are not elements. */
  names: Bare | undefined;
}

/** A copy under way. */
export interface Copying {
  /** The copies of all objects met, in breadth-first order: plain objects, arrays and {@link Special}s. */
  readonly copies: object[];
  /** By the same number, the original, when it is still to be read: a plain object's is read when it is met. */
  readonly sources: (object | undefined)[];
  count: number;
  /** Whether the copy is exactly representable as JSON: no special values, nothing referred to twice. */
  plain: boolean;
  entries: number;
  /** Copies by original. */
  readonly seen: SafeMap<object, object>;
  /** By copy. */
  odd: SafeMap<object, Oddities> | undefined;
  /** Whether somebody gave all objects an enumerable property, which copies then must not inherit. */
  readonly polluted: boolean;
}

/** Why some bigints are refused. */
export const TOO_BIG = "the bigint is too big";

/** Where the walk is: what a refusal needs for its path. */
export interface Cursor {
  /** The copy of the object that is being read. */
  holder: object | undefined;
  /** What of it is being read. */
  key: string | number | undefined;
}

/** Stands in the copy of an array for an element that is not there. */
export const HOLE: object = Object.freeze(Object.create(null));

/** Begins a copy. */
export function startCopying(): Copying {
  return {
    copies: new bareArray(),
    sources: new bareArray(),
    count: 0,
    plain: true,
    entries: 0,
    seen: new safeMap(),
    odd: undefined,
    polluted: isPolluted(),
  };
}

/** Whether plain objects inherit an enumerable property. */
export function isPolluted(): boolean {
  for (const _key in ObjectPrototype) return true;
  return false;
}

/** What stands in a copy for `value`. @throws {Refusal} when it cannot be stored, and whatever code of the value throws */
export function take(copying: Copying, value: unknown): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      // An infinity or NaN less itself is NaN; only −0 has a negative reciprocal.
      if (value - value !== 0 || (value === 0 && 1 / value < 0)) copying.plain = false;
      return value;
    case "object":
      return value === null ? null : takeObject(copying, value);
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

/** The copy of `value`, whose inside is looked at later. @throws {Refusal} when it cannot be stored */
export function takeObject(copying: Copying, value: object): object {
  const known = copying.seen.get(value);
  if (known !== undefined) {
    copying.plain = false;
    return known;
  }
  let copy: object;
  if (isArray(value)) {
    copy = new bareArray();
    copying.sources[copying.count] = value;
  } else {
    const prototype = prototypeOf(value);
    if (prototype === ObjectPrototype || prototype === null) {
      copy = copyOf(value, copying.polluted);
      copying.sources[copying.count] = undefined;
    } else {
      copy = takeUncommon(copying, value);
    }
  }
  copying.seen.set(value, copy);
  copying.copies[copying.count++] = copy;
  return copy;
}

/** A plain object with the own enumerable properties of `value`, each read once. @throws {Refusal} when one cannot be read */
export function copyOf(value: object, polluted: boolean): Bare {
  try {
    return polluted ? { __proto__: null, ...value } as unknown as Bare : { ...value } as Bare;
  } catch (cause) {
    throw unreadable(culprit(value), cause);
  }
}

/** Counts `count` more entries. @throws {Refusal} when that is more than a value may have */
export function countEntries(copying: Copying, count: number): void {
  if ((copying.entries += count) > MAX_ENTRIES) throw new Refusal(`the value has more than ${MAX_ENTRIES} entries`);
}

function takeUncommon(copying: Copying, value: object): object {
  const kind = kindOf(value);
  if (kind === "object") {
    copying.sources[copying.count] = undefined;
    return copyOf(value, copying.polluted);
  }
  if (kind === "other") {
    const name = className(value);
    throw new Refusal(
      name === "Promise"
        ? "a Promise cannot be stored: an await is missing"
        : `an instance of ${name} cannot be stored, only plain objects and built-in values`,
    );
  }
  copying.plain = false;
  copying.sources[copying.count] = value;
  return new Special(kind);
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
