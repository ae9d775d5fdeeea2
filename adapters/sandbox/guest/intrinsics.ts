/**
 * The built-ins that the guest's side uses, taken when this module is evaluated: before a tenant's code runs.
 *
 * A tenant may patch whatever it likes afterwards and changes nothing in here. For the same reason this folder uses no
 * iteration protocol (`for…of`, spread of iterables, array destructuring), calls no method of a patchable prototype,
 * assigns no property that a setter of `Object.prototype` could catch, and chains promises with `await` alone, which
 * asks neither `then` nor `Symbol.species` of a native promise.
 *
 * @module
 */

/** `Reflect.apply`. */
export const apply: typeof Reflect.apply = Reflect.apply;
/** `Object.freeze`. */
export const freeze: typeof Object.freeze = Object.freeze;
/** `Object.keys`. */
export const keysOf: (value: object) => string[] = Object.keys;
/** `Object.hasOwn`. */
export const hasOwn: (value: object, key: PropertyKey) => boolean = Object.hasOwn;
/** `Object.setPrototypeOf`. */
export const setPrototypeOf: (value: object, prototype: object | null) => void = Object.setPrototypeOf;
/** `Object.getOwnPropertyDescriptor`. */
export const descriptorOf: (value: object, key: PropertyKey) => PropertyDescriptor | undefined =
  Object.getOwnPropertyDescriptor;
/** `Array.isArray`. */
export const isArray: (value: unknown) => value is unknown[] = Array.isArray;
/** The `instanceof` of an ordinary class. */
export const hasInstance: (value: unknown) => boolean = Function.prototype[Symbol.hasInstance];
/** `Promise`. */
export const NativePromise: PromiseConstructor = Promise;
/** `Proxy`. */
export const NativeProxy: ProxyConstructor = Proxy;
/** `Error`. */
export const NativeError: ErrorConstructor = Error;
/** `TypeError`. */
export const NativeTypeError: TypeErrorConstructor = TypeError;
/** `Date`. */
export const NativeDate: DateConstructor = Date;

const defineProperty = Object.defineProperty;

/** Gives `target` an own data property, whatever its prototype says about that key. */
export function define(target: object, key: PropertyKey, value: unknown, enumerable = false): void {
  defineProperty(
    target,
    key,
    { __proto__: null, value, enumerable, writable: true, configurable: true } as PropertyDescriptor,
  );
}

const getTime = Date.prototype.getTime;

/** The time of a date of any realm, `undefined` for anything else. */
export function timeOf(value: unknown): number | undefined {
  try {
    return apply(getTime, value, []) as number;
  } catch {
    return undefined;
  }
}

/** A map whose methods nobody can patch. */
export interface SafeMap<K, V> {
  readonly get: (key: K) => V | undefined;
  readonly set: (key: K, value: V) => unknown;
  readonly has: (key: K) => boolean;
  readonly delete: (key: K) => boolean;
  readonly forEach: (run: (value: V, key: K) => void) => void;
}

class SafeMapClass<K, V> extends Map<K, V> {
  // Written out: a constructor by default may pass its arguments on by the iterator of arrays.
  constructor() {
    super();
  }
}
const native = Map.prototype;
define(SafeMapClass.prototype, "get", native.get);
define(SafeMapClass.prototype, "set", native.set);
define(SafeMapClass.prototype, "has", native.has);
define(SafeMapClass.prototype, "delete", native.delete);
define(SafeMapClass.prototype, "forEach", native.forEach);
setPrototypeOf(SafeMapClass.prototype, null);
freeze(SafeMapClass.prototype);

/** Makes a {@linkcode SafeMap}. */
export const safeMap: new <K, V>() => SafeMap<K, V> = SafeMapClass;
