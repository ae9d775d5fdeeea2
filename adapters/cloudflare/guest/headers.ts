/**
 * `Headers` for guests whose engine has none.
 *
 * @module
 */
import { isHeaderValue, isToken } from "../wire.ts";

/** What headers are made of. */
export type HeadersSource = Iterable<readonly [string, string]> | Readonly<Record<string, string>>;

/** As in the Fetch standard, for names and values that HTTP can carry. */
export class GuestHeaders {
  /** By lower-case name; several values only of `set-cookie`. */
  readonly #values = new Map<string, string[]>();

  constructor(source?: HeadersSource) {
    if (source === undefined || source === null) return;
    if (typeof source !== "object") throw new TypeError("Cannot make headers: they are neither pairs nor a record");
    const pairs = Symbol.iterator in source ? source as Iterable<readonly [string, string]> : Object.entries(source);
    for (const pair of pairs) {
      const [name, value, ...more] = pair;
      if (name === undefined || value === undefined && pair.length < 2 || more.length > 0) throw new TypeError("Cannot make headers: each of them is a pair of a name and a value");
      this.append(name, value);
    }
  }

  append(name: string, value: string): void {
    const key = keyOf(name), text = valueOf(value);
    const known = this.#values.get(key);
    if (known === undefined) this.#values.set(key, [text]);
    else known.push(text);
  }

  delete(name: string): void {
    this.#values.delete(keyOf(name));
  }

  get(name: string): string | null {
    return this.#values.get(keyOf(name))?.join(", ") ?? null;
  }

  getSetCookie(): string[] {
    return [...this.#values.get("set-cookie") ?? []];
  }

  has(name: string): boolean {
    return this.#values.has(keyOf(name));
  }

  set(name: string, value: string): void {
    this.#values.set(keyOf(name), [valueOf(value)]);
  }

  forEach(callback: (value: string, name: string, headers: GuestHeaders) => void): void {
    for (const [name, value] of this) callback(value, name, this);
  }

  *entries(): IterableIterator<[string, string]> {
    for (const name of [...this.#values.keys()].sort()) {
      const values = this.#values.get(name) ?? [];
      if (name === "set-cookie") for (const value of values) yield [name, value];
      else yield [name, values.join(", ")];
    }
  }

  *keys(): IterableIterator<string> {
    for (const [name] of this) yield name;
  }

  *values(): IterableIterator<string> {
    for (const [, value] of this) yield value;
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }

  get [Symbol.toStringTag](): string {
    return "Headers";
  }
}

function keyOf(name: string): string {
  const text = String(name);
  if (!isToken(text)) throw new TypeError(`Cannot use "${text.slice(0, 60)}" as the name of a header`);
  return text.toLowerCase();
}

function valueOf(value: string): string {
  const text = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
  if (!isHeaderValue(text)) throw new TypeError("Cannot use the value of a header: it has a line break, a NUL or what is no byte");
  return text;
}
