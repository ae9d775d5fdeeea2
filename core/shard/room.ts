/**
 * A bound on how many instances run at a time. What does not fit stays in the store, not in memory.
 *
 * @module
 */
import type { Room } from "./shard.ts";

/** Makes one. */
export function createRoom(size: number): Room {
  let inside = 0;
  let waiting: (() => void)[] = [];
  return {
    enter: () => void inside++,
    leave() {
      inside--;
      const woken = waiting;
      waiting = [];
      for (const go of woken) go();
    },
    full: () => inside >= size,
    async wait() {
      while (inside >= size) await new Promise<void>((go) => waiting.push(go));
    },
  };
}
