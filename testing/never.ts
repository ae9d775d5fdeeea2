/**
 * What a process that is gone answers.
 *
 * @module
 */

/** A promise that is never settled: one of its own for whoever waits, since one for all would keep all of them in memory. */
export function never(): Promise<never> {
  return new Promise(() => {});
}
