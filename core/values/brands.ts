/**
 * What kind of thing an object is, whatever realm it comes from and whatever it says about itself.
 *
 * `instanceof` fails for other realms and `Symbol.toStringTag` can be forged, so the only witnesses are the internal slots,
 * asked for through intrinsics that throw on an object without them.
 */

import {
  apply,
  descriptorOf,
  hasOwn,
  prototypeOf,
  sliceText,
  uncurry,
  uncurryGetter,
} from "./intrinsics.ts";

/** `Map.prototype.size`, which throws on anything but a map. */
export const mapSize: (self: unknown) => number = uncurryGetter(Map.prototype, "size");
/** `Set.prototype.size`, which throws on anything but a set. */
export const setSize: (self: unknown) => number = uncurryGetter(Set.prototype, "size");
/** `Date.prototype.getTime`, which throws on anything but a date. */
export const dateTime: (self: unknown) => number = uncurry(Date.prototype.getTime);
/** `RegExp.prototype.source`, which throws on anything but a regular expression. */
export const regexpSource: (self: unknown) => string = uncurryGetter(RegExp.prototype, "source");
/** `ArrayBuffer.prototype.byteLength`, which throws on anything but an unshared buffer. */
export const bufferLength: (self: unknown) => number = uncurryGetter(ArrayBuffer.prototype, "byteLength");
/** The name of a typed array's class, `undefined` for anything else. */
export const typedArrayName: (self: unknown) => string | undefined = uncurryGetter(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
);

const numberValue = uncurry(Number.prototype.valueOf);
const stringValue = uncurry(String.prototype.valueOf);
const booleanValue = uncurry(Boolean.prototype.valueOf);
const bigintValue = uncurry(BigInt.prototype.valueOf);
const objectToString = uncurry<string>(Object.prototype.toString);
const isView = ArrayBuffer.isView;
const isErrorNative = (Error as { isError?: (value: unknown) => boolean }).isError;
const hasInstance = Function.prototype[Symbol.hasInstance];
const ErrorConstructor = Error;
const toStringTag: typeof Symbol.toStringTag = Symbol.toStringTag;

/** Objects that JSON has no word for. `"view"` is a DataView, `"typed"` a typed array, `"boxed"` is `Object(1)` and its like. */
export type SpecialKind =
  | "map"
  | "set"
  | "date"
  | "regexp"
  | "error"
  | "buffer"
  | "view"
  | "typed"
  | "boxed";

/**
 * Tells what `value` is, which is neither an array nor an obviously plain object; `"object"` is a plain object of another realm,
 * `"other"` what cannot be stored. May run code of the value when it is a proxy; then it throws what that code throws.
 */
export function kindOf(value: object): SpecialKind | "object" | "other" {
  const prototype = prototypeOf(value);
  if (isView(value)) return typedArrayName(value) === undefined ? "view" : "typed";
  // The tag is only a hint for where to look first: a brand check has the last word.
  switch (tagOf(value)) {
    case "[object Map]":
      if (has(mapSize, value)) return "map";
      break;
    case "[object Set]":
      if (has(setSize, value)) return "set";
      break;
    case "[object Date]":
      if (has(dateTime, value)) return "date";
      break;
    case "[object Error]":
      if (isError(value)) return "error";
      break;
    case "[object Object]":
      if (prototype !== null && isForeignObjectPrototype(prototype)) return "object";
      break;
  }
  if (has(mapSize, value)) return "map";
  if (has(setSize, value)) return "set";
  if (has(dateTime, value)) return "date";
  // RegExp.prototype answers too, without being a regular expression.
  if (has(regexpSource, value) && !hasOwn(value, "source")) return "regexp";
  if (has(bufferLength, value)) return "buffer";
  if (isError(value)) return "error";
  if (unbox(value) !== undefined) return "boxed";
  return "other";
}

/** The primitive in a boxed number, string, boolean or bigint; `undefined` for anything else. */
export function unbox(value: object): number | string | boolean | bigint | undefined {
  for (let i = 0; i < 4; i++) {
    try {
      if (i === 0) return numberValue(value) as number;
      if (i === 1) return stringValue(value) as string;
      if (i === 2) return booleanValue(value) as boolean;
      return bigintValue(value) as bigint;
    } catch {
      // Not this one: the check answers by throwing.
    }
  }
  return undefined;
}

/** Whether a value is an error: of any realm, a subclass, or an old-style one that merely inherits from `Error`. */
export function isError(value: object): boolean {
  if (isErrorNative !== undefined && isErrorNative(value)) return true;
  // Without a tag of its own the answer comes from the internal slot.
  if (tagOf(value) === "[object Error]" && !(toStringTag in value)) return true;
  return apply(hasInstance, ErrorConstructor, [value]) as boolean;
}

/** What to call an object that cannot be stored. Never throws, and runs code of the value only when it is a proxy. */
export function className(value: object): string {
  try {
    const prototype = prototypeOf(value);
    const constructor = prototype === null ? undefined : descriptorOf(prototype, "constructor")?.value;
    const name = typeof constructor === "function" ? descriptorOf(constructor, "name")?.value : undefined;
    if (typeof name === "string" && name !== "") return sliceText(name, 0, 64);
  } catch {
    // A proxy that refuses to be looked at has no name.
  }
  return "an unnamed class";
}

function has(check: (self: unknown) => unknown, value: object): boolean {
  try {
    check(value);
    return true;
  } catch {
    return false;
  }
}

function tagOf(value: object): string {
  try {
    return objectToString(value);
  } catch {
    return "";
  }
}

// Another realm's Object.prototype: the root of a chain, with the methods that only it has as its own.
function isForeignObjectPrototype(prototype: object): boolean {
  return prototypeOf(prototype) === null && hasOwn(prototype, "hasOwnProperty") && hasOwn(prototype, "isPrototypeOf");
}
