/**
 * What `console` writes: cheap, bounded, and total whatever the values do.
 *
 * @module
 */
import { cutToBytes } from "../../../core/utf8.ts";
import { apply, descriptorOf, hasOwn, isArray, keysOf, safeMap, type SafeMap, timeOf } from "./intrinsics.ts";

/** Most UTF-8 bytes of one line of a log. */
export const MAX_LOG_BYTES = 8192;

const MAX_DEPTH = 3;
const MAX_ITEMS = 50;
const { stringify } = JSON;
const toText = String;
const getPrototypeOf = Object.getPrototypeOf;
const toISOString = Date.prototype.toISOString;
const { includes, replaceAll, startsWith } = String.prototype;
const regexpText = RegExp.prototype.toString;
const mapEach = Map.prototype.forEach;
const setEach = Set.prototype.forEach;
const isView = ArrayBuffer.isView;
const hasInstance = Function.prototype[Symbol.hasInstance];
const Classes = { Error, Map, Promise, RegExp, Set };

interface Budget {
  /** Characters left. */
  left: number;
  readonly seen: SafeMap<object, true>;
}

/** One line of a log. */
export function formatLog(values: readonly unknown[]): string {
  const budget: Budget = { left: MAX_LOG_BYTES, seen: new safeMap() };
  let text = "";
  for (let i = 0; i < values.length && text.length <= MAX_LOG_BYTES; i++) {
    if (i > 0) text += " ";
    const value = values[i];
    text += typeof value === "string" ? value : inspect(value, 0, budget);
  }
  // In a VM written in C a text ends at its first NUL.
  if (apply(includes, text, ["\0"])) text = apply(replaceAll, text, ["\0", "\u2400"]);
  return cutToBytes(text, MAX_LOG_BYTES);
}

function inspect(value: unknown, depth: number, budget: Budget): string {
  let text: string;
  try {
    text = typeof value === "object" && value !== null ? inspectObject(value, depth, budget) : primitive(value);
  } catch {
    // A getter or a proxy that refuses to be looked at.
    text = "[?]";
  }
  budget.left -= text.length;
  return text;
}

function primitive(value: unknown): string {
  switch (typeof value) {
    case "string":
      // Longer texts are cut before they are quoted: quoting may make six characters of one.
      return stringify(cutToBytes(value, MAX_LOG_BYTES));
    case "bigint":
      return toText(value) + "n";
    case "function": {
      const name = descriptorOf(value, "name")?.value;
      return typeof name === "string" && name !== "" ? `[Function: ${cutToBytes(name, 128)}]` : "[Function]";
    }
    case "number":
      return value === 0 && 1 / value < 0 ? "-0" : toText(value);
    default:
      return toText(value);
  }
}

function inspectObject(value: object, depth: number, budget: Budget): string {
  const time = timeOf(value);
  if (time !== undefined) return time === time ? apply(toISOString, value, []) as string : "Invalid Date";
  if (is(value, Classes.Error)) return errorText(value);
  if (is(value, Classes.RegExp)) return apply(regexpText, value, []) as string;
  if (is(value, Classes.Promise)) return "[Promise]";
  if (budget.seen.has(value)) return "[Circular]";
  if (depth >= MAX_DEPTH) return isArray(value) ? "[Array]" : "[Object]";
  budget.seen.set(value, true);
  const text = contents(value, depth, budget);
  budget.seen.delete(value);
  return text;
}

function contents(value: object, depth: number, budget: Budget): string {
  const parts = { text: "", count: 0, more: 0 };
  const add = (part: () => string): void => {
    if (parts.count === MAX_ITEMS || budget.left <= 0) {
      parts.more++;
      return;
    }
    parts.text += (parts.count++ === 0 ? "" : ", ") + part();
  };
  const item = (entry: unknown): string => inspect(entry, depth + 1, budget);
  const close = (open: string, end: string): string => {
    if (parts.more > 0) parts.text += `, … ${parts.more} more`;
    return open + parts.text + end;
  };
  if (isArray(value)) {
    const shown = value.length < MAX_ITEMS ? value.length : MAX_ITEMS;
    for (let i = 0; i < shown; i++) add(() => item(descriptorOf(value, i)?.value));
    parts.more += value.length - shown;
    return close("[", "]");
  }
  if (isView(value)) return `${nameOf(value)}(${value.byteLength} bytes)`;
  if (is(value, Classes.Map)) {
    apply(mapEach, value, [(entry: unknown, key: unknown) => add(() => `${item(key)} => ${item(entry)}`)]);
    return close("Map {", "}");
  }
  if (is(value, Classes.Set)) {
    apply(setEach, value, [(entry: unknown) => add(() => item(entry))]);
    return close("Set {", "}");
  }
  const keys = keysOf(value);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    add(() => {
      const descriptor = descriptorOf(value, key);
      // Nothing of a tenant's runs for a log.
      const shown = descriptor !== undefined && hasOwn(descriptor, "value") ? item(descriptor.value) : "[Getter]";
      return `${cutToBytes(key, 128)}: ${shown}`;
    });
  }
  const name = nameOf(value);
  return close(name === "Object" || name === "" ? "{" : `${name} {`, "}");
}

function errorText(error: object): string {
  const { stack, name, message } = error as { stack?: unknown; name?: unknown; message?: unknown };
  const head = `${toText(name)}: ${toText(message)}`;
  // QuickJS's stack has no first line of its own.
  if (typeof stack !== "string" || stack === "") return head;
  return cutToBytes(apply(startsWith, stack, [toText(name)]) ? stack : `${head}\n${stack}`, MAX_LOG_BYTES);
}

function nameOf(value: object): string {
  const prototype = getPrototypeOf(value) as object | null;
  const constructor = prototype === null ? undefined : descriptorOf(prototype, "constructor")?.value;
  const name = typeof constructor === "function" ? descriptorOf(constructor, "name")?.value : undefined;
  return typeof name === "string" ? cutToBytes(name, 128) : "";
}

function is(value: object, Class: unknown): boolean {
  return apply(hasInstance, Class as () => void, [value]) as boolean;
}
