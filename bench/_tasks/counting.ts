/**
 * A store that writes down when each commit was asked for.
 *
 * @module
 */
import type { StorageAdapter, Store } from "../../mod.ts";

/** Wraps `storage`; `at` gets the time of each commit. */
export function counting(storage: StorageAdapter, at: number[]): StorageAdapter {
  return {
    name: storage.name,
    async open(): Promise<Store> {
      const store = await storage.open();
      return new Proxy(store, {
        get(target, name) {
          const value = Reflect.get(target, name, target) as unknown;
          if (name === "commit") at.push(performance.now());
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    },
  };
}
