/**
 * How long an instance that has ended is kept.
 *
 * @module
 */
import { type Duration, parseDuration } from "./duration.ts";
import { quote, TenureError } from "./errors.ts";

/** As it is asked for: one duration, or one for each end. At most `limits.retention` of the tenant, which is also the default. */
export type RetentionOptions = Duration | {
  /** Of one that has completed. */
  readonly successRetention?: Duration;
  /** Of one that has failed, or was terminated. */
  readonly errorRetention?: Duration;
};

/** As it is recorded, ms. */
export interface Retention {
  readonly success?: number;
  readonly error?: number;
}

/** Reads it. @throws {TenureError} `invalid_argument` */
export function readRetention(options: RetentionOptions): Retention {
  if (typeof options !== "object" || options === null) {
    const both = read(options);
    return { success: both, error: both };
  }
  const { successRetention, errorRetention } = options;
  return {
    ...(successRetention !== undefined && { success: read(successRetention) }),
    ...(errorRetention !== undefined && { error: read(errorRetention) }),
  };
}

function read(duration: Duration): number {
  try {
    return parseDuration(duration);
  } catch (cause) {
    throw new TenureError("invalid_argument", `Cannot create an instance: its retention ${quote(duration)} is no duration`, { cause });
  }
}

/** When an instance is forgotten, ms, or `null`: never. */
export function forgottenAt(ended: number, success: boolean, retention: Retention | undefined, limit: number): number | null {
  const at = ended + Math.min((success ? retention?.success : retention?.error) ?? limit, limit);
  return Number.isSafeInteger(at) && at < MAX_TIME ? at : null;
}

/** The last time there is, ms. */
const MAX_TIME = 8.64e15;
/**
 * What an instance that is to be forgotten has as its wake time: that, moved before all times. So what is to be
 * forgotten next is read from the index of wake times, and what runs and sleeps is not met there.
 */
const BEFORE = 2 ** 53 - 1;

/** A time as such a wake time. */
export function toForget(at: number | null): number | null {
  return at === null ? null : at - BEFORE;
}

/** Such a wake time as a time. */
export function forgetTime(wake: number | null): number | null {
  return wake === null || wake >= 0 ? null : wake + BEFORE;
}
