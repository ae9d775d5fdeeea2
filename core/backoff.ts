/**
 * How long a step waits before it is tried again.
 */

/** How the wait grows with the attempts: not at all, by the delay each time, or doubling. */
export type Backoff = "constant" | "linear" | "exponential";

/** What {@link retryDelay} needs of a step's retry configuration. */
export interface RetryDelayConfig {
  /** The wait after the first attempt, in milliseconds, ≥ 0. */
  readonly delay: number;
  /** How the wait grows. */
  readonly backoff: Backoff;
}

/** The longest wait between two attempts: 365 days, in milliseconds. */
export const MAX_RETRY_DELAY: number = 365 * 24 * 60 * 60 * 1000;

const ceil = Math.ceil;
const min = Math.min;

/**
 * The wait in milliseconds after `attempt` attempts (1 after the first), before the next one.
 *
 * With `d` for the delay and `n` for the attempts so far: constant `d`, linear `d·n`, exponential `d·2^(n−1)`, as at Cloudflare;
 * never more than {@link MAX_RETRY_DELAY}. A whole number (rounded up) ≥ 0, whatever the numbers given.
 */
export function retryDelay(config: RetryDelayConfig, attempt: number): number {
  const { delay, backoff } = config;
  // Written so that NaN counts as none. Without this 0 · 2^1024 would be NaN.
  if (!(delay > 0)) return 0;
  const n = attempt >= 1 ? attempt : 1;
  switch (backoff) {
    case "constant":
      return ceil(min(delay, MAX_RETRY_DELAY));
    case "linear":
      return ceil(min(delay * n, MAX_RETRY_DELAY));
    case "exponential":
      return ceil(min(delay * 2 ** (n - 1), MAX_RETRY_DELAY));
    default:
      return backoff satisfies never;
  }
}
