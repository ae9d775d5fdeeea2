/**
 * Who waits for what is committed to an instance in this process.
 *
 * @module
 */
import { keyText } from "../ids.ts";
import type { Head, InstanceKey } from "../ports/store.ts";

/** Watchers by instance. */
export interface Watchers {
  /**
   * Calls `changed` with each head that is committed, `undefined` when the instance is gone, or nobody here knows any
   * more; `appended` when records are committed and its head stays as it is. Returns the end of it.
   */
  watch(key: InstanceKey, changed: (head: Head | undefined) => void, appended?: () => void): () => void;
  /** Tells those of an instance, by its {@linkcode keyText}. */
  changed(text: string, head: Head | undefined): void;
  /** Tells those of an instance whose head stays as it is. */
  appended(text: string): void;
  /** Nobody here tells them any more. */
  lookForYourselves(): void;
}

interface Watcher {
  readonly changed: (head: Head | undefined) => void;
  readonly appended: (() => void) | undefined;
}

/** Makes them. */
export function createWatchers(): Watchers {
  const watchers = new Map<string, Set<Watcher>>();

  function changed(text: string, head: Head | undefined): void {
    const set = watchers.get(text);
    if (set !== undefined) for (const watcher of [...set]) watcher.changed(head);
  }

  return {
    watch(key, changed, appended) {
      const watcher: Watcher = { changed, appended };
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
    appended(text) {
      const set = watchers.get(text);
      if (set !== undefined) for (const watcher of [...set]) watcher.appended?.();
    },
    lookForYourselves() {
      for (const text of [...watchers.keys()]) changed(text, undefined);
    },
  };
}
