/**
 * How often an engine tries to open code that cannot be opened.
 *
 * @module
 */

import { TenureError } from "./errors.ts";

/** So many times in a row it may fail of itself: then the instance is parked, after about a quarter of an hour. */
export const MAX_OPENINGS = 20;

/** What a tenant hears of code that cannot be opened: why is the platform's to know. */
export const UNOPENED = "Cannot run the version: its guest could not be opened";

/** Whether code is not to be had: no trouble of the moment, so nobody tries again. */
export function isUnavailable(error: unknown): error is TenureError {
  return TenureError.is(error) && error.code === "code_unavailable";
}

const FIRST = 1_000;
const LONGEST = 60_000;

/** How long to wait after so many failures in a row, ms; 0: after trouble that is not the code's, nor its sandbox's. */
export function openingPause(failures: number): number {
  return Math.min(FIRST * 2 ** Math.max(0, failures - 1), LONGEST);
}

/** That a sandbox could not open a guest of code which is there: its `cause` says why. */
export class Unopened extends Error {
  override readonly name = "Unopened";

  /** Wraps what the sandbox has thrown. */
  constructor(cause: unknown) {
    super(UNOPENED, { cause });
  }
}
