/** Stores of the tests: what they keep outlives the engines that they are opened by. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StorageAdapter, Store } from "../../core/ports/store.ts";
import { memory } from "../../adapters/storage/memory.ts";
import { sqlite } from "../../adapters/storage/sqlite.ts";

/** A place for data, for the life of one test. */
export interface Place {
  readonly adapter: StorageAdapter;
  remove(): void;
}

/** The stores by name. */
export const STORES: { readonly [name: string]: (now: () => number) => Place } = {
  memory: (now) => ({ adapter: memory({ now }), remove() {} }),
  sqlite() {
    const folder = mkdtempSync(join(tmpdir(), "tenure-semantics-"));
    const adapter = sqlite({ path: join(folder, "a.db"), durability: "process" });
    return { adapter, remove: () => rmSync(folder, { recursive: true, force: true }) };
  },
};

/** A connection that can be cut as the death of its process cuts it. */
export interface Wire {
  readonly adapter: StorageAdapter;
  /** Nothing answers from now on; the lock is free, and nobody has released it. */
  cut(): Promise<void>;
  /** Calls under way. */
  busy(): number;
}

/** Opens the adapter through a wire. */
export function wire(adapter: StorageAdapter): Wire {
  let open: Store | undefined;
  let cut = false;
  let busy = 0;

  function watched(of: object): object {
    return new Proxy(of, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (name === "blobs") return watched(value as object);
        if (typeof value !== "function") return value;
        // hints to a process that is dead fire timers that are stopped
        if (name === "listen") return value.bind(target);
        return (...args: unknown[]) => {
          if (cut) return new Promise(() => {});
          busy++;
          const answer = Promise.resolve(Reflect.apply(value, target, args));
          answer.then(() => busy--, () => busy--);
          return answer.then((result) => cut ? new Promise(() => {}) : result, (error) => {
            if (cut) return new Promise(() => {});
            throw error;
          });
        };
      },
    });
  }

  return {
    adapter: {
      name: adapter.name,
      async open() {
        open = await adapter.open();
        return watched(open) as Store;
      },
    },
    async cut() {
      cut = true;
      await open?.close();
    },
    busy: () => busy,
  };
}
