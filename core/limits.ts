/**
 * Limits and their defaults. Bytes are encoded UTF-8 bytes, times are ms.
 *
 * @module
 */

/** What one tenant may use. */
export interface Limits {
  /** Steps (`step.do`) an instance may have in one life. */
  readonly steps: number;
  /** Longest sleep, ms. */
  readonly sleep: number;
  /** Bytes of an instance's params. */
  readonly paramsBytes: number;
  /** Bytes of a step's result, and of a run's. */
  readonly resultBytes: number;
  /** Bytes of an event's payload. */
  readonly eventBytes: number;
  /** Bytes of a whole journal. */
  readonly journalBytes: number;
  /** Events that may wait in an instance. */
  readonly bufferedEvents: number;
  /** Process deaths without progress after which an instance is parked. */
  readonly crashes: number;
  /** Instances that have not ended. */
  readonly instances: number;
  /** Instances that run at one time. */
  readonly concurrency: number;
  /** Creations a second. */
  readonly createsPerSecond: number;
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
  /** Bytes of logs of one run. */
  readonly logBytes: number;
  /** Binding calls of one run. */
  readonly subrequests: number;
}

const MiB = 2 ** 20;

/** The defaults: Cloudflare's where it has one. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  steps: 10_000,
  sleep: 365 * 86_400_000,
  paramsBytes: MiB,
  resultBytes: MiB,
  eventBytes: MiB,
  journalBytes: 256 * MiB,
  bufferedEvents: 1_000,
  crashes: 5,
  instances: 100_000,
  concurrency: 1_000,
  createsPerSecond: 300,
  memoryBytes: 32 * MiB,
  stackBytes: 64 * 1024,
  fuelPerTurn: 20_000_000,
  cpuMs: 30_000,
  codeBytes: 10 * MiB,
  modules: 1_000,
  logBytes: MiB,
  subrequests: 10_000,
});
