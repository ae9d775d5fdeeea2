/**
 * `TextEncoder`, `TextDecoder` (UTF-8), `atob` and `btoa` for VMs that have none.
 *
 * @module
 */
import { byteLength } from "../../../core/utf8.ts";
import { toBase64 } from "../../../core/values/base64.ts";

const REPLACEMENT = 0xfffd;
const CHUNK = 4096;

/** `TextEncoder`. */
export class GuestTextEncoder {
  /** Always `utf-8`. */
  get encoding(): string {
    return "utf-8";
  }

  /** The bytes of a text; a lone surrogate becomes U+FFFD. */
  encode(text: string = ""): Uint8Array {
    const given = `${text}`;
    const bytes = new Uint8Array(byteLength(given));
    write(given, bytes);
    return bytes;
  }

  /** Writes as many whole characters as fit. */
  encodeInto(text: string, target: Uint8Array): { read: number; written: number } {
    return write(`${text}`, target);
  }
}

function write(text: string, target: Uint8Array): { read: number; written: number } {
  let written = 0;
  let read = 0;
  while (read < text.length) {
    let point = text.codePointAt(read) as number;
    const units = point > 0xffff ? 2 : 1;
    if (point >= 0xd800 && point <= 0xdfff) point = REPLACEMENT;
    const length = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (written + length > target.length) break;
    if (length === 1) target[written] = point;
    else {
      for (let i = length - 1; i > 0; i--, point >>= 6) target[written + i] = 0x80 | (point & 0x3f);
      target[written] = (length === 2 ? 0xc0 : length === 3 ? 0xe0 : 0xf0) | point;
    }
    written += length;
    read += units;
  }
  return { read, written };
}

/** Options of {@linkcode GuestTextDecoder}. */
export interface TextDecoderOptions {
  readonly fatal?: boolean;
  readonly ignoreBOM?: boolean;
}

/** `TextDecoder` of UTF-8, whole texts only. */
export class GuestTextDecoder {
  /** Always `utf-8`. */
  get encoding(): string {
    return "utf-8";
  }
  /** Whether bytes that are no UTF-8 throw. */
  readonly fatal: boolean;
  /** Whether a byte order mark stays in the text. */
  readonly ignoreBOM: boolean;

  /** Makes one. */
  constructor(label: string = "utf-8", options: TextDecoderOptions = {}) {
    if (!/^\s*(unicode-1-1-utf-8|unicode11utf8|unicode20utf8|utf-?8|x-unicode20utf8)\s*$/i.test(`${label}`)) {
      throw new RangeError(`Cannot decode "${label}": only utf-8 is supported`);
    }
    this.fatal = options.fatal === true;
    this.ignoreBOM = options.ignoreBOM === true;
  }

  /** The text of some bytes. */
  decode(input?: ArrayBuffer | ArrayBufferView, options: { readonly stream?: boolean } = {}): string {
    if (options.stream === true) throw new TypeError("Cannot decode a stream: only whole texts are supported");
    if (input === undefined) return "";
    const bytes = ArrayBuffer.isView(input)
      ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
      : new Uint8Array(input);
    const start = !this.ignoreBOM && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    return read(bytes, start, this.fatal);
  }
}

function read(bytes: Uint8Array, start: number, fatal: boolean): string {
  let text = "";
  let units: number[] = [];
  const put = (point: number): void => {
    if (point > 0xffff) units.push(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff));
    else units.push(point);
    if (units.length >= CHUNK) {
      text += String.fromCharCode.apply(null, units);
      units = [];
    }
  };
  for (let i = start; i < bytes.length;) {
    const first = bytes[i++] as number;
    if (first < 0x80) {
      put(first);
      continue;
    }
    // The bounds of the second byte rule out overlong forms, surrogates and what lies beyond Unicode.
    const more = first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : 0;
    let low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    let high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    let point = more === 0 ? REPLACEMENT : first & (0x3f >> more);
    let left = more;
    for (; left > 0; left--) {
      const next = bytes[i];
      if (next === undefined || next < low || next > high) break;
      point = (point << 6) | (next & 0x3f);
      low = 0x80;
      high = 0xbf;
      i++;
    }
    if (more === 0 || left > 0) {
      if (fatal) throw new TypeError("Cannot decode the bytes: they are not valid utf-8");
      point = REPLACEMENT;
    }
    put(point);
  }
  return text + String.fromCharCode.apply(null, units);
}

/** `btoa`. */
export function btoa(text: string): string {
  const given = `${text}`;
  const bytes = new Uint8Array(given.length);
  for (let i = 0; i < given.length; i++) {
    const unit = given.charCodeAt(i);
    if (unit > 255) throw invalid("Cannot encode the text: it has characters beyond Latin1");
    bytes[i] = unit;
  }
  return toBase64(bytes, bytes.length);
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** `atob`. */
export function atob(text: string): string {
  let given = `${text}`.replace(/[\t\n\f\r ]+/g, "");
  if (given.length % 4 === 0) given = given.replace(/==?$/, "");
  if (given.length % 4 === 1) throw invalid("Cannot decode the text: it is not base64");
  let result = "";
  let bits = 0;
  let held = 0;
  for (let i = 0; i < given.length; i++) {
    const value = DIGITS.indexOf(given[i] as string);
    if (value < 0) throw invalid("Cannot decode the text: it is not base64");
    bits = ((bits << 6) | value) & 0xfff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    result += String.fromCharCode((bits >> held) & 255);
  }
  return result;
}

function invalid(message: string): Error {
  const error = new Error(message);
  error.name = "InvalidCharacterError";
  return error;
}
