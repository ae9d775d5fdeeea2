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
  /** Whether the tenant of the one taken last has no other. */
  emptied(): boolean;
  /** How many wait. */
  size(): number;
  /** Whether a tenant has something there. */
  has(tenant: string): boolean;
  /** Whether others have long queues: more than a few each. */
  long(): boolean;
  /** Empties it. */
  clear(): void;
}

/** Items of each tenant on an average that make a long queue. */
const LONG = 16;

/** Makes one. */
export function createRunQueue<T>(): RunQueue<T> {
  const queued = new Set<T>();
  const tenants = new Map<string, Fifo<T>>();
  /** Queues that are not empty: the first is served, then goes to the end while it has more. */
  const turns = new Fifo<Fifo<T>>();
  let emptied = false;
  return {
    push(tenant, item) {
      if (queued.has(item)) return;
      queued.add(item);
      let queue = tenants.get(tenant);
      if (queue === undefined) {
        queue = new Fifo(tenant);
        tenants.set(tenant, queue);
        turns.push(queue);
      }
      queue.push(item);
    },
    shift() {
      const queue = turns.shift();
      const item = queue?.shift();
      if (queue === undefined || item === undefined) return undefined;
      emptied = queue.isEmpty();
      if (emptied) tenants.delete(queue.name);
      else turns.push(queue);
      queued.delete(item);
      return item;
    },
    emptied: () => emptied,
    size: () => queued.size,
    has: (tenant) => tenants.has(tenant),
    long: () => queued.size >= LONG && queued.size >= LONG * tenants.size,
    clear() {
      queued.clear();
      tenants.clear();
      turns.clear();
    },
  };
}

/** First in, first out, without moving what waits. */
class Fifo<T> {
  readonly name: string;
  #items: (T | undefined)[] = [];
  #first = 0;

  constructor(name = "") {
    this.name = name;
  }

  isEmpty(): boolean {
    return this.#first === this.#items.length;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#first];
    if (item === undefined) return undefined;
    this.#items[this.#first++] = undefined;
    // what was taken is cut off when it is most of the array
    if (this.#first >= 64 && this.#first * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    } else if (this.isEmpty()) this.clear();
    return item;
  }

  clear(): void {
    this.#items = [];
    this.#first = 0;
  }
}
