/**
 * The Cron port: when a cron expression is due. The core has schedules and no calendar.
 *
 * @module
 */

/** Computes due times, ms since the epoch. Pure: the same question has the same answer in every process. */
export interface Cron {
  /**
   * Why an expression, or a time zone, cannot be used: the end of a sentence. `undefined`: it can, and comes due.
   *
   * @param cron five fields
   * @param timeZone an IANA name
   */
  refuse(cron: string, timeZone: string): string | undefined;
  /** The first due time after `at`, or `null` when there is none. */
  after(cron: string, timeZone: string, at: number): number | null;
  /** The last due time up to and including `at`, or `null` when there is none. */
  latest(cron: string, timeZone: string, at: number): number | null;
}
