/**
 * Limits and their defaults. Bytes are encoded UTF-8 bytes, times are ms.
 *
 * What asks for too much at the API is refused with an error (`quota_exceeded`, or `too_large` for one value) and has
 * changed nothing; what a run does too much of fails that step, or the run, in a way that it can catch and that replay
 * meets again.
 *
 * @module
 */

/** What one tenant may use. */
export interface Limits {
  /** Steps (`step.do`) an instance may have in one life. Further ones are refused, recorded as such. */
  readonly steps: number;
  /** Longest sleep, and longest time-out of a wait, ms. */
  readonly sleep: number;
  /** Bytes of an instance's params, and of all those of one batch together. */
  readonly paramsBytes: number;
  /** Bytes of a step's result, and of a run's. */
  readonly resultBytes: number;
  /** Bytes of a stream that a step returns. They count to {@linkcode Limits.journalBytes}, too. */
  readonly streamBytes: number;
  /** Bytes of the state that a run publishes. */
  readonly stateBytes: number;
  /** Bytes of an event's payload. */
  readonly eventBytes: number;
  /**
   * Bytes of a whole journal, and of the streams that its steps returned. What would make it larger is refused: a command, another attempt, a result, an event, a
   * pause; the run's own end always fits.
   */
  readonly journalBytes: number;
  /** Events that may wait in an instance. Further ones are refused (`quota_exceeded`) until some are received. */
  readonly bufferedEvents: number;
  /**
   * Deaths without progress that an instance is run again after: of its guest, of the process. The next one parks it
   * (`paused`, `crash_limit`).
   */
  readonly crashes: number;
  /** Instances that have not ended. Counted durably, in the commits that begin and end them; further creations are refused (`quota_exceeded`). */
  readonly instances: number;
  /** Schedules, of all workflows. */
  readonly schedules: number;
  /** Instances that run at one time; further ones are `queued`. */
  readonly concurrency: number;
  /** Of those, instances of one workflow. */
  readonly workflowConcurrency: number;
  /**
   * Creations a second, and as many at once; a restart is one, each instance of a batch is one. Further ones are refused
   * (`quota_exceeded`). Counted by the owner, in memory: a takeover begins anew.
   */
  readonly createsPerSecond: number;
  /**
   * How long an instance that has ended is kept, ms, unless it was created to be kept for less; then it is forgotten, and
   * its id is free. `Infinity`: for ever. What has ended before a change is kept as it was to be.
   */
  readonly retention: number;
  /** Memory of one guest. */
  readonly memoryBytes: number;
  /** Stack of one guest. */
  readonly stackBytes: number;
  /** Fuel of one turn, where metered. */
  readonly fuelPerTurn: number;
  /** CPU time of one turn, where not metered, ms. */
  readonly cpuMs: number;
  /** Bytes of a deployed version. */
  readonly codeBytes: number;
  /** Modules of a deployed version. */
  readonly modules: number;
  /**
   * Bytes of logs that are shown of one run, a line break each included; then one line says that there are no more. What
   * step bodies say counts from when the run was last woken.
   */
  readonly logBytes: number;
  /** Binding calls of the run itself, and of each attempt at a step. */
  readonly subrequests: number;
}

const MiB = 2 ** 20;

/** The defaults: Cloudflare's where it has one. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  steps: 10_000,
  sleep: 365 * 86_400_000,
  paramsBytes: MiB,
  resultBytes: MiB,
  streamBytes: 64 * MiB,
  stateBytes: 64 * 1024,
  eventBytes: MiB,
  journalBytes: 256 * MiB,
  bufferedEvents: 1_000,
  crashes: 5,
  instances: 100_000,
  schedules: 100,
  concurrency: 1_000,
  workflowConcurrency: 1_000,
  createsPerSecond: 300,
  retention: 30 * 86_400_000,
  memoryBytes: 32 * MiB,
  stackBytes: 64 * 1024,
  fuelPerTurn: 20_000_000,
  cpuMs: 30_000,
  codeBytes: 10 * MiB,
  modules: 1_000,
  logBytes: MiB,
  subrequests: 10_000,
});
