/**
 * Forgetting instances that ended long ago.
 *
 * What is to be forgotten stands in the index of wake times, before all of what is to be woken. One timer is armed for
 * the first of it; then a page at a time goes, each in a batch of its own, and as long as one took three times as long
 * is left to others. Whether one may go is decided from what the owner knows: of one that is in memory from its state,
 * of any other from its head, and then only if nobody has brought it into memory since that was read.
 *
 * @module
 */
import type { Clock } from "../ports/clock.ts";
import type { Due, Store } from "../ports/store.ts";
import { forgetTime, toForget } from "../retention.ts";
import { createAlarm } from "./alarm.ts";
import type { Durable } from "./live.ts";
import type { Lives } from "./lives.ts";

/** What it is made of. */
export interface SweepParts {
  readonly shard: number;
  readonly store: Store;
  readonly clock: Clock;
  readonly lives: Lives;
  readonly durable: Durable;
  draining(): boolean;
}

/** The broom of one shard. */
export interface Sweep {
  /** One that is to be forgotten then (ms, `null`: never) is committed. */
  note(at: number | null): void;
  /** Forgets what is due, from now on. */
  begin(): void;
  stop(): void;
}

/** How many go with one batch. */
const PAGE = 64;
/** So many times as long as a page took is left to others. */
const REST = 3;
/** Before what could not go is tried again, ms. */
const RETRY = 60_000;
/** Less than this is no reason to arm another timer, ms. */
const GRAIN = 1_000;

/** Makes it. */
export function createSweep({ shard, store, clock, lives, durable, draining }: SweepParts): Sweep {
  let ready = false, stopped = false, sweeping = false;
  /** The earliest that was noted while a sweep was under way. */
  let meanwhile = Infinity;
  const alarm = createAlarm(clock, run, GRAIN);

  function note(at: number | null): void {
    if (!ready || stopped || at === null) return;
    if (sweeping) return void (meanwhile = Math.min(meanwhile, at));
    alarm.set(at);
  }

  function run(): void {
    if (sweeping || stopped) return;
    sweeping = true;
    meanwhile = Infinity;
    sweep().catch(() => clock.now() + RETRY).then((next) => {
      sweeping = false;
      note(next);
      if (meanwhile !== Infinity) note(meanwhile);
    });
  }

  /** Answers when the next is to be forgotten. */
  async function sweep(): Promise<number | null> {
    let from: Due | undefined;
    let left = false;
    while (!stopped && !draining()) {
      const began = clock.monotonic();
      const now = clock.now();
      const until = toForget(now) as number;
      const page: readonly Due[] = await store.due(shard, { after: Number.MIN_SAFE_INTEGER, until, limit: PAGE, ...(from && { from }) });
      const gone = await Promise.all(page.map((key) => forget(key, now)));
      left ||= gone.includes(false);
      from = page[page.length - 1];
      if (page.length < PAGE) break;
      await rest(REST * (clock.monotonic() - began));
    }
    if (stopped || draining()) return null;
    if (left) return clock.now() + RETRY;
    const [next] = await store.due(shard, { after: Number.MIN_SAFE_INTEGER, until: -1, limit: 1 });
    return next === undefined ? null : forgetTime(next.wake);
  }

  /** Resolves when it is gone for good, with false when it cannot go now. */
  async function forget(key: Due, now: number): Promise<boolean> {
    const live = await lives.forget(key, now);
    if (live === undefined) return false;
    await durable(key.tenant, live);
    return true;
  }

  function rest(ms: number): Promise<void> {
    return new Promise<void>((done) => ms > 0 ? void clock.setTimer(ms, done) : clock.defer(done));
  }

  return {
    note,
    begin() {
      ready = true;
      run();
    },
    stop() {
      stopped = true;
      alarm.clear();
    },
  };
}
