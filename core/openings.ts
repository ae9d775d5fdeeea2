/**
 * How often an engine tries to open code that cannot be opened.
 *
 * @module
 */

/** So many times in a row it may fail of itself: then the instance is parked, after about a quarter of an hour. */
export const MAX_OPENINGS = 20;

/** What a tenant hears of code that cannot be opened: why is the platform's to know. */
export const UNOPENED = "Cannot run the version: its guest could not be opened";

const FIRST = 1_000;
const LONGEST = 60_000;

/** How long to wait after so many failures in a row, ms. */
export function openingPause(failures: number): number {
  return Math.min(FIRST * 2 ** (failures - 1), LONGEST);
}

/** That a sandbox could not open a guest of code which is there: its `cause` says why. */
export class Unopened extends Error {
  override readonly name = "Unopened";

  /** Wraps what the sandbox has thrown. */
  constructor(cause: unknown) {
    super(UNOPENED, { cause });
  }
}
