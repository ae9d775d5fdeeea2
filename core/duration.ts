/**
 * Durations as tenants write them: Cloudflare's `WorkflowSleepDuration`, read strictly.
 */

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;

const units: Readonly<Record<string, number>> = Object.freeze({
  __proto__: null,
  second: SECOND,
  minute: 60 * SECOND,
  hour: HOUR,
  day: DAY,
  week: 7 * DAY,
  month: 30 * DAY,
  year: 365.25 * DAY,
} as unknown as Record<string, number>);

/** A unit of time in a written duration. A month is 30 days, a year 365.25 days. */
export type DurationUnit = "second" | "minute" | "hour" | "day" | "week" | "month" | "year";

/** A span of time: a number of milliseconds, or text such as `"5 minutes"`, `"1 hour"` or `"1.5 days"`. */
export type Duration = number | `${number} ${DurationUnit}${"s" | ""}`;

/** Thrown by {@link parseDuration} when it is given something that is not a duration. */
export class DurationError extends TypeError {
  /** Stable: `"invalid_duration"`. */
  readonly code = "invalid_duration" as const;

  /** Makes the error for `given`, of which the message shows at most about 60 characters. */
  constructor(given: unknown) {
    super(
      `Cannot read the duration ${show(given)}: write a number of milliseconds or "<number> <unit>", such as "5 minutes"`,
    );
    this.name = "DurationError";
  }

  /** Whether `error` is a `DurationError`, also one of another copy of this module. */
  static is(error: unknown): error is DurationError {
    return error instanceof Error && (error as { code?: unknown }).code === "invalid_duration";
  }
}

// Digits, a dot, digits, one space, letters: no two parts can match the same character, so it is linear.
const grammar = /^([0-9]{1,20})(?:\.([0-9]{1,20}))? ([a-z]{3,7})$/;
const apply = Reflect.apply;
const exec = RegExp.prototype.exec;
const slice = String.prototype.slice;
const stringify = JSON.stringify;
const ceil = Math.ceil;
const toNumber = Number;
const toBigint = BigInt;
const MAX = Number.MAX_SAFE_INTEGER;
const LONGEST_TEXT = 64;

/**
 * The length of a duration in whole milliseconds, rounded up: a timer may be late, never early.
 *
 * Accepts a finite number ≥ 0 (milliseconds) or `"<number> <unit>"`, one space between, the number a plain decimal, the unit
 * one of {@link DurationUnit} with or without `s`. Nothing else: no sign, exponent, other spacing, capitals or further units.
 * The result is a safe integer ≥ 0; how long a sleep may be is for `limits.sleep` to say.
 *
 * @throws {DurationError} when `duration` is anything else, or too long for a safe integer
 */
export function parseDuration(duration: number | string): number {
  const given: unknown = duration;
  if (typeof given === "number") return wholeMs(given, given);
  if (typeof given !== "string" || given.length > LONGEST_TEXT) throw new DurationError(given);
  const match = apply(exec, grammar, [given]) as RegExpExecArray | null;
  if (match === null) throw new DurationError(given);
  const word = match[3] as string;
  const unit = units[word] ?? (word[word.length - 1] === "s" ? units[apply(slice, word, [0, -1])] : undefined);
  if (unit === undefined) throw new DurationError(given);
  const fraction = match[2] ?? "";
  // Exact: in floating point 0.07 minutes are 4200.000000000001 ms, which would be rounded up.
  const scale = 10n ** toBigint(fraction.length);
  return wholeMs(toNumber((toBigint(`${match[1]}${fraction}`) * toBigint(unit) + scale - 1n) / scale), given);
}

function wholeMs(ms: number, given: unknown): number {
  // Written so that NaN fails too.
  if (!(ms >= 0 && ms <= MAX)) throw new DurationError(given);
  // Adding 0 turns -0 into 0.
  return ceil(ms) + 0;
}

function show(given: unknown): string {
  switch (typeof given) {
    case "string":
      return given.length <= 60 ? stringify(given) : `${stringify(apply(slice, given, [0, 60]))}…`;
    case "number":
    case "boolean":
    case "undefined":
      return `${given}`;
    default:
      // Nothing of an object is read: it is a tenant's, and may answer with code.
      return given === null ? "null" : `of type ${typeof given}`;
  }
}
