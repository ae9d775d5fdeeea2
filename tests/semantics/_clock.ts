/**
 * Time that stands still until a test moves it.
 *
 * A jump fires each due timer once, in the order of their due times, with the clock at the end of the jump: a machine
 * that was asleep. So a jump of a month costs no more than one of a second, whatever polls meanwhile.
 */
import type { Clock } from "../../core/ports/clock.ts";

interface Timer {
  readonly due: number;
  readonly run: () => void;
}

/** A clock and its hands. */
export interface TestClock {
  now(): number;
  /** Moves the time on and fires what is due. */
  jump(ms: number): void;
  /** The clock as one process sees it, until it is stopped: nothing fires there any more. */
  process(): { readonly clock: Clock; stop(): void };
  /** Tasks that were deferred and have not begun. */
  deferred(): number;
}

/** The time at which all tests begin. */
export const START: number = Date.UTC(2026, 10, 23, 12);

/** Makes one. */
export function testClock(): TestClock {
  const timers = new Set<Timer>();
  let now = START;
  let deferred = 0;

  function fire(): void {
    const due = [...timers].filter((timer) => timer.due <= now).sort((a, b) => a.due - b.due);
    for (const timer of due) if (timers.delete(timer)) timer.run();
  }

  return {
    now: () => now,
    jump(ms) {
      now += ms;
      fire();
    },
    process() {
      let stopped = false;
      const own = new Set<Timer>();
      const clock: Clock = {
        now: () => now,
        monotonic: () => now,
        setTimer(ms, run) {
          const timer = { due: now + ms, run: () => stopped || run() };
          timers.add(timer);
          own.add(timer);
          return () => void timers.delete(timer);
        },
        defer(run) {
          deferred++;
          setImmediate(() => {
            deferred--;
            if (!stopped) run();
          });
        },
        uuid: () => crypto.randomUUID(),
      };
      return {
        clock,
        stop() {
          stopped = true;
          for (const timer of own) timers.delete(timer);
        },
      };
    },
    deferred: () => deferred,
  };
}
