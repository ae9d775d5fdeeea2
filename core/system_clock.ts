/**
 * The platform's own time, timers and chance, by Web APIs.
 *
 * @module
 */
import type { Clock } from "./ports/clock.ts";

/** The longest delay that a platform's timers hold: above it they fire at once. */
const MAX_DELAY = 2 ** 31 - 1;

type Later = (run: () => void) => unknown;

/** The clock that an engine uses unless it is given another. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    setTimer(ms, run) {
      const due = performance.now() + ms;
      let timer: ReturnType<typeof setTimeout>;
      const arm = (): void => {
        const left = due - performance.now();
        timer = setTimeout(() => (due - performance.now() > 1 ? arm() : run()), Math.max(0, Math.min(left, MAX_DELAY)));
      };
      arm();
      return () => clearTimeout(timer);
    },
    defer: task(),
    uuid: () => crypto.randomUUID(),
  };
}

/** Runs something as a task of its own: `setImmediate` where there is one, else a message to ourselves. */
function task(): (run: () => void) => void {
  const immediate = (globalThis as { setImmediate?: Later }).setImmediate;
  if (immediate !== undefined) return (run) => void immediate(run);
  const queue: (() => void)[] = [];
  const channel = new MessageChannel();
  channel.port1.onmessage = () => queue.shift()?.();
  return (run) => {
    queue.push(run);
    channel.port2.postMessage(null);
  };
}
