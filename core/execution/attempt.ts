/**
 * One attempt at a body, as long as it runs in this guest: its time-out, its calls and timers, its abort.
 *
 * @module
 */
import type { Clock } from "../ports/clock.ts";

/** An attempt that runs. */
export interface Attempt {
  readonly op: number;
  readonly attempt: number;
  /** The guest's number of the `do`. */
  readonly id: number;
  /** Aborts with the attempt: for the calls it makes. */
  readonly signal: AbortSignal;
  /** Calls made so far: makes each call's idempotency key. */
  calls: number;
  /** Starts a timer that ends with the attempt. */
  after(ms: number, run: () => void): void;
  /** The attempt is over: timers stop, calls are aborted. */
  close(reason: string): void;
}

/** Timers that one attempt may have at a time. */
const MAX_TIMERS = 1_000;

/** Begins one; `timedOut` is called when `timeout` ms have passed. */
export function beginAttempt(
  clock: Clock,
  of: { readonly op: number; readonly attempt: number; readonly id: number; readonly timeout: number },
  timedOut: () => void,
): Attempt {
  const timers = new Set<() => void>();
  let controller: AbortController | undefined;
  let closed: string | undefined;
  const stopTimeout = clock.setTimer(of.timeout, timedOut);
  return {
    op: of.op,
    attempt: of.attempt,
    id: of.id,
    calls: 0,
    // most attempts make no call: the controller is made when one asks
    get signal() {
      controller ??= new AbortController();
      if (closed !== undefined) controller.abort(new Error(closed));
      return controller.signal;
    },
    after(ms, run) {
      if (closed !== undefined || timers.size >= MAX_TIMERS) return;
      const cancel = clock.setTimer(ms, () => {
        timers.delete(cancel);
        run();
      });
      timers.add(cancel);
    },
    close(reason) {
      if (closed !== undefined) return;
      closed = reason;
      stopTimeout();
      for (const cancel of timers) cancel();
      timers.clear();
      controller?.abort(new Error(reason));
    },
  };
}
