/** Reads the objects that JSON has no word for. Each leaves in `visit.content` what the writer needs; nothing in it can run. */

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
import { bufferLength, dateTime, regexpSource, typedArrayName, unbox } from "./brands.ts";
import { MAX_LENGTH, MAX_PATTERN } from "./limits.ts";
import { pathOf } from "./path.ts";
import { countEntries, located, refuse, take } from "./snapshot.ts";
import type { Snapshot, Visit } from "./snapshot.ts";
import { typedArrayClasses } from "./classes.ts";

/** What is kept of an error. Its stack is not: it names files of whoever made it, and differs between engines. */
export interface ErrorContent {
  name: string;
  message: string | undefined;
  /** `cause` and `errors`, when the error has them. */
  links: Bare;
  /** Its own enumerable data properties. */
  own: Bare;
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
const flagGetters = bareArray<(self: unknown) => boolean>();
const flagLetters = "dgimsuvy";
const flagNames = "hasIndices global ignoreCase multiline dotAll unicode unicodeSets sticky".split(" ");
for (let i = 0; i < flagNames.length; i++) {
  const name = flagNames[i] as string;
  flagGetters[i] = name in RegExp.prototype ? uncurryGetter(RegExp.prototype, name) : () => false;
}

/** Reads the object visited, which is neither a plain object nor an array. @throws {ValueError} when it cannot be stored */
export function readSpecial(snapshot: Snapshot, visit: Visit): void {
  let key: string | number | undefined;
  try {
    const source = visit.source;
    switch (visit.kind) {
      case "map":
      case "set": {
        const raw = visit.kind === "map" ? mapItems(source) : setItems(source);
        countEntries(snapshot, raw.length, visit);
        const items = visit.content as unknown[];
        for (let i = 0; i < raw.length; i++) {
          key = i;
          items[i] = take(snapshot, raw[i], visit, i);
        }
        break;
      }
      case "date":
        visit.content = dateTime(source);
        break;
      case "regexp": {
        const pattern = regexpSource(source);
        if (pattern.length > MAX_PATTERN) refuse(pathOf(snapshot.root, visit, undefined), "the pattern is too long");
        let flags = "";
        for (let i = 0; i < flagLetters.length; i++) {
          if ((flagGetters[i] as (self: unknown) => boolean)(source)) flags += flagLetters[i];
        }
        visit.content = bareArray();
        (visit.content as string[])[0] = pattern;
        (visit.content as string[])[1] = flags;
        break;
      }
      case "buffer":
        visit.content = bytesOf(snapshot, visit, source as ArrayBuffer, 0, bufferLength(source));
        break;
      case "view":
        visit.content = bytesOf(snapshot, visit, viewBuffer(source), viewOffset(source), viewLength(source));
        break;
      case "typed": {
        const name = typedArrayName(source) as string;
        if (!(name in typedArrayClasses)) refuse(pathOf(snapshot.root, visit, undefined), `${name} is not known`);
        const content = visit.content as string[];
        content[0] = name;
        content[1] = bytesOf(snapshot, visit, typedBuffer(source), typedOffset(source), typedLength(source));
        break;
      }
      case "boxed":
        (visit.content as unknown[])[0] = take(snapshot, unbox(source), visit, "valueOf()");
        break;
      case "error":
        visit.content = readError(snapshot, visit, source as Bare, (name) => key = name);
        break;
    }
  } catch (error) {
    throw located(snapshot, visit, key, error);
  }
}

function mapItems(map: object): unknown[] {
  const items = bareArray<unknown>();
  let count = 0;
  apply(mapForEach, map, [(value: unknown, key: unknown) => {
    items[count++] = key;
    items[count++] = value;
  }]);
  return items;
}

function setItems(set: object): unknown[] {
  const items = bareArray<unknown>();
  let count = 0;
  apply(setForEach, set, [(value: unknown) => {
    items[count++] = value;
  }]);
  return items;
}

function bytesOf(snapshot: Snapshot, visit: Visit, buffer: ArrayBuffer, offset: number, length: number): string {
  if (length > (MAX_LENGTH / 4) * 3) refuse(pathOf(snapshot.root, visit, undefined), "it has too many bytes");
  return toBase64(new Bytes(buffer, offset, length), length);
}

function readError(snapshot: Snapshot, visit: Visit, error: Bare, at: (key: string) => void): ErrorContent {
  at("name");
  const name = textOf(error.name, "Error");
  at("message");
  const message = error.message;
  const links = new bareRecord();
  const own = new bareRecord();
  if (hasOwn(error, "cause")) {
    at("cause");
    links.cause = take(snapshot, error.cause, visit, "cause");
  }
  const errors = descriptorOf(error, "errors");
  // An enumerable `errors` is somebody's own property; that of an AggregateError is not.
  if (errors !== undefined && errors.enumerable !== true && "value" in errors) {
    at("errors");
    links.errors = take(snapshot, errors.value, visit, "errors");
  }
  const keys = keysOf(error);
  countEntries(snapshot, keys.length, visit);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    at(key);
    if (isErrorField(key)) continue;
    const property = descriptorOf(error, key);
    if (property !== undefined && "value" in property) own[key] = take(snapshot, property.value, visit, key);
  }
  const keep = hasOwn(error, "message") || (message !== undefined && message !== "");
  return { name, message: keep ? textOf(message, "") : undefined, links, own };
}

/** Whether `key` is one of the properties of an error that are not carried as its own. */
export function isErrorField(key: string): boolean {
  return key === "name" || key === "message" || key === "cause" || key === "stack";
}

function textOf(value: unknown, otherwise: string): string {
  if (typeof value === "string") return value;
  return value === undefined ? otherwise : toText(value);
}
