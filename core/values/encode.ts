/** Writes values. The formats are told apart by their first character; see table.ts for `x`. */

import { TOO_BIG } from "./copying.ts";
import { bigintDigits, stringify } from "./intrinsics.ts";
import { MAX_BIGINT_DIGITS, MAX_LENGTH } from "./limits.ts";
import { Refusal, toValueError } from "./refusal.ts";
import { takeSnapshot } from "./snapshot.ts";
import { writeTable } from "./write_table.ts";

/** Options of {@link encode}. */
export interface EncodeOptions {
  /**
   * What paths in errors begin with: a word for the value.
   *
   * @default "result"
   */
  readonly root?: string;
}

/**
 * Writes `value` as text that {@link decode} reads, on the host as in a guest.
 *
 * Carries what a structured clone carries: JSON's types, `undefined`, NaN, infinities, −0, bigints, dates, regular expressions
 * (`lastIndex` becomes 0), maps, sets, buffers and views (the bytes they see), errors, boxed primitives, holes, cycles and
 * shared references. An object without a prototype comes back as a plain one, a subclass of a built-in class as that class
 * (an error keeps its `name`, never its stack). Not carried: symbol keys, non-enumerable properties, and properties set on
 * anything but plain objects, errors and the arrays that `String.prototype.match` returns.
 *
 * The same value gives the same text. Every property is read once; `toJSON` means nothing. Nothing patched after this module
 * was loaded is used.
 *
 * @throws {ValueError} `not_serialisable`, with the path: functions, symbols, promises, instances of other classes, a getter
 * that throws, more than 200 containers within one another or a million entries
 */
export function encode(value: unknown, options?: EncodeOptions): string {
  switch (typeof value) {
    case "string":
      return checked("j" + stringify(value), options);
    case "boolean":
      return value ? "jtrue" : "jfalse";
    case "undefined":
      return "u";
    case "number":
      if (value - value === 0 && (value !== 0 || 1 / value > 0)) return "j" + value;
      return "x" + writeTable(value, undefined);
    case "object":
      return value === null ? "jnull" : checked(encodeObject(value, options), options);
    case "bigint":
      if (bigintDigits(value).length <= MAX_BIGINT_DIGITS) return "x" + writeTable(value, undefined);
      throw toValueError(new Refusal(TOO_BIG), rootOf(options));
    default:
      throw toValueError(new Refusal(`a ${typeof value} cannot be stored`), rootOf(options));
  }
}

function rootOf(options: EncodeOptions | undefined): string {
  return options?.root ?? "result";
}

function checked(text: string, options: EncodeOptions | undefined): string {
  if (text.length <= MAX_LENGTH) return text;
  throw toValueError(new Refusal(`its text has more than ${MAX_LENGTH} characters`), rootOf(options));
}

function encodeObject(value: object, options: EncodeOptions | undefined): string {
  const { copy, plain, odd } = takeSnapshot(value, rootOf(options));
  return plain ? "j" + stringify(copy) : "x" + writeTable(copy, odd);
}
