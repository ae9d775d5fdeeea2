/**
 * `URLSearchParams` for guests whose engine has none: `application/x-www-form-urlencoded`.
 *
 * @module
 */

/** What they are made of. */
export type SearchSource = string | Iterable<readonly [string, string]> | Readonly<Record<string, string>>;

/** As in the URL standard. */
export class GuestURLSearchParams {
  #pairs: [string, string][] = [];
  readonly #changed: (() => void) | undefined;

  constructor(source: SearchSource = "", changed?: () => void) {
    this.#changed = typeof changed === "function" ? changed : undefined;
    if (typeof source !== "object" || source === null) this.#pairs = parse(String(source).replace(/^\?/, ""));
    else {
      const pairs = Symbol.iterator in source ? source as Iterable<readonly [string, string]> : Object.entries(source);
      for (const [name, value] of pairs) this.#pairs.push([String(name), String(value)]);
    }
  }

  get size(): number {
    return this.#pairs.length;
  }

  append(name: string, value: string): void {
    this.#put([...this.#pairs, [String(name), String(value)]]);
  }

  delete(name: string, value?: string): void {
    this.#put(this.#pairs.filter(([known, of]) => known !== String(name) || (value !== undefined && of !== String(value))));
  }

  get(name: string): string | null {
    return this.#pairs.find(([known]) => known === String(name))?.[1] ?? null;
  }

  getAll(name: string): string[] {
    return this.#pairs.filter(([known]) => known === String(name)).map(([, value]) => value);
  }

  has(name: string, value?: string): boolean {
    return this.#pairs.some(([known, of]) => known === String(name) && (value === undefined || of === String(value)));
  }

  set(name: string, value: string): void {
    const at = this.#pairs.findIndex(([known]) => known === String(name));
    if (at < 0) return this.append(name, value);
    this.#put(this.#pairs.filter(([known], n) => n <= at || known !== String(name)).map((pair, n) => n === at ? [pair[0], String(value)] : pair));
  }

  sort(): void {
    this.#put([...this.#pairs].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0));
  }

  forEach(callback: (value: string, name: string, params: GuestURLSearchParams) => void): void {
    for (const [name, value] of this) callback(value, name, this);
  }

  *entries(): IterableIterator<[string, string]> {
    for (let n = 0; n < this.#pairs.length; n++) yield [...this.#pairs[n] as [string, string]];
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

  toString(): string {
    return this.#pairs.map(([name, value]) => `${write(name)}=${write(value)}`).join("&");
  }

  #put(pairs: [string, string][]): void {
    this.#pairs = pairs;
    this.#changed?.();
  }
}

function parse(text: string): [string, string][] {
  return text.split("&").filter((part) => part !== "").map((part) => {
    const at = part.indexOf("=");
    return at < 0 ? [read(part), ""] : [read(part.slice(0, at)), read(part.slice(at + 1))];
  });
}

function read(text: string): string {
  const bytes: number[] = [];
  const given = new TextEncoder().encode(text.replaceAll("+", " "));
  for (let n = 0; n < given.length; n++) {
    const pair = given[n] === 0x25 ? String.fromCharCode(given[n + 1] ?? 0, given[n + 2] ?? 0) : "";
    if (/^[0-9a-fA-F]{2}$/.test(pair)) {
      bytes.push(parseInt(pair, 16));
      n += 2;
    } else bytes.push(given[n] as number);
  }
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(new Uint8Array(bytes));
}

function write(text: string): string {
  let out = "";
  for (const byte of new TextEncoder().encode(text)) {
    const char = String.fromCharCode(byte);
    out += char === " " ? "+" : /[0-9A-Za-z*\-._]/.test(char) ? char : percent(byte);
  }
  return out;
}

/** `%2F`. */
export function percent(byte: number): string {
  return `%${byte < 16 ? "0" : ""}${byte.toString(16).toUpperCase()}`;
}
