/** Base64 (RFC 4648 §4, padded) for guests, which have neither `btoa` nor `Uint8Array.fromBase64`. */

import { apply, bareArray, charCodeAt, fromCharCode, join } from "./intrinsics.ts";

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
// As many arguments as a call certainly takes.
const CHUNK = 4096;

/** The base64 of the first `length` bytes of `bytes`. */
export function toBase64(bytes: Uint8Array, length: number): string {
  const parts = new bareArray<string>();
  let units = new bareArray<number>();
  let at = 0;
  for (let i = 0; i < length; i += 3) {
    const second = i + 1 < length ? (bytes[i + 1] as number) : 0;
    const third = i + 2 < length ? (bytes[i + 2] as number) : 0;
    const bits = ((bytes[i] as number) << 16) | (second << 8) | third;
    units[at++] = codes[bits >> 18] as number;
    units[at++] = codes[(bits >> 12) & 63] as number;
    units[at++] = i + 1 < length ? (codes[(bits >> 6) & 63] as number) : PAD;
    units[at++] = i + 2 < length ? (codes[bits & 63] as number) : PAD;
    if (at === CHUNK) {
      parts[parts.length] = apply(fromCharCode, undefined, units);
      units = new bareArray<number>();
      at = 0;
    }
  }
  parts[parts.length] = apply(fromCharCode, undefined, units);
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
