/** Writes values. The formats are told apart by their first character; see table.ts for `x`. */

import { bareArray, bareRecord, bigintDigits, keysOf, safeMap, stringify } from "./intrinsics.ts";
import type { Bare, SafeMap } from "./intrinsics.ts";
import { MAX_BIGINT_DIGITS, MAX_LENGTH } from "./limits.ts";
import { copyArray, copyObject, HOLE, refuse, startSnapshot, TOO_BIG } from "./snapshot.ts";
import type { Visit } from "./snapshot.ts";
import { readSpecial } from "./specials.ts";
import type { ErrorContent } from "./specials.ts";
import * as table from "./table.ts";

/** Options of {@link encode}. */
export interface EncodeOptions {
  /**
   * What paths in errors begin with: a word for the value.
   *
   * @default "result"
   */
  readonly root?: string;
}

/**
 * Writes `value` as text that {@link decode} reads, on the host as in a guest.
 *
 * Carries what a structured clone carries: JSON's types, `undefined`, NaN, infinities, −0, bigints, dates, regular expressions
 * (`lastIndex` becomes 0), maps, sets, buffers and views (the bytes they see), errors, boxed primitives, holes, cycles and
 * shared references. An object without a prototype comes back as a plain one, a subclass of a built-in class as that class
 * (an error keeps its `name`, never its stack). Not carried: symbol keys, non-enumerable properties, and properties set on
 * anything but plain objects, errors and the arrays that `String.prototype.match` returns.
 *
 * The same value gives the same text. Every property is read once; `toJSON` means nothing. Nothing patched after this module
 * was loaded is used.
 *
 * @throws {ValueError} `not_serialisable`, with the path: functions, symbols, promises, instances of other classes, a getter
 * that throws, more than 200 containers within one another or a million entries
 */
export function encode(value: unknown, options?: EncodeOptions): string {
  switch (typeof value) {
    case "string":
      return checked("j" + stringify(value), options);
    case "boolean":
      return value ? "jtrue" : "jfalse";
    case "undefined":
      return "u";
    case "number":
      if (value - value === 0 && (value !== 0 || 1 / value > 0)) return "j" + value;
      return writeTable(undefined, value);
    case "object":
      return value === null ? "jnull" : checked(encodeObject(value, options), options);
    case "bigint":
      if (bigintDigits(value).length > MAX_BIGINT_DIGITS) refuse(rootOf(options), TOO_BIG);
      return writeTable(undefined, value);
    default:
      return refuse(rootOf(options), `a ${typeof value} cannot be stored`);
  }
}

function rootOf(options: EncodeOptions | undefined): string {
  return options?.root ?? "result";
}

function checked(text: string, options: EncodeOptions | undefined): string {
  if (text.length > MAX_LENGTH) refuse(rootOf(options), `its text has more than ${MAX_LENGTH} characters`);
  return text;
}

function encodeObject(value: object, options: EncodeOptions | undefined): string {
  const snapshot = startSnapshot(value, rootOf(options));
  for (let visit: Visit | undefined = snapshot.first; visit !== undefined; visit = visit.next) {
    if (visit.kind === "object") copyObject(snapshot, visit);
    else if (visit.kind === "array") copyArray(snapshot, visit);
    else readSpecial(snapshot, visit);
  }
  return snapshot.plain ? "j" + stringify(snapshot.first.copy) : writeTable(snapshot.first, snapshot.first.copy);
}

/** The objects of a table: those met so far, in the order of their numbers, and all by their copies. */
interface Writing {
  readonly byCopy: SafeMap<object, Visit>;
  readonly met: Visit[];
  count: number;
}

