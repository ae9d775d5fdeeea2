/**
 * Reads values. Total: the text comes from a tenant.
 *
 * Trusts nothing but its own module scope. Whatever the text, the outcome is a value or a {@link ValueError}; the time is linear
 * in the text's length; nothing recurses; no prototype but those of the built-in classes (or none) is ever given to anything.
 */

import { base64Length, fromBase64 } from "./base64.ts";
import { mapSize, setSize } from "./brands.ts";
import { errorClasses, typedArrayClasses } from "./classes.ts";
import { ValueError } from "./error.ts";
import {
  apply,
  bareArray,
  defineData,
  hasOwn,
  indexOf,
  isArray,
  keysOf,
  parse,
  setPrototypeOf,
  sliceText,
  uncurry,
} from "./intrinsics.ts";
import { MAX_BIGINT_DIGITS, MAX_DEPTH, MAX_ENTRIES, MAX_LENGTH, MAX_PATTERN } from "./limits.ts";
import { isElement } from "./snapshot.ts";
import { isErrorField } from "./specials.ts";
import * as table from "./table.ts";

/** Options of {@link decode}. */
export interface DecodeOptions {
  /**
   * Makes plain objects without a prototype, for hosts that look keys up in a tenant's objects.
   *
   * @default false
   */
  readonly nullPrototype?: boolean;
}

/**
 * Reads what {@link encode} wrote.
 *
 * Any text gives a value or a `ValueError`, in linear time, with at most 200 containers within one another (along the shortest
 * way from the root) and a million entries. `__proto__` is a key like any other. Two things to know on a host: objects may be
 * shared, so that a small value can be a very large tree (do not hand it to `JSON.stringify` unlooked at), and a regular
 * expression in it is a tenant's (do not run it).
 *
 * @throws {ValueError} `malformed_value`
 */
export function decode(text: string, options?: DecodeOptions): unknown {
  try {
    return read(text, options?.nullPrototype === true);
  } catch (error) {
    if (error instanceof ValueError) throw error;
    throw malformed("it is not well-formed", error);
  }
}

type Bare = Record<string, unknown>;

// Names of this module: a patched global of the same name is not looked at.
const makeBigint = BigInt;
const BufferClass = ArrayBuffer;
const Bytes = Uint8Array;
const DateClass = Date;
const MapClass = Map;
const ObjectClass = Object;
const PatternClass = RegExp;
const SetClass = Set;
const ViewClass = DataView;
const mapAdd = uncurry(Map.prototype.set);
const setAdd = uncurry(Set.prototype.add);
const exec = RegExp.prototype.exec;
const hexadecimal = /^-?[0-9a-f]+$/;
const isInteger = Number.isInteger;
const MAX_TIME = 8.64e15;

function read(text: string, nullPrototype: boolean): unknown {
  if (typeof text !== "string") throw malformed("it is not text");
  if (text.length > MAX_LENGTH) throw malformed("it is too long");
  switch (text[0]) {
    case "j": {
      const value = parse(sliceText(text, 1));
      if (typeof value !== "object" || value === null) return value;
      if (nullPrototype || !isSurelyShallow(text)) checkTree(value, nullPrototype);
      return value;
    }
    case "u":
      if (text.length !== 1) break;
      return undefined;
    case "x":
      return readTable(parse(sliceText(text, 1)), nullPrototype);
  }
  throw malformed("its format is not known");
}

function malformed(reason: string, cause?: unknown): ValueError {
  const message = `Cannot read the stored value: ${reason}`;
  return new ValueError("malformed_value", message, cause === undefined ? {} : { cause });
}

// Whoever has no more brackets than that cannot nest them deeper; counting is cheaper than looking at every value.
function isSurelyShallow(text: string): boolean {
  if (text.length > MAX_ENTRIES) return false;
  if (text.length <= 2 * MAX_DEPTH) return true;
  let count = 0;
  for (let at = indexOf(text, "[", 1); at !== -1; at = indexOf(text, "[", at + 1)) if (++count > MAX_DEPTH) return false;
  for (let at = indexOf(text, "{", 1); at !== -1; at = indexOf(text, "{", at + 1)) if (++count > MAX_DEPTH) return false;
  return true;
}

function checkTree(root: object, nullPrototype: boolean): void {
  const queue = new bareArray<object>();
  queue[0] = root;
  let count = 1;
  let entries = 0;
  let depth = 1;
  let levelEnd = 1;
  for (let i = 0; i < count; i++) {
    if (i === levelEnd) {
      if (++depth > MAX_DEPTH) throw malformed("it is too deep");
      levelEnd = count;
    }
    const holder = queue[i] as object;
    if (isArray(holder)) {
      if ((entries += holder.length) > MAX_ENTRIES) throw malformed("it has too many entries");
      for (let j = 0; j < holder.length; j++) {
        const value = holder[j];
        if (typeof value === "object" && value !== null) queue[count++] = value;
      }
      continue;
    }
    const keys = keysOf(holder);
    if ((entries += keys.length) > MAX_ENTRIES) throw malformed("it has too many entries");
    for (let j = 0; j < keys.length; j++) {
      const value = (holder as Bare)[keys[j] as string];
      if (typeof value === "object" && value !== null) queue[count++] = value;
    }
    if (nullPrototype) setPrototypeOf(holder, null);
  }
}

