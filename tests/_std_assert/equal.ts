/**
 * Deep equality by std's rules, which are not those of `node:assert`:
 * `0` equals `-0`, a null prototype equals `Object.prototype`, and whatever is not a plain value
 * (errors too) is compared by every property up its prototype chain, so two errors are equal only with one stack.
 *
 * @module
 */

const TypedArray = Object.getPrototypeOf(Uint8Array) as abstract new () => ArrayLike<unknown>;

/** Whether two values are deeply equal. Throws a TypeError for WeakMap and WeakSet, whose content cannot be read. */
export function equal(actual: unknown, expected: unknown): boolean {
  return compare(actual, expected, new Map());
}

function compare(a: unknown, b: unknown, seen: Map<unknown, unknown>): boolean {
  if (sameValueZero(a, b)) return true;
  if (!isObject(a) || !isObject(b)) return false;
  if (a instanceof Date && b instanceof Date) return Object.is(a.getTime(), b.getTime());
  if (!samePrototype(a, b)) return false;
  if (a instanceof TypedArray) return sameElements(a, b as unknown as ArrayLike<unknown>);
  if (isBuffer(a)) return sameElements(new Uint8Array(a), new Uint8Array(b as unknown as ArrayBuffer));
  if (a instanceof WeakMap) throw new TypeError("Cannot compare WeakMap instances");
  if (a instanceof WeakSet) throw new TypeError("Cannot compare WeakSet instances");
  if (a instanceof WeakRef) return compare(a.deref(), (b as WeakRef<WeakKey>).deref(), seen);
  // Met again while it is still being compared: a cycle, equal if nothing else differs.
  if (seen.get(a) === b) return true;
  if (Object.keys(a).length !== Object.keys(b).length) return false;
  seen.set(a, b);
  if (a instanceof Set && b instanceof Set) return sameEntries([...a.entries()], [...b.entries()], seen);
  if (a instanceof Map && b instanceof Map) return sameEntries([...a.entries()], [...b.entries()], seen);
  if (isPlain(a)) return sameProperties(a, b, Reflect.ownKeys({ ...a, ...b }), seen);
  if (hasTextForm(a)) return String(a) === String(b);
  return sameProperties(a, b, new Set([...keysOfChain(a), ...keysOfChain(b)]), seen);
}

function sameValueZero(a: unknown, b: unknown): boolean {
  return a === b || Object.is(a, b);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || prototype === Array.prototype;
}

function samePrototype(a: object, b: object): boolean {
  const left: unknown = Object.getPrototypeOf(a), right: unknown = Object.getPrototypeOf(b);
  return left === right || (left ?? Object.prototype) === (right ?? Object.prototype);
}

function isBuffer(value: object): value is ArrayBuffer {
  return value instanceof ArrayBuffer || "SharedArrayBuffer" in globalThis && value instanceof SharedArrayBuffer;
}

function sameElements(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!sameValueZero(a[i], b[i])) return false;
  return true;
}

/** Entries of a Map or Set in any order; keys that are objects are compared deeply, which takes a search. */
function sameEntries(a: [unknown, unknown][], b: [unknown, unknown][], seen: Map<unknown, unknown>): boolean {
  if (a.length !== b.length) return false;
  if (a.every(([key]) => !isObject(key) && typeof key !== "function")) {
    const other = new Map(b);
    return a.every(([key, value]) => other.has(key) && compare(value, other.get(key), seen));
  }
  return a.every(([key, value]) =>
    b.some(([otherKey, other]) =>
      compare(key, otherKey, seen) && (key === value && otherKey === other || compare(value, other, seen))
    )
  );
}

function sameProperties(a: object, b: object, keys: Iterable<PropertyKey>, seen: Map<unknown, unknown>): boolean {
  for (const key of keys) {
    if (key in a !== key in b) return false;
    if (!compare(Reflect.get(a, key), Reflect.get(b, key), seen)) return false;
  }
  return true;
}

/** Objects whose state is hidden and whose text says all of it. */
function hasTextForm(value: object): boolean {
  return [RegExp, URL, URLSearchParams, Intl.Locale].some((type) => Object.getPrototypeOf(value) === type.prototype) ||
    /^\[object Temporal\./.test(Object.prototype.toString.call(value));
}

function keysOfChain(value: object): Set<PropertyKey> {
  const keys = new Set<PropertyKey>();
  let at: object | null = value;
  while (at !== null && at !== Object.prototype && at !== Array.prototype) {
    for (const key of Reflect.ownKeys(at)) keys.add(key);
    at = Object.getPrototypeOf(at) as object | null;
  }
  return keys;
}
