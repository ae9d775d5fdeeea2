/**
 * The Clock port: the only source of time, waiting and chance that the core uses, so that a test or a Durable
 * Object can bring its own.
 *
 * @module
 */

/** Time, timers and chance. */
export interface Clock {
  /** Wall time, ms since the epoch. May jump; never trusted for safety. */
  now(): number;
  /** Time that only goes forward, ms (may be fractional): for measuring and for leases. */
  monotonic(): number;
  /** Calls `run` once, `ms` or more later; any `ms` is allowed (a platform's 2^31 limit is the clock's to hide). Returns its canceller. */
  setTimer(ms: number, run: () => void): () => void;
  /** Calls `run` as a task of its own, when all jobs (promise reactions) queued so far have run. */
  defer(run: () => void): void;
  /** A random UUID. */
  uuid(): string;
}
