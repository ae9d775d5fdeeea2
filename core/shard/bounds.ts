/**
 * How much an owner keeps in memory, and reads at a time. None of it changes what comes to happen: small ones let a
 * small world come to what takes thousands of instances otherwise.
 *
 * @module
 */

/** Bounds of one shard. */
export interface Bounds {
  /** Instances that are kept in memory although nothing runs in them. */
  readonly warm: number;
  /** Rows of what is due that are read at a time. */
  readonly page: number;
  /** Instances of one tenant that are remembered while they wait to run. */
  readonly remembered: number;
  /** Tenants of which versions and usage are remembered. */
  readonly tenants: number;
}

/** Those of every engine, unless it is told otherwise. */
export const USUAL_BOUNDS: Bounds = Object.freeze({ warm: 256, page: 256, remembered: 1_000, tenants: 10_000 });
