/**
 * One attempt at a body, as long as it runs in this guest: its time-out, its calls and timers, its abort.
 *
 * @module
 */
import type { AttemptResult } from "../instance/decide/step.ts";
import type { Clock } from "../ports/clock.ts";
import type { Written } from "./streams.ts";

/** Timers that one attempt may have at a time. */
const MAX_TIMERS = 1_000;

/** An attempt that runs. */
export class Attempt {
  readonly op: number;
  /** Its number, from 1. */
  readonly attempt: number;
  /** The guest's number of the `do`. */
  readonly id: number;
  /** When its time is over: of the clock's monotonic time, ms. */
  readonly deadline: number;
  /** Calls made so far: makes each call's idempotency key. */
  calls = 0;
  /** The stream that it has begun to return. */
  stream: Written | undefined = undefined;
  /** Its body has failed so, and its author is asked how long to wait. */
  readonly failed: AttemptResult | undefined;
  readonly #clock: Clock;
  // most attempts set no timer and make no call: what these need is made when one does
  #timers: Set<() => void> | undefined;
  #controller: AbortController | undefined;
  #closed: string | undefined;

  /** Begins one that may take `timeout` ms. */
  constructor(clock: Clock, of: { readonly op: number; readonly attempt: number; readonly id: number; readonly timeout: number; readonly failed?: AttemptResult }) {
    this.op = of.op;
    this.attempt = of.attempt;
    this.id = of.id;
    this.deadline = clock.monotonic() + of.timeout;
    this.failed = of.failed;
    this.#clock = clock;
  }

  /** Aborts with the attempt: for the calls it makes. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#closed !== undefined) this.#controller.abort(new Error(this.#closed));
    return this.#controller.signal;
  }

  /** Whether it is over. */
  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /** Starts a timer that ends with the attempt. */
  after(ms: number, run: () => void): void {
    const timers = this.#timers ??= new Set();
    if (this.#closed !== undefined || timers.size >= MAX_TIMERS) return;
    const cancel = this.#clock.setTimer(ms, () => {
      timers.delete(cancel);
      run();
    });
    timers.add(cancel);
  }

  /** The attempt is over: timers stop, calls are aborted. */
  close(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    for (const cancel of this.#timers ?? []) cancel();
    this.#timers = undefined;
    this.#controller?.abort(new Error(reason));
  }
}
