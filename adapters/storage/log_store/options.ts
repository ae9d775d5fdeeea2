/**
 * What can be chosen of every log store, wherever its objects are.
 *
 * @module
 */

/** Options that all log stores have. */
export interface LogStoreOptions {
  /**
   * How many shards a new store gets; fixed at its creation.
   * @default what the store has, 1 for a new one
   */
  readonly shards?: number;
  /**
   * The clock of leases, ms since the epoch: the same one in all processes.
   * @default Date.now
   */
  readonly now?: () => number;
}