/** The objects of a table, as far as they are known, and how many of them have been referred to. */
interface Reading {
  readonly objects: object[];
  readonly count: number;
  met: number;
  entries: number;
}

function readTable(items: unknown, nullPrototype: boolean): unknown {
  if (!isArray(items) || items.length % 2 !== 1) throw malformed("it is not a table");
  const count = (items.length - 1) / 2;
  const objects = new bareArray<object>();
  const reading: Reading = { objects, count, met: 0, entries: 0 };
  for (let i = 0; i < count; i++) objects[i] = shellOf(items[2 * i + 1], items[2 * i + 2], nullPrototype, reading);
  const root = valueOf(items[0], reading);
  let depth = 1;
  let levelEnd = 1;
  for (let i = 0; i < count; i++) {
    // The writer numbers objects as it meets them, so whatever has not been referred to by now never will be.
    if (i >= reading.met) throw malformed("an object in it belongs to nothing");
    if (i === levelEnd) {
      if (++depth > MAX_DEPTH) throw malformed("it is too deep");
      levelEnd = reading.met;
    }
    fill(items[2 * i + 1], items[2 * i + 2], objects[i] as object, reading);
  }
  return root;
}

function countEntries(reading: Reading, count: number): void {
  if ((reading.entries += count) > MAX_ENTRIES) throw malformed("it has too many entries");
}

function valueOf(slot: unknown, reading: Reading): unknown {
  if (typeof slot !== "object" || slot === null) return slot;
  const to = isArray(slot) && slot.length === 1 ? slot[0] : undefined;
  if (typeof to === "string") return bigintOf(to);
  switch (to) {
    case table.UNDEFINED:
      return undefined;
    case table.NOT_A_NUMBER:
      return NaN;
    case table.INFINITE:
      return Infinity;
    case table.MINUS_INFINITE:
      return -Infinity;
    case table.MINUS_ZERO:
      return -0;
  }
  if (!isInteger(to) || (to as number) < 0 || (to as number) > reading.met || (to as number) >= reading.count) {
    throw malformed("it refers to something that is not in it");
  }
  if (to === reading.met) reading.met++;
  return reading.objects[to as number];
}

function bigintOf(digits: string): bigint {
  if (digits.length > MAX_BIGINT_DIGITS || apply(exec, hexadecimal, [digits]) === null) throw malformed("a bigint is not one");
  return digits[0] === "-" ? -makeBigint(`0x${sliceText(digits, 1)}`) : makeBigint(`0x${digits}`);
}

function record(payload: unknown): Bare {
  if (typeof payload !== "object" || payload === null || isArray(payload)) throw malformed("an object in it is not one");
  return payload as Bare;
}

function list(payload: unknown): unknown[] {
  if (!isArray(payload)) throw malformed("a list in it is not one");
  return payload;
}

function texts(payload: unknown): string[] {
  const pair = list(payload);
  if (pair.length !== 2 || typeof pair[0] !== "string" || typeof pair[1] !== "string") throw malformed("a pair is not one");
  return pair as string[];
}

function bytesOf(text: unknown): ArrayBuffer {
  const length = typeof text === "string" ? base64Length(text) : undefined;
  if (length === undefined) throw malformed("it has bytes of a wrong length");
  const buffer = new BufferClass(length);
  if (!fromBase64(text as string, new Bytes(buffer), length)) throw malformed("it has bytes that are not base64");
  return buffer;
}

/** Makes the object of a table entry, without what it refers to. */
function shellOf(tag: unknown, payload: unknown, nullPrototype: boolean, reading: Reading): object {
  switch (tag) {
    case table.OBJECT: {
      const object = record(payload);
      if (nullPrototype) setPrototypeOf(object, null);
      return object;
    }
    case table.ARRAY:
      return list(payload);
    case table.SPARSE: {
      const length = list(payload)[0];
      if (!isInteger(length) || (length as number) < 0) throw malformed("an array has no length");
      countEntries(reading, length as number);
      const array: unknown[] = [];
      array.length = length as number;
      return array;
    }
    case table.MAP:
      return new MapClass();
    case table.SET:
      return new SetClass();
    case table.DATE: {
      if (payload === null) return new DateClass(NaN);
      if (!isInteger(payload) || (payload as number) > MAX_TIME || (payload as number) < -MAX_TIME) throw malformed("a date is not one");
      return new DateClass(payload as number);
    }
    case table.REGEXP: {
      const pair = texts(payload);
      if ((pair[0] as string).length > MAX_PATTERN) throw malformed("a pattern is too long");
      return new PatternClass(pair[0] as string, pair[1] as string);
    }
    case table.ERROR:
      return errorOf(record(payload));
    case table.BUFFER:
      return bytesOf(payload);
    case table.VIEW:
      return new ViewClass(bytesOf(payload));
    case table.TYPED: {
      const pair = texts(payload);
      const entry = typedArrayClasses[pair[0] as string];
      if (entry === undefined) throw malformed("it has a typed array that this engine does not know");
      // A length that does not fit the element size is a RangeError of the constructor.
      return new entry.make(bytesOf(pair[1]));
    }
    case table.BOXED: {
      const primitive = typeof payload === "object" ? boxable(payload) : payload;
      return ObjectClass(primitive);
    }
  }
  throw malformed("it has an object of an unknown kind");
}

