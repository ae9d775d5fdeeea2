/** Base64 (RFC 4648 §4, padded) for guests, which have neither `btoa` nor `Uint8Array.fromBase64`. */

import { charCodeAt, fromCharCode, join, bareArray } from "./intrinsics.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const Bytes = Uint8Array;
const codes: Uint8Array = new Bytes(64);
const values: Uint8Array = new Bytes(128);
for (let i = 0; i < 128; i++) values[i] = 255;
for (let i = 0; i < 64; i++) {
  const code = alphabet.charCodeAt(i);
  codes[i] = code;
  values[code] = i;
}
const PAD = 61;
// Long enough to spare the join, short enough for strings that grow by copying.
const CHUNK = 3 * 512;

/** The base64 of the first `length` bytes of `bytes`. */
export function toBase64(bytes: Uint8Array, length: number): string {
  const parts = bareArray<string>();
  const at = (i: number): number => codes[i] as number;
  let count = 0;
  let part = "";
  let i = 0;
  for (; i + 2 < length; i += 3) {
    const bits = ((bytes[i] as number) << 16) | ((bytes[i + 1] as number) << 8) | (bytes[i + 2] as number);
    part += fromCharCode(at(bits >> 18), at((bits >> 12) & 63), at((bits >> 6) & 63), at(bits & 63));
    if (i % CHUNK === CHUNK - 3) {
      parts[count++] = part;
      part = "";
    }
  }
  if (i + 1 === length) {
    const bits = bytes[i] as number;
    part += fromCharCode(at(bits >> 2), at((bits << 4) & 63), PAD, PAD);
  } else if (i + 2 === length) {
    const bits = ((bytes[i] as number) << 8) | (bytes[i + 1] as number);
    part += fromCharCode(at(bits >> 10), at((bits >> 4) & 63), at((bits << 2) & 63), PAD);
  }
  parts[count] = part;
  return join(parts, "");
}

/** The number of bytes that well-formed base64 stands for; `undefined` when the length or the padding is wrong. */
export function base64Length(text: string): number | undefined {
  const length = text.length;
  if (length % 4 !== 0) return undefined;
  if (length === 0) return 0;
  const padding = text[length - 1] !== "=" ? 0 : text[length - 2] !== "=" ? 1 : 2;
  return (length / 4) * 3 - padding;
}

/** Writes what `text` stands for into `target`, which has exactly {@link base64Length} bytes; `false` when it is not base64. */
export function fromBase64(text: string, target: Uint8Array, length: number): boolean {
  let out = 0;
  let bits = 0;
  let held = 0;
  const digits = text.length - (length % 3 === 0 ? 0 : 3 - (length % 3));
  for (let i = 0; i < digits; i++) {
    const code = charCodeAt(text, i);
    const value = code < 128 ? (values[code] as number) : 255;
    if (value === 255) return false;
    bits = ((bits << 6) | value) & 0xfff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      target[out++] = (bits >> held) & 255;
    }
  }
  // One value, one text: the bits that pad the last digit are zero.
  return (bits & ((1 << held) - 1)) === 0;
}
