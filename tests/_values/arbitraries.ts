/** What the tests of the codec share: values of every kind, and when two of them are the same. */
import fc from "fast-check";

/** Whether two values have the same shape: kinds, contents, holes, −0, and which objects are one and the same. */
export function isomorphic(a: unknown, b: unknown): boolean {
  const there = new Map<object, object>(), back = new Map<object, object>();
  const pending: [unknown, unknown][] = [[a, b]];
  for (let pair = pending.pop(); pair; pair = pending.pop()) {
    const [a, b] = pair;
    if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) {
      if (!Object.is(a, b)) return false;
      continue;
    }
    if (there.has(a) || back.has(b)) {
      if (there.get(a) !== b || back.get(b) !== a) return false;
      continue;
    }
    there.set(a, b);
    back.set(b, a);
    const kind = Object.prototype.toString.call(a);
    if (kind !== Object.prototype.toString.call(b)) return false;
    if (a instanceof Map) pending.push([[...a].flat(), [...(b as typeof a)].flat()]);
    else if (a instanceof Set) pending.push([[...a], [...(b as typeof a)]]);
    else if (a instanceof Date) pending.push([a.getTime(), (b as typeof a).getTime()]);
    else if (a instanceof RegExp) pending.push([String(a), String(b)]);
    else if (a instanceof ArrayBuffer) pending.push([String(new Uint8Array(a)), String(new Uint8Array(b as ArrayBuffer))]);
    else if (a instanceof Error) {
      for (const key of ["name", "message", "cause", "errors"]) pending.push([Reflect.get(a, key), Reflect.get(b, key)]);
    } else if (!Array.isArray(a) && !ArrayBuffer.isView(a) && kind !== "[object Object]") pending.push([a.valueOf(), b.valueOf()]);
    if (Array.isArray(a)) pending.push([a.length, (b as typeof a).length]);
    pending.push([Object.keys(a).join("\0"), Object.keys(b).join("\0")]);
    for (const key of Object.keys(a)) {
      pending.push([Object.getOwnPropertyDescriptor(a, key)?.value, Object.getOwnPropertyDescriptor(b, key)?.value]);
    }
  }
  return true;
}

/** Gives an error a name of its own, not enumerable, as built-in ones are. */
export const named = <E extends Error>(error: E, name: string): E =>
  Object.defineProperty(error, "name", { value: name, enumerable: false });

/** Text that may be ill-formed. */
export const text: fc.Arbitrary<string> = fc.string({ unit: "binary", maxLength: 8 });
const key = fc.oneof({ weight: 6, arbitrary: text }, fc.constantFrom("__proto__", "constructor", "toJSON", "length", "0", "7", "then"));
const bytes = fc.uint8Array({ maxLength: 24 });
const leaf = fc.oneof(
  text,
  fc.double(),
  fc.constantFrom<unknown>(0, -0, 1, NaN, Infinity, null, undefined, true, false),
  fc.bigInt(),
  fc.date({ noInvalidDate: false }),
  fc.constantFrom(/a\/b/gi, /(?<year>\d{4})/u, new RegExp(""), new RegExp("\n[/]", "sy")),
  bytes,
  bytes.map((bytes) => bytes.buffer.slice(0)),
  bytes.map((bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
  fc.float64Array({ maxLength: 4 }),
  fc.int16Array({ maxLength: 4 }),
  fc.bigInt64Array({ maxLength: 4 }),
  fc.constantFrom<unknown>(1, "a", false, 3n).map((primitive) => Object(primitive)),
);
/** Any value that can be stored, as a tree. */
export const anyValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.array(tie("value"), { maxLength: 5 }),
    fc.sparseArray(tie("value"), { maxLength: 5, maxNumElements: 3 }),
    fc.dictionary(key, tie("value"), { maxKeys: 5, noNullPrototype: true }),
    fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(tie("value"), { maxLength: 3 }).map((items) => new Set(items)),
    fc.tuple(fc.constantFrom(Error, TypeError, RangeError), text, tie("value")).map(([Class, message, cause]) => new Class(message, { cause })),
    fc.tuple(tie("value"), tie("value")).map(([first, second]) => new AggregateError([first, second], "several")),
  ),
})).value;
/** Containers that hold one another in any way, cycles included. */
export const graph: fc.Arbitrary<unknown> = fc.array(
  fc.record({ kind: fc.constantFrom("object", "array", "map", "set", "error"), links: fc.array(fc.nat(), { maxLength: 4 }), leaf }),
  { minLength: 1, maxLength: 8 },
).map((plan) => {
  const makers: Record<string, () => object> =
    { object: () => ({}), array: () => [], map: () => new Map(), set: () => new Set(), error: () => new Error("e") };
  const nodes = plan.map(({ kind }) => makers[kind]!());
  plan.forEach(({ links, leaf }, i) => {
    const node = nodes[i]!;
    for (const [at, held] of [leaf, ...links.map((link) => nodes[link % nodes.length])].entries()) {
      if (node instanceof Map) node.set(held, held);
      else if (node instanceof Set) node.add(held);
      else (node as Record<string, unknown>)[at] = held;
    }
  });
  return nodes[0];
});
