/**
 * How a guest in the host's realm comes to rest.
 *
 * @module
 */

/** Runs something in a later macrotask. */
export type Defer = (run: () => void) => void;

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