function boxable(slot: unknown): unknown {
  const value = valueOf(slot, { objects: new bareArray(), count: 0, met: 0, entries: 0 });
  if (value === undefined || value === null) throw malformed("it boxes nothing");
  return value;
}

function errorOf(payload: Bare): Error {
  const name = payload.name;
  if (typeof name !== "string") throw malformed("an error has no name");
  const known = errorClasses[name];
  const error = known === undefined ? (errorClasses.Error as () => Error)() : known();
  if (known === undefined) defineData(error, "name", name, false);
  let head = name;
  if (hasOwn(payload, "message")) {
    if (typeof payload.message !== "string") throw malformed("an error has no message");
    defineData(error, "message", payload.message, false);
    if (payload.message !== "") head += `: ${payload.message}`;
  }
  // That of this call would name files of this process, and tell nothing of where the error came from.
  defineData(error, "stack", head, false);
  return error;
}

/** Gives an object of the table what it refers to, in the order in which the writer met it. */
function fill(tag: unknown, payload: unknown, object: object, reading: Reading): void {
  switch (tag) {
    case table.OBJECT: {
      // In place: the keys are its own already, `__proto__` too.
      const target = object as Bare;
      const keys = keysOf(target);
      countEntries(reading, keys.length);
      for (let i = 0; i < keys.length; i++) {
        const key = keys[i] as string;
        const slot = target[key];
        if (typeof slot === "object" && slot !== null) target[key] = valueOf(slot, reading);
      }
      return;
    }
    case table.ARRAY: {
      const target = object as unknown[];
      countEntries(reading, target.length);
      for (let i = 0; i < target.length; i++) {
        const slot = target[i];
        if (typeof slot === "object" && slot !== null) target[i] = valueOf(slot, reading);
      }
      return;
    }
    case table.SPARSE:
      return fillSparse(list(payload), object as unknown[], reading);
    case table.MAP: {
      const items = list(payload);
      if (items.length % 2 !== 0) throw malformed("a map has a key without a value");
      countEntries(reading, items.length);
      for (let i = 0; i < items.length; i += 2) {
        const key = valueOf(items[i], reading);
        mapAdd(object, key, valueOf(items[i + 1], reading));
      }
      if (mapSize(object) !== items.length / 2) throw malformed("a map has a key twice");
      return;
    }
    case table.SET: {
      const items = list(payload);
      countEntries(reading, items.length);
      for (let i = 0; i < items.length; i++) setAdd(object, valueOf(items[i], reading));
      if (setSize(object) !== items.length) throw malformed("a set has a value twice");
      return;
    }
    case table.ERROR: {
      const parts = payload as Bare;
      if (hasOwn(parts, "cause")) defineData(object, "cause", valueOf(parts.cause, reading), false);
      if (hasOwn(parts, "errors")) defineData(object, "errors", valueOf(parts.errors, reading), false);
      if (!hasOwn(parts, "own")) return;
      const own = record(parts.own);
      const keys = keysOf(own);
      countEntries(reading, keys.length);
      for (let i = 0; i < keys.length; i++) {
        const key = keys[i] as string;
        if (isErrorField(key)) throw malformed("an error has a field twice");
        defineData(object, key, valueOf(own[key], reading), true);
      }
      return;
    }
  }
}

function fillSparse(items: unknown[], array: unknown[], reading: Reading): void {
  if (items.length % 2 !== 0) throw malformed("an array has an index without a value");
  let previous = -1;
  for (let i = 2; i < items.length; i += 2) {
    const index = items[i];
    if (!isInteger(index) || (index as number) <= previous || (index as number) >= array.length) {
      throw malformed("an array has an index out of order");
    }
    previous = index as number;
    defineData(array, previous, valueOf(items[i + 1], reading), true);
  }
  if (items[1] === null) return;
  const names = record(items[1]);
  const keys = keysOf(names);
  countEntries(reading, keys.length);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    if (key === "length" || isElement(key)) throw malformed("an array has a name that is an index");
    defineData(array, key, valueOf(names[key], reading), true);
  }
}
