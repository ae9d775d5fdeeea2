/**
 * Waiting for what other processes do to a store: by its hints where it gives any, else by looking again and again. A
 * hint may be lost, so there is always a next look.
 *
 * @module
 */
import type { Clock } from "../ports/clock.ts";
import type { Store } from "../ports/store.ts";

/** A job that is done again and again, one at a time. */
export interface Repeated {
  /** Does it now, or once more when it is under way. */
  now(): void;
  stop(): void;
}

/** What an engine hears of others. */
export interface Hints {
  /** Calls `look` once, when something may have been committed to the shard, at the latest when it is time to look anyway. Returns its canceller. */
  wait(shard: number, ms: number, look: () => void): () => void;
  /** Does `job` whenever something may have been posted to the shard, and when it is time to look anyway. A failure is the next round's to find. */
  onPost(shard: number, ms: number, job: () => Promise<void>): Repeated;
  stop(): void;
}

/** How often one looks who hears hints, ms. */
const HINTED = 1_000;

/** Listens to a store. */
export function createHints(store: Store, clock: Clock): Hints {
  const looks = new Map<number, Set<() => void>>();
  const posts = new Map<number, Repeated>();
  const stops: (() => void)[] = [];
  const hinted = store.listen !== undefined;
  for (let shard = 0; hinted && shard < store.shards; shard++) {
    const stop = store.listen?.(shard, {
      posted: () => posts.get(shard)?.now(),
      committed: () => {
        for (const look of [...looks.get(shard) ?? []]) look();
      },
    });
    if (stop !== undefined) stops.push(stop);
  }
  const pause = (ms: number): number => hinted ? Math.max(ms, HINTED) : ms;

  return {
    wait(shard, ms, look) {
      let waiting = looks.get(shard);
      if (waiting === undefined) looks.set(shard, waiting = new Set());
      const all = waiting;
      const cancel = (): void => {
        stop();
        all.delete(once);
      };
      const once = (): void => {
        cancel();
        look();
      };
      const stop = clock.setTimer(pause(ms), once);
      all.add(once);
      return cancel;
    },
    onPost(shard, ms, job) {
      const repeated = repeat(clock, pause(ms), job);
      posts.set(shard, repeated);
      return repeated;
    },
    stop() {
      for (const stop of stops) stop();
    },
  };
}

/** Does `job` every `ms`, one at a time, until stopped. A failure is the next round's to find. */
export function repeat(clock: Clock, ms: number, job: () => Promise<void>): Repeated {
  let stopped = false;
  let running = false;
  let again = false;
  let cancel = (): void => {};
  function round(): void {
    cancel();
    if (stopped) return;
    if (running) {
      again = true;
      return;
    }
    running = true;
    job().catch(() => {}).then(() => {
      running = false;
      if (stopped) return;
      if (again) {
        again = false;
        round();
      } else cancel = clock.setTimer(ms, round);
    });
  }
  cancel = clock.setTimer(ms, round);
  return {
    now: round,
    stop() {
      stopped = true;
      cancel();
    },
  };
}
