/**
 * Frames: the texts that host and guest exchange. A JSON header on one line, then, when there is a value, `\n` and
 * the value's text.
 *
 * The same file runs inside a guest, after a tenant's code may have patched anything: what it uses is taken when it
 * is evaluated.
 *
 * @module
 */

const { parse, stringify } = JSON;
const indexOf: (text: string, search: string) => number = Function.prototype.call.bind(String.prototype.indexOf);
const slice: (text: string, start: number, end?: number) => string = Function.prototype.call.bind(
  String.prototype.slice,
);

/** A frame taken apart. */
export interface Frame {
  /** The header: any JSON value, unchecked. */
  readonly header: unknown;
  /** The value's text, `undefined` when there is none (which is not the same as an empty one). */
  readonly value: string | undefined;
}

/**
 * Joins a header and a value's text.
 *
 * @param header with no prototype where a tenant could have given `Object.prototype` a `toJSON`
 */
export function frame(header: object, value?: string): string {
  const head = stringify(header);
  return value === undefined ? head : head + "\n" + value;
}

/**
 * Takes a frame apart. Total: `undefined` for whatever is not one.
 *
 * @example
 * ```ts
 * import { frame, parseFrame } from "./frame.ts";
 *
 * parseFrame(frame({ c: "log" }, "hello")); // { header: { c: "log" }, value: "hello" }
 * ```
 */
export function parseFrame(text: string): Frame | undefined {
  if (typeof text !== "string") return undefined;
  const end = indexOf(text, "\n");
  try {
    const header: unknown = parse(end < 0 ? text : slice(text, 0, end));
    return { header, value: end < 0 ? undefined : slice(text, end + 1) };
  } catch {
    return undefined;
  }
}
