/** The constructors that a stored value may name, by those names. Without a prototype: `constructor` is not one of them. */

type TypedArrayClass = { new (buffer: ArrayBuffer): object; readonly BYTES_PER_ELEMENT: number };

// AggregateError iterates what it is given; this one runs nothing that could have been patched.
const nothing: Iterable<never> = Object.freeze({
  [Symbol.iterator]: () => ({ next: () => ({ done: true as const, value: undefined }) }),
});
const Constructors = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  AggregateError,
};

/** Makes an error of each class that comes back as itself. */
export const errorClasses: Readonly<Record<string, () => Error>> = Object.freeze({
  __proto__: null,
  Error: () => new Constructors.Error(),
  EvalError: () => new Constructors.EvalError(),
  RangeError: () => new Constructors.RangeError(),
  ReferenceError: () => new Constructors.ReferenceError(),
  SyntaxError: () => new Constructors.SyntaxError(),
  TypeError: () => new Constructors.TypeError(),
  URIError: () => new Constructors.URIError(),
  AggregateError: () => new Constructors.AggregateError(nothing),
} as unknown as Record<string, () => Error>);

/** A typed array class and the bytes of one of its elements. */
export interface TypedArrayEntry {
  readonly make: TypedArrayClass;
  readonly elementBytes: number;
}

const names = "Int8 Uint8 Uint8Clamped Int16 Uint16 Int32 Uint32 Float16 Float32 Float64 BigInt64 BigUint64".split(" ");
const found: Record<string, TypedArrayEntry> = Object.create(null);
for (let i = 0; i < names.length; i++) {
  const name = `${names[i]}Array`;
  // Float16Array is younger than Node 22.
  const make = (globalThis as unknown as Record<string, TypedArrayClass | undefined>)[name];
  if (make !== undefined) found[name] = { make, elementBytes: make.BYTES_PER_ELEMENT };
}

/** The classes of typed arrays that this engine has. */
export const typedArrayClasses: Readonly<Record<string, TypedArrayEntry>> = Object.freeze(found);
