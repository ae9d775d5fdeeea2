/**
 * How a guest in the host's realm comes to rest.
 *
 * @module
 */

/** Runs something in a later macrotask. */
export type Defer = (run: () => void) => void;

/**
 * Runs in one task all that is asked for until it begins: a task for each would cost more than most turns, and what
 * the guests of one task come to is to share a commit.
 */
export function inOneTask(defer: Defer): Defer {
  let waiting: (() => void)[] = [];
  const run = (): void => {
    const all = waiting;
    waiting = [];
    for (const each of all) each();
  };
  return (each) => {
    if (waiting.push(each) === 1) defer(run);
  };
}

/** `setImmediate` where there is one, else a message to oneself: both without the delay of a timer. */
export function defaultDefer(): Defer {
  const immediate = (globalThis as { setImmediate?: (run: () => void) => unknown }).setImmediate;
  if (typeof immediate === "function") return (run) => void immediate(run);
  const waiting: (() => void)[] = [];
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => waiting.shift()?.();
  return (run) => {
    waiting.push(run);
    port2.postMessage(0);
  };
}
