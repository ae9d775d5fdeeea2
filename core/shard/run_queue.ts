/**
 * Who runs next: tenants in turn, and within a tenant in the order of asking, so that a busy tenant delays the others
 * by one turn and not by its whole queue.
 *
 * @module
 */

/** A queue that is fair between tenants. */
export interface RunQueue<T> {
  /** Adds an item, unless it is queued. */
  push(tenant: string, item: T): void;
  /** Takes the next. */
  shift(): T | undefined;
  /** How many wait. */
  size(): number;
  /** Empties it. */
  clear(): void;
}

/** Makes one. */
export function createRunQueue<T>(): RunQueue<T> {
  // both keep insertion order: the first tenant is served, then goes to the end while it has more
  const tenants = new Map<string, Set<T>>();
  let size = 0;
  return {
    push(tenant, item) {
      const queue = tenants.get(tenant);
      if (queue === undefined) tenants.set(tenant, new Set([item]));
      else if (queue.has(item)) return;
      else queue.add(item);
      size++;
    },
    shift() {
      for (const [tenant, queue] of tenants) {
        for (const item of queue) {
          queue.delete(item);
          tenants.delete(tenant);
          if (queue.size > 0) tenants.set(tenant, queue);
          size--;
          return item;
        }
      }
      return undefined;
    },
    size: () => size,
    clear() {
      tenants.clear();
      size = 0;
    },
  };
}
