/**
 * Who waits for what is committed to an instance in this process.
 *
 * @module
 */
import { keyText } from "../ids.ts";
import type { Head, InstanceKey } from "../ports/store.ts";

/** Watchers by instance. */
export interface Watchers {
  /** Calls `changed` with each head that is committed, `undefined` when the instance is gone, or nobody here knows any more. Returns the end of it. */
  watch(key: InstanceKey, changed: (head: Head | undefined) => void): () => void;
  /** Tells those of an instance, by its {@linkcode keyText}. */
  changed(text: string, head: Head | undefined): void;
  /** Nobody here tells them any more. */
  lookForYourselves(): void;
}

/** Makes them. */
export function createWatchers(): Watchers {
  const watchers = new Map<string, Set<(head: Head | undefined) => void>>();

  function changed(text: string, head: Head | undefined): void {
    const set = watchers.get(text);
    if (set !== undefined) for (const watcher of [...set]) watcher(head);
  }

  return {
    watch(key, watcher) {
      const text = keyText(key);
      let set = watchers.get(text);
      if (set === undefined) watchers.set(text, set = new Set());
      set.add(watcher);
      return () => {
        set.delete(watcher);
        if (set.size === 0 && watchers.get(text) === set) watchers.delete(text);
      };
    },
    changed,
    lookForYourselves() {
      for (const text of [...watchers.keys()]) changed(text, undefined);
    },
  };
}
