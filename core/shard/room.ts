/**
 * A bound on how many instances run at a time. What does not fit stays in the store, not in memory.
 *
 * @module
 */

/** Counts what is inside. */
export interface Room {
  enter(): void;
  leave(): void;
  full(): boolean;
  /** Resolves when it is not full. */
  wait(): Promise<void>;
}

/** Makes one of a size. */
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