function writeTable(first: Visit | undefined, root: unknown): string {
  const writing: Writing = { byCopy: new safeMap<object, Visit>(), met: bareArray(), count: 0 };
  for (let visit = first; visit !== undefined; visit = visit.next) writing.byCopy.set(visit.copy, visit);
  const out = bareArray<unknown>();
  let at = 0;
  out[at++] = slot(root, writing);
  for (let i = 0; i < writing.count; i++) {
    const visit = writing.met[i] as Visit;
    const tag = tagOf(visit);
    out[at++] = tag;
    out[at++] = payloadOf(visit, tag, writing);
  }
  return "x" + stringify(out);
}

function slot(value: unknown, writing: Writing): unknown {
  switch (typeof value) {
    case "number":
      if (value - value === 0) return value === 0 && 1 / value < 0 ? reference(table.MINUS_ZERO) : value;
      return reference(value > 0 ? table.INFINITE : value < 0 ? table.MINUS_INFINITE : table.NOT_A_NUMBER);
    case "undefined":
      return reference(table.UNDEFINED);
    case "bigint":
      return reference(bigintDigits(value));
    case "object":
      return value === null ? null : reference(numberOf(writing.byCopy.get(value) as Visit, writing));
    default:
      return value;
  }
}

function reference(to: number | string): unknown[] {
  const pair = bareArray<unknown>();
  pair[0] = to;
  return pair;
}

// Numbered anew, for the order of the copy's keys is what the reader sees: a proxy can list its own in any other.
function numberOf(visit: Visit, writing: Writing): number {
  if (visit.number === -1) {
    visit.number = writing.count;
    writing.met[writing.count++] = visit;
  }
  return visit.number;
}

function tagOf(visit: Visit): string {
  switch (visit.kind) {
    case "object":
      return table.OBJECT;
    case "array":
      return visit.sparse || visit.names !== undefined ? table.SPARSE : table.ARRAY;
    case "map":
      return table.MAP;
    case "set":
      return table.SET;
    case "date":
      return table.DATE;
    case "regexp":
      return table.REGEXP;
    case "error":
      return table.ERROR;
    case "buffer":
      return table.BUFFER;
    case "view":
      return table.VIEW;
    case "typed":
      return table.TYPED;
    case "boxed":
      return table.BOXED;
    case "other":
      throw new TypeError("unreachable: refused when it was read");
    default:
      return visit.kind satisfies never;
  }
}

function payloadOf(visit: Visit, tag: string, writing: Writing): unknown {
  switch (tag) {
    case table.OBJECT:
      return slotsOf(visit.content as Bare, writing);
    case table.ARRAY:
    case table.MAP:
    case table.SET:
      return slots(visit.content as unknown[], writing);
    case table.SPARSE:
      return sparse(visit, writing);
    case table.ERROR: {
      const { name, message, links, own } = visit.content as ErrorContent;
      const payload = slotsOf(links, writing);
      payload.name = name;
      if (message !== undefined) payload.message = message;
      if (keysOf(own).length > 0) payload.own = slotsOf(own, writing);
      return payload;
    }
    case table.BOXED:
      return slot((visit.content as unknown[])[0], writing);
    default:
      // Dates, texts and pairs of texts. An invalid date is NaN, which JSON writes as null.
      return visit.content;
  }
}

function slots(values: unknown[], writing: Writing): unknown[] {
  const out = bareArray<unknown>();
  for (let i = 0; i < values.length; i++) out[i] = slot(values[i], writing);
  return out;
}

function slotsOf(values: Bare, writing: Writing): Bare {
  const out = new bareRecord();
  const keys = keysOf(values);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    out[key] = slot(values[key], writing);
  }
  return out;
}

function sparse(visit: Visit, writing: Writing): unknown[] {
  const values = visit.content as unknown[];
  const out = bareArray<unknown>();
  let at = 0;
  out[at++] = values.length;
  const names = at++;
  for (let i = 0; i < values.length; i++) {
    if (values[i] === HOLE) continue;
    out[at++] = i;
    out[at++] = slot(values[i], writing);
  }
  // The walk met the names after the elements; the reader has to as well, wherever they stand.
  out[names] = visit.names === undefined ? null : slotsOf(visit.names, writing);
  return out;
}
