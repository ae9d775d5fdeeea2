/**
 * Finding what the store says is due: instances that had work when their owner went, and sleepers whose time has come.
 *
 * A sleeper costs no memory here: one timer stands for all of them, armed for the earliest wake time that is known,
 * and what is due is read from the store a page at a time, as there is room to run it.
 *
 * @module
 */
import type { Clock } from "../ports/clock.ts";
import type { Due, InstanceKey, Store } from "../ports/store.ts";

/** What the timers ask of their shard. */
export interface Sleepers {
  readonly store: Store;
  readonly clock: Clock;
  readonly shard: number;
  /** Resolves when there is room for another instance. */
  room(): Promise<void>;
  /** Brings an instance into memory and runs it, unless it runs; false when there was no room for it after all. */
  wake(key: InstanceKey): Promise<boolean>;
}

/** The timers of one shard. */
export interface Timers {
  /** A head with this wake time is committed, ms; one without or with work now is not the timers' to find. */
  note(wake: number | null): void;
  /** Reads all that had work when the owner before went. Call once; sleepers are read after it. */
  recover(): Promise<void>;
  /** Ends them. */
  stop(): void;
}

const PAGE = 256;
/** Before a failed read of the store is tried again, ms. */
const RETRY = 250;

/** Makes them. */
export function createTimers({ store, clock, shard, room, wake }: Sleepers): Timers {
  let stopped = false;
  let ready = false;
  let reading = false;
  let again = false;
  let armed: { readonly at: number; readonly cancel: () => void } | undefined;

  function arm(at: number): void {
    if (stopped || (armed !== undefined && armed.at <= at)) return;
    armed?.cancel();
    const cancel = clock.setTimer(Math.max(0, at - clock.now()), () => {
      armed = undefined;
      read();
    });
    armed = { at, cancel };
  }

  /** Reads what is due until nothing is, then arms for the next. */
  function read(): void {
    if (!ready || stopped) return;
    if (reading) {
      again = true;
      return;
    }
    reading = true;
    again = false;
    sweep().then((next) => {
      reading = false;
      if (again) read();
      else if (next !== undefined) arm(next);
    }, () => {
      reading = false;
      arm(clock.now() + RETRY);
    });
  }

  async function sweep(): Promise<number | undefined> {
    const now = clock.now();
    await pages(0, now);
    if (stopped) return undefined;
    const [next] = await store.due(shard, { after: now, until: Number.MAX_SAFE_INTEGER, limit: 1 });
    return next?.wake;
  }

  async function pages(after: number, until: number): Promise<void> {
    let from: Due | undefined;
    while (!stopped) {
      const page: readonly Due[] = await store.due(shard, { after, until, limit: PAGE, ...(from && { from }) });
      for (const due of page) {
        // others wait for the same room, and the instance has to be read first
        do {
          await room();
          if (stopped) return;
        } while (!await wake(due));
      }
      if (page.length < PAGE) return;
      from = page[page.length - 1];
    }
  }

  return {
    note(at) {
      if (ready && at !== null && at > 0) arm(at);
    },
    async recover() {
      while (!stopped) {
        try {
          await pages(-1, 0);
          break;
        } catch {
          await new Promise<void>((done) => void clock.setTimer(RETRY, done));
        }
      }
      ready = true;
      read();
    },
    stop() {
      stopped = true;
      armed?.cancel();
    },
  };
}
