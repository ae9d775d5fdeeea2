import { assertEquals } from "./comparisons.ts";

type Loose = Record<PropertyKey, unknown>;

/** Fails unless `expected` is part of `actual`, deeply: keys that only `actual` has are not looked at, nor are classes. */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any -- as std: an interface without an index signature fits only this
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  message?: string,
): void {
  assertEquals(
    partOfObject(actual, expected, new WeakMap()),
    partOfObject(expected, expected, new WeakMap()),
    message,
  );
}

/** The part of `actual` that `expected` speaks of. */
function part(actual: unknown, expected: unknown, seen: WeakMap<object, unknown>): unknown {
  if (!isObject(actual) || !isObject(expected) || actual instanceof RegExp || actual instanceof Date) return actual;
  if (Array.isArray(actual) && Array.isArray(expected)) {
    if (seen.get(actual) === expected) return actual;
    seen.set(actual, expected);
    return actual.slice(0, expected.length).map((item, i) => part(item, expected[i], seen));
  }
  if (actual instanceof Map && expected instanceof Map) {
    const shared = [...actual].filter(([key]) => expected.has(key));
    return new Map(shared.map(([key, value]) => {
      const other: unknown = expected.get(key);
      return [key, isObject(value) && isObject(other) ? partOfObject(value, other, seen) : value];
    }));
  }
  if (actual instanceof Set && expected instanceof Set) return new Set([...actual].filter((item) => expected.has(item)));
  return partOfObject(actual, expected, seen);
}

function partOfObject(actual: Loose, expected: Loose, seen: WeakMap<object, unknown>): Loose {
  if (!isObject(actual)) throw new TypeError(`Cannot assertObjectMatch ${actual === null ? null : `type ${typeof actual}`}`);
  if (seen.get(actual) === expected) return actual;
  seen.set(actual, expected);
  const keys = Reflect.ownKeys(actual), expectedKeys = Reflect.ownKeys(expected);
  const shared = keys.filter((key) => expectedKeys.includes(key));
  // Nothing in common: the whole of actual makes the better message.
  const wholly = shared.length === 0 && expectedKeys.length > 0;
  const result: Loose = {};
  for (const key of wholly ? keys : shared) {
    const value = wholly ? actual[key] : part(actual[key], expected[key], seen);
    // Defined, not assigned: a key may be `__proto__`.
    Object.defineProperty(result, key, { value, configurable: true, enumerable: true, writable: true });
  }
  return result;
}

function isObject(value: unknown): value is Loose {
  return typeof value === "object" && value !== null;
}
