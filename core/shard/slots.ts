/**
 * A tenant's bound on how many of its instances run at a time (`limits.concurrency`). What does not fit is remembered
 * by its key, in the order of asking; the instance itself waits in the store.
 *
 * @module
 */
import type { InstanceKey } from "../ports/store.ts";

/** Slots of all tenants of a shard. */
export interface Slots {
  /** Takes a slot; false, and remembered, when the tenant has none. */
  take(key: InstanceKey, text: string, limit: number): boolean;
  /** Gives one back. */
  give(tenant: string): void;
  /** Takes from the queue whoever waits longest. */
  next(tenant: string): InstanceKey | undefined;
}

interface Taken {
  running: number;
  readonly queue: Map<string, InstanceKey>;
}

/** Makes them. */
export function createSlots(): Slots {
  const tenants = new Map<string, Taken>();
  return {
    take(key, text, limit) {
      let taken = tenants.get(key.tenant);
      if (taken === undefined) tenants.set(key.tenant, taken = { running: 0, queue: new Map() });
      if (taken.running >= limit) {
        taken.queue.set(text, key);
        return false;
      }
      taken.queue.delete(text);
      taken.running++;
      return true;
    },
    give(tenant) {
      const taken = tenants.get(tenant);
      if (taken !== undefined) taken.running--;
    },
    next(tenant) {
      const taken = tenants.get(tenant);
      for (const [text, key] of taken?.queue ?? []) {
        taken?.queue.delete(text);
        return key;
      }
      if (taken?.running === 0) tenants.delete(tenant);
      return undefined;
    },
  };
}
