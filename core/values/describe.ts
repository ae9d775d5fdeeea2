/** What a host keeps of an error beside its encoded value: its name and its message, as text. */

import { cutToBytes } from "../utf8.ts";
import { errorClasses } from "./classes.ts";
import { encode } from "./encode.ts";
import { defineData, sliceText, toText } from "./intrinsics.ts";

/** An error in words. */
export interface ErrorDescription {
  /** The error's name: `"TypeError"`; `"Error"` when it has none. At most 128 UTF-8 bytes. */
  readonly name: string;
  /** The error's message. At most 4,096 UTF-8 bytes. */
  readonly message: string;
}

const MAX_NAME_BYTES = 128;
const MAX_MESSAGE_BYTES = 4096;

/**
 * Puts whatever was thrown into words.
 *
 * Total: never throws, whatever the getters and proxies in it do, and anything can be thrown. What is not an error gets the
 * name `"Error"` and its text, JSON for a plain object, as message. Texts are cut to 128 and 4,096 UTF-8 bytes.
 */
export function describeError(error: unknown): ErrorDescription {
  if (typeof error !== "object" || error === null) return { name: "Error", message: messageText(error) };
  const name = textField(error, "name");
  const message = textField(error, "message");
  return {
    name: name === undefined || name === "" ? "Error" : cutToBytes(name, MAX_NAME_BYTES),
    message: message !== undefined ? cutToBytes(message, MAX_MESSAGE_BYTES) : name !== undefined ? "" : json(error),
  };
}

/**
 * Writes whatever was thrown as text that `decode` reads.
 *
 * Total, unlike `encode`: an error that carries something that cannot be stored (a request, a socket) keeps its name and its
 * message and loses the rest, so that what happened is never hidden by what hung on it.
 */
export function encodeThrown(thrown: unknown): string {
  try {
    return encode(thrown, { root: "error" });
  } catch {
    const { name, message } = describeError(thrown);
    const error = (errorClasses.Error as () => Error)();
    defineData(error, "name", name, false);
    defineData(error, "message", message, false);
    return encode(error);
  }
}
function textField(holder: object, key: "name" | "message"): string | undefined {
  try {
    const value = (holder as Record<string, unknown>)[key];
    return value === undefined ? undefined : toText(value);
  } catch {
    return undefined;
  }
}

function messageText(thrown: unknown): string {
  try {
    return cutToBytes(toText(thrown), MAX_MESSAGE_BYTES);
  } catch {
    return "";
  }
}

function json(thrown: object): string {
  try {
    const text = encode(thrown);
    if (text[0] === "j") return cutToBytes(sliceText(text, 1), MAX_MESSAGE_BYTES);
  } catch {
    // Then it is told by its kind alone.
  }
  return messageText(thrown);
}
