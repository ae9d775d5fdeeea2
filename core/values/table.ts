/**
 * The table format, version 1: what stands in it, shared by writer and reader.
 *
 * `x[slot, tag, payload, tag, payload, …]`: JSON. The first slot is the value; the pairs are its objects, numbered from 0 in the
 * order in which a breadth-first walk meets them. A slot is a string, a finite number, a boolean or null, standing for itself,
 * or an array of one: a number ≥ 0 refers to an object, a negative one is a constant, a text is a bigint in hexadecimal.
 */

import type { SpecialKind } from "./brands.ts";

/** `undefined`. */
export const UNDEFINED = -1;
/** `NaN`. */
export const NOT_A_NUMBER = -2;
/** `Infinity`. */
export const INFINITE = -3;
/** `-Infinity`. */
export const MINUS_INFINITE = -4;
/** `-0`. */
export const MINUS_ZERO = -5;

/** `{ key: slot }` */
export const OBJECT = "o";
/** `[slot, …]` */
export const ARRAY = "a";
/** An array with holes or names: `[length, { name: slot }, index, slot, …]` */
export const SPARSE = "h";
/** `[key slot, value slot, …]` */
export const MAP = "m";
/** `[slot, …]` */
export const SET = "s";
/** Milliseconds since 1970, null when invalid. */
export const DATE = "d";
/** `[source, flags]` */
export const REGEXP = "r";
/** `{ name, message?, cause?: slot, errors?: slot, own?: { key: slot } }` */
export const ERROR = "e";
/** Base64 of an ArrayBuffer. */
export const BUFFER = "b";
/** Base64 of the bytes that a DataView sees. */
export const VIEW = "v";
/** `[class name, base64]` */
export const TYPED = "t";
/** The slot of a boxed primitive. */
export const BOXED = "p";

/** The tags of the objects that JSON has no word for. */
export const TAGS: Readonly<Record<SpecialKind, string>> = {
  map: MAP,
  set: SET,
  date: DATE,
  regexp: REGEXP,
  error: ERROR,
  buffer: BUFFER,
  view: VIEW,
  typed: TYPED,
  boxed: BOXED,
};
