/**
 * The instances of a shard that are in memory.
 *
 * @module
 */
import { TenureError } from "../errors.ts";
import { keyText } from "../ids.ts";
import type { Records } from "../instance/decide/common.ts";
import { stateOf } from "../instance/evolve.ts";
import { emptyState } from "../instance/state.ts";
import type { InstanceKey, Store } from "../ports/store.ts";
import type { Committer } from "./committer.ts";
import { appendTo, type Live, makeLive } from "./live.ts";

/** Whether an instance cannot be read, now or ever: no trouble of the storage, so nobody waits for it (I25). */
export function isUnreadable(error: unknown): error is TenureError {
  return error instanceof TenureError && (error.code === "corrupt" || error.code === "storage_newer");
}

/** Loads them, changes them, lets them go when all is durable. */
export interface Lives {
  /**
   * Calls `next` with the instance, from memory or the store; at once when it is in memory. Of those who wait for one
   * instance each sees what those before it made of it.
   */
  find<T>(key: InstanceKey, next: (live: Live | undefined) => T): T | Promise<T>;
  /** Applies records and queues them for the next commit. */
  append(live: Live, records: Records): void;
  /** Queues what the head implies, when it changed. */
  touch(live: Live): void;
  /** Begins another life in place of `before`, whose journal goes with the same commit; without `reborn`: for good. */
  replace(key: InstanceKey, before: Live | undefined, reborn: boolean): Live;
  /** The instance, if it is in memory. */
  peek(key: InstanceKey): Live | undefined;
  /** Whether this is the instance's present life, in a shard that is still ours. */
  current(live: Live): boolean;
  /** Forgets it, if nothing of it is running or not durable. */
  release(live: Live): void;
  all(): Iterable<Live>;
  clear(): void;
}

/**
 * Makes the memory of one shard.
 *
 * @param loaded sees each instance that comes from the store, and the wake time of its head, before anybody else does
 */
export function createLives(
  shard: number,
  store: Store,
  committer: Committer,
  loaded: (live: Live, wake: number | null) => void,
): Lives {
  const lives = new Map<string, Live>();
  const loading = new Map<string, Promise<Live | undefined>>();
  let cleared = false;

  async function load(key: InstanceKey, text: string): Promise<Live | undefined> {
    try {
      return await read(key, text);
    } finally {
      loading.delete(text);
    }
  }

  async function read(key: InstanceKey, text: string): Promise<Live | undefined> {
    const image = await store.load(shard, key);
    // whoever waited for an earlier reading may have it in hand again, and changed it
    const present = lives.get(text);
    if (present !== undefined || image === null || cleared) return present;
    const { tenant, workflow, id } = key;
    const live = makeLive({ tenant, workflow, id }, text, stateOf(image.journal));
    const { status, wake, ended, data } = image.head;
    live.written = `${status} ${wake} ${ended} ${data}`;
    lives.set(text, live);
    loaded(live, wake);
    return live;
  }

  function touch(live: Live): void {
    committer.touch(shard, live);
  }

  return {
    find(key, next) {
      const text = keyText(key);
      const live = lives.get(text);
      if (live !== undefined) return next(live);
      let reading = loading.get(text);
      if (reading === undefined) {
        reading = load(key, text);
        loading.set(text, reading);
      }
      return reading.then((read) => {
        // whoever waited longer may have made it meanwhile, or changed it and let it go
        const found = lives.get(text) ?? read;
        if (found !== undefined && !cleared) lives.set(text, found);
        return next(found);
      });
    },
    append(live, records) {
      if (records.length === 0 || live.state === undefined) return;
      appendTo(live, live.state, records);
      touch(live);
    },
    touch,
    replace(key, before, reborn) {
      const live = makeLive(key, keyText(key), reborn ? emptyState() : undefined);
      if (before !== undefined) {
        live.drop = true;
        committer.discard(shard, before, live);
      }
      lives.set(live.text, live);
      if (!reborn) touch(live);
      return live;
    },
    peek: (key) => lives.get(keyText(key)),
    current: (live) => lives.get(live.text) === live,
    release(live) {
      const busy = live.execution !== undefined || live.activity === "opening" || live.queued || live.inFlight;
      const durable = live.lines.length === 0 && live.durable >= live.first;
      if (!busy && durable && lives.get(live.text) === live) lives.delete(live.text);
    },
    all: () => lives.values(),
    clear() {
      cleared = true;
      lives.clear();
    },
  };
}
