/**
 * The built-ins that the codec uses, taken when this module loads: before a tenant's code can run.
 *
 * Whoever patches `Map.prototype`, `JSON` or `Array.prototype` afterwards changes nothing in here. For the same reason the codec
 * uses no iteration protocol (`for…of`, spread of iterables, array destructuring) and assigns into no array that inherits
 * from a patchable prototype.
 */

type Callable = (...args: never[]) => unknown;

/** `Reflect.apply`. */
export const apply: typeof Reflect.apply = Reflect.apply;

const bind = Function.prototype.bind;
const call = Function.prototype.call;

/** Makes a function that takes its `this` as first argument from a method. */
export function uncurry<Result>(method: Callable): (self: unknown, ...args: unknown[]) => Result {
  // A bound `call` takes a third of the time of `apply` with an array of arguments in QuickJS.
  return apply(bind, call, [method]);
}

/** Makes a function that reads an accessor of `prototype`, brand check included. */
export function uncurryGetter<Result>(prototype: object, key: PropertyKey): (self: unknown) => Result {
  return uncurry((Object.getOwnPropertyDescriptor(prototype, key) as PropertyDescriptor).get as Callable);
}

/** `JSON.stringify`, for what certainly is JSON. */
export const stringify: (value: unknown) => string = JSON.stringify;
/** `JSON.parse`. */
export const parse: (text: string) => unknown = JSON.parse;
/** `Object.keys`. */
export const keysOf: (value: object) => string[] = Object.keys;
/** `Object.getPrototypeOf`. */
export const prototypeOf: (value: object) => object | null = Object.getPrototypeOf;
/** `Object.setPrototypeOf`. */
export const setPrototypeOf: (value: object, prototype: object | null) => void = Object.setPrototypeOf;
/** `Object.getOwnPropertyDescriptor`. */
export const descriptorOf: (value: object, key: PropertyKey) => PropertyDescriptor | undefined =
  Object.getOwnPropertyDescriptor;
/** `Array.isArray`, which knows arrays of other realms and proxies of arrays. */
export const isArray: (value: unknown) => value is unknown[] = Array.isArray;
/** `Object.hasOwn`. */
export const hasOwn: (value: object, key: PropertyKey) => boolean = Object.hasOwn;
/** `Object.prototype` of this realm. */
export const ObjectPrototype: object = Object.prototype;
/** `String`, which also takes symbols. */
export const toText: (value: unknown) => string = String;
/** `String.fromCharCode`. */
export const fromCharCode: (...units: number[]) => string = String.fromCharCode;
/** `String.prototype.charCodeAt`. */
export const charCodeAt: (self: unknown, index: number) => number = uncurry(String.prototype.charCodeAt);
/** `String.prototype.slice`. */
export const sliceText: (self: unknown, start: number, end?: number) => string = uncurry(String.prototype.slice);
/** `String.prototype.indexOf`. */
export const indexOf: (self: unknown, part: string, from: number) => number = uncurry(String.prototype.indexOf);
/** `Array.prototype.join`. */
export const join: (self: unknown, separator: string) => string = uncurry(Array.prototype.join);

const bigintToString = uncurry<string>(BigInt.prototype.toString);

/** The digits of a bigint, hexadecimal: they are read and written in linear time, decimal ones are not. */
export function bigintDigits(value: bigint): string {
  return bigintToString(value, 16);
}

const define = Object.defineProperty;

/** Gives `target` an own data property, whatever its prototype says about that key. */
export function defineData(target: object, key: PropertyKey, value: unknown, enumerable: boolean): void {
  define(target, key, { __proto__: null, value, enumerable, writable: true, configurable: true } as PropertyDescriptor);
}

class BareArrayClass<T> extends Array<T> {}
setPrototypeOf(BareArrayClass.prototype, null);
for (const key of Reflect.ownKeys(BareArrayClass.prototype)) {
  if (key !== "length") Reflect.deleteProperty(BareArrayClass.prototype, key);
}

/** Makes an array that inherits nothing: no setter and no `toJSON` can be waiting on `Array.prototype`. */
export const bareArray: new <T>() => T[] = BareArrayClass;

/** A record whose only ancestor is an empty frozen object: `__proto__` is a key like any other, `toJSON` is not inherited. */
export type Bare = Record<string, unknown>;

// A constructor rather than Object.create(null), which V8 keeps as a slow dictionary.
function BareRecord() {}
BareRecord.prototype = Object.freeze(Object.create(null));

/** Makes a {@link Bare} record. */
export const bareRecord: new () => Bare = BareRecord as unknown as new () => Bare;

/** A map by identity whose methods nobody can patch. */
export interface SafeMap<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): unknown;
}

class SafeMapClass<K, V> extends Map<K, V> {}
const { get: mapGet, set: mapSet } = Map.prototype;
defineData(SafeMapClass.prototype, "get", mapGet, false);
defineData(SafeMapClass.prototype, "set", mapSet, false);
Object.freeze(setProto(SafeMapClass.prototype, null));

function setProto(target: object, prototype: object | null): object {
  setPrototypeOf(target, prototype);
  return target;
}

/** Makes a {@link SafeMap}. */
export const safeMap: new <K, V>() => SafeMap<K, V> = SafeMapClass;
