/**
 * A bound on how many instances run at a time in a process, of all its shards.
 *
 * @module
 */

/** Counts what is inside. */
export interface Room {
  enter(): void;
  /** Leaves; whoever waits for a place is told. */
  leave(): void;
  full(): boolean;
  /** Calls `pull` whenever there is a place; returns the end of it. */
  onFree(pull: () => void): () => void;
}

/** Makes one of a size. */
export function createRoom(size: number): Room {
  let inside = 0;
  /** In turn: who was told first is last next time. */
  let pulls: (() => void)[] = [];
  return {
    enter: () => void inside++,
    leave() {
      inside--;
      const [first, ...others] = pulls;
      if (first !== undefined && others.length > 0) pulls = [...others, first];
      for (const pull of pulls) {
        if (inside >= size) break;
        pull();
      }
    },
    full: () => inside >= size,
    onFree(pull) {
      pulls = [...pulls, pull];
      return () => void (pulls = pulls.filter((other) => other !== pull));
    },
  };
}
