/**
 * The bound that an instance may bring along on how many like it run at one time.
 *
 * @module
 */
import { quote, TenureError } from "../errors.ts";
import type { Concurrency } from "../instance/records.ts";

/** Options of a creation that bound how many like it run at one time. */
export interface ConcurrencyOptions {
  /** How many of this workflow with this key may run when this one begins to. One that sleeps or waits for an event does not run. */
  readonly limit: number;
  /**
   * At most 256 characters.
   *
   * @default {""}
   */
  readonly key?: string;
}

/** @throws {TenureError} `invalid_argument` */
export function readConcurrency({ limit, key = "" }: ConcurrencyOptions): Concurrency {
  if (!Number.isSafeInteger(limit) || limit < 1 || typeof key !== "string" || key.length > 256) {
    const why = "a limit is an integer from 1, a key has at most 256 characters";
    throw new TenureError("invalid_argument", `Cannot use a concurrency limit of ${quote(limit)} with the key ${quote(key)}: ${why}`);
  }
  return { key, limit };
}
