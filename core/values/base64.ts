/** Base64 (RFC 4648 §4, padded) for guests, which have neither `btoa` nor `Uint8Array.fromBase64`. */

import { apply, bareArray, charCodeAt, fromCharCode, join } from "./intrinsics.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const Bytes = Uint8Array;
const codes: Uint8Array = new Bytes(64);
const values: Int8Array = new Int8Array(128);
for (let i = 0; i < 128; i++) values[i] = -1;
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
  const whole = length - (length % 3);
  for (let i = 0; i < whole; i += 3) {
    const bits = ((bytes[i] as number) << 16) | ((bytes[i + 1] as number) << 8) | (bytes[i + 2] as number);
    units[at++] = codes[bits >> 18] as number;
    units[at++] = codes[(bits >> 12) & 63] as number;
    units[at++] = codes[(bits >> 6) & 63] as number;
    units[at++] = codes[bits & 63] as number;
    if (at === CHUNK) {
      parts[parts.length] = apply(fromCharCode, undefined, units);
      units = new bareArray<number>();
      at = 0;
    }
  }
  if (whole < length) {
    const second = whole + 1 < length ? (bytes[whole + 1] as number) : undefined;
    const bits = ((bytes[whole] as number) << 16) | ((second ?? 0) << 8);
    units[at++] = codes[bits >> 18] as number;
    units[at++] = codes[(bits >> 12) & 63] as number;
    units[at++] = second === undefined ? PAD : (codes[(bits >> 6) & 63] as number);
    units[at++] = PAD;
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
  const whole = length - (length % 3);
  let at = 0;
  let out = 0;
  for (; out < whole; at += 4, out += 3) {
    const bits = fourDigits(text, at);
    if (bits < 0) return false;
    target[out] = bits >> 16;
    target[out + 1] = (bits >> 8) & 255;
    target[out + 2] = bits & 255;
  }
  if (out === length) return true;
  const first = digit(text, at);
  const second = digit(text, at + 1);
  const third = out + 1 === length ? 0 : digit(text, at + 2);
  if ((first | second | third) < 0) return false;
  const bits = (first << 18) | (second << 12) | (third << 6);
  target[out] = bits >> 16;
  if (out + 1 < length) target[out + 1] = (bits >> 8) & 255;
  // One value, one text: the bits that pad the last digit are zero.
  return (out + 1 === length ? bits & 0xffff : bits & 0xff) === 0;
}

function digit(text: string, at: number): number {
  const code = charCodeAt(text, at);
  return code < 128 ? (values[code] as number) : -1;
}

function fourDigits(text: string, at: number): number {
  const first = charCodeAt(text, at);
  const second = charCodeAt(text, at + 1);
  const third = charCodeAt(text, at + 2);
  const fourth = charCodeAt(text, at + 3);
  if ((first | second | third | fourth) > 127) return -1;
  const a = values[first] as number;
  const b = values[second] as number;
  const c = values[third] as number;
  const d = values[fourth] as number;
  // What is no digit is −1, and so is anything joined with it.
  return (a << 18) | (b << 12) | (c << 6) | d;
}
