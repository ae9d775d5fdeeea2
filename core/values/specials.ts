/** Reads the objects that JSON has no word for, through intrinsics only; nothing of what it leaves can run. */

import {
  apply,
  bareArray,
  bareRecord,
  descriptorOf,
  hasOwn,
  keysOf,
  toText,
  uncurryGetter,
} from "./intrinsics.ts";
import type { Bare } from "./intrinsics.ts";
import { toBase64 } from "./base64.ts";
import { typedArrayClasses } from "./classes.ts";
import { countEntries, take } from "./copying.ts";
import type { Copying, Special } from "./copying.ts";
import { bufferLength, dateTime, regexpSource, typedArrayName, unbox } from "./brands.ts";
import { MAX_LENGTH, MAX_PATTERN } from "./limits.ts";
import { Refusal } from "./refusal.ts";

/** What is kept of an error's texts. Its stack is not: it names files of whoever made it, and differs between engines. */
export interface ErrorTexts {
  readonly name: string;
  readonly message: string | undefined;
}

const mapForEach = Map.prototype.forEach;
const setForEach = Set.prototype.forEach;
const viewPrototype = DataView.prototype;
const viewBuffer = uncurryGetter<ArrayBuffer>(viewPrototype, "buffer");
const viewOffset = uncurryGetter<number>(viewPrototype, "byteOffset");
const viewLength = uncurryGetter<number>(viewPrototype, "byteLength");
const typedPrototype: object = Object.getPrototypeOf(Uint8Array.prototype);
const typedBuffer = uncurryGetter<ArrayBuffer>(typedPrototype, "buffer");
const typedOffset = uncurryGetter<number>(typedPrototype, "byteOffset");
const typedLength = uncurryGetter<number>(typedPrototype, "byteLength");
const Bytes = Uint8Array;

// Read one by one: `flags` asks the object, whose own properties may lie.
const flagGetters = new bareArray<(self: unknown) => boolean>();
const flagLetters = "dgimsuvy";
const flagNames = "hasIndices global ignoreCase multiline dotAll unicode unicodeSets sticky".split(" ");
for (const name of flagNames) {
  flagGetters[flagGetters.length] = name in RegExp.prototype ? uncurryGetter(RegExp.prototype, name) : () => false;
}

/** Reads what `special` stands for. @throws {Refusal} when it cannot be stored, and whatever code of the value throws */
export function readSpecial(copying: Copying, special: Special): void {
  const source = special.source;
  switch (special.kind) {
    case "map":
      return takeItems(copying, special, mapItems(source));
    case "set":
      return takeItems(copying, special, setItems(source));
    case "boxed":
      return takeItems(copying, special, [unbox(source)]);
    case "date":
      special.content = dateTime(source);
      return;
    case "regexp":
      special.content = pair(patternOf(source), flagsOf(source));
      return;
    case "buffer":
      special.content = bytesOf(source as ArrayBuffer, 0, bufferLength(source));
      return;
    case "view":
      special.content = bytesOf(viewBuffer(source), viewOffset(source), viewLength(source));
      return;
    case "typed": {
      const name = typedArrayName(source) as string;
      if (typedArrayClasses[name] === undefined) throw new Refusal(`a ${name} cannot be stored`);
      special.content = pair(name, bytesOf(typedBuffer(source), typedOffset(source), typedLength(source)));
      return;
    }
    case "error":
      return readError(copying, special, source as Bare);
    default:
      return special.kind satisfies never;
  }
}

function takeItems(copying: Copying, special: Special, raw: unknown[]): void {
  countEntries(copying, raw.length);
  for (let i = 0; i < raw.length; i++) {
    copying.key = i;
    special.items[i] = take(copying, raw[i]);
  }
}

function pair(first: string, second: string): string[] {
  const texts = new bareArray<string>();
  texts[0] = first;
  texts[1] = second;
  return texts;
}

function patternOf(source: object): string {
  const pattern = regexpSource(source);
  if (pattern.length > MAX_PATTERN) throw new Refusal("the pattern is too long");
  return pattern;
}

function flagsOf(source: object): string {
  let flags = "";
  for (let i = 0; i < flagGetters.length; i++) {
    if ((flagGetters[i] as (self: unknown) => boolean)(source)) flags += flagLetters[i];
  }
  return flags;
}

function mapItems(map: object): unknown[] {
  const items = new bareArray<unknown>();
  let count = 0;
  apply(mapForEach, map, [(value: unknown, key: unknown) => {
    items[count++] = key;
    items[count++] = value;
  }]);
  return items;
}

function setItems(set: object): unknown[] {
  const items = new bareArray<unknown>();
  let count = 0;
  apply(setForEach, set, [(value: unknown) => {
    items[count++] = value;
  }]);
  return items;
}

function bytesOf(buffer: ArrayBuffer, offset: number, length: number): string {
  if (length > (MAX_LENGTH / 4) * 3) throw new Refusal("it has too many bytes");
  return toBase64(new Bytes(buffer, offset, length), length);
}

function readError(copying: Copying, special: Special, error: Bare): void {
  copying.key = "name";
  const name = textOf(error.name, "Error");
  copying.key = "message";
  const message = error.message;
  const keep = (message !== undefined && message !== "") || hasOwn(error, "message");
  special.content = { name, message: keep ? textOf(message, "") : undefined } satisfies ErrorTexts;
  const links = special.links = new bareRecord();
  if (hasOwn(error, "cause")) {
    copying.key = "cause";
    links.cause = take(copying, error.cause);
  }
  // An enumerable `errors` is somebody's own property; that of an AggregateError is not.
  const errors = descriptorOf(error, "errors");
  if (errors !== undefined && errors.enumerable !== true && "value" in errors) {
    copying.key = "errors";
    links.errors = take(copying, errors.value);
  }
  const own = special.own = new bareRecord();
  const keys = keysOf(error);
  countEntries(copying, keys.length);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    if (isErrorField(key)) continue;
    const property = descriptorOf(error, key);
    copying.key = key;
    if (property !== undefined && "value" in property) own[key] = take(copying, property.value);
  }
}

/** Whether `key` is one of the properties of an error that are not carried as its own. */
export function isErrorField(key: string): boolean {
  return key === "name" || key === "message" || key === "cause" || key === "stack";
}

function textOf(value: unknown, otherwise: string): string {
  if (typeof value === "string") return value;
  return value === undefined ? otherwise : toText(value);
}
