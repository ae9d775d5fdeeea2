/**
 * Finding what the store says is due: instances that had work when their owner went, sleepers whose time has come, and
 * whoever waits for its turn to run.
 *
 * A sleeper costs no memory here: one timer stands for all of them, armed for the earliest wake time that is known, and
 * what is due is read from the store a page at a time. Of a tenant that has too much of it the rest is left in the store
 * and read on when there is room for it: so it delays nobody behind it.
 *
 * @module
 */
import { pause } from "../pause.ts";
import type { Clock } from "../ports/clock.ts";
import type { Due, InstanceKey, Store } from "../ports/store.ts";
import { compareDue } from "../store_rules.ts";
import { createAlarm } from "./alarm.ts";

/** What the timers ask of their shard. */
export interface Sleepers {
  readonly store: Store;
  readonly clock: Clock;
  readonly shard: number;
  /** Rows that are read at a time. */
  readonly page: number;
  /** Brings what ran when the owner before went into memory, and runs it when it may. */
  recover(key: InstanceKey): Promise<void>;
  /** Runs an instance, or remembers that it is to run; false when too many of its tenant's are remembered. */
  wake(key: InstanceKey): Promise<boolean>;
  /** Whether many more of a tenant could be remembered. */
  roomy(tenant: string): boolean;
}

/** The timers of one shard. */
export interface Timers {
  /** A head with this wake time is committed, ms; one without or with work now is not the timers' to find. */
  note(wake: number | null): void;
  /** The same of one that waits to run and is remembered nowhere else. */
  left(tenant: string, wake: number): void;
  /** There is room again for what was left of a tenant's. */
  more(tenant: string): void;
  /** Reads all that had work when the owner before went. Call once; sleepers are read after it. */
  recover(): Promise<void>;
  /** Ends them. */
  stop(): void;
}

/** A place in the order of wake times: behind `from`, or at its start. */
interface Place {
  readonly after: number;
  readonly from: Due | undefined;
}

/** Before a failed read of the store is tried again, ms. */
const RETRY = 250;
/** So long instances are woken in one task, ms: what else goes on gets its turn. */
const SLICE = 2;

/** Makes them. */
export function createTimers({ store, clock, shard, page: size, recover, wake, roomy }: Sleepers): Timers {
  let stopped = false;
  let ready = false;
  let reading = false;
  let again = false;
  const alarm = createAlarm(clock, run);
  /** What is due up to here was read. */
  let read = 0;
  /** What is due up to here is being read. */
  let sweeping = 0;
  /** But something with this wake time was committed since. */
  let dirty = Infinity;
  /** Where to read on for what was left of a tenant's. */
  const left = new Map<string, Place>();
  /** Tenants to read on for. */
  const wanted = new Set<string>();
  /** When this task began to wake. */
  let began = 0;

  function arm(at: number): void {
    if (!stopped) alarm.set(at);
  }

  /** Reads what is due until nothing is, then arms for the next. */
  function run(): void {
    if (!ready || stopped) return;
    if (reading) {
      again = true;
      return;
    }
    reading = true;
    again = false;
    began = clock.monotonic();
    rounds().then((next) => {
      reading = false;
      if (again) run();
      else if (next !== undefined) arm(next);
    }, () => {
      reading = false;
      dirty = Math.min(dirty, read);
      arm(clock.now() + RETRY);
    });
  }

  async function rounds(): Promise<number | undefined> {
    let now: number;
    do {
      for (const tenant of wanted) {
        wanted.delete(tenant);
        const place = left.get(tenant);
        if (place !== undefined) await readOn(tenant, place);
      }
      again = false;
      now = sweeping = clock.now();
      const after = Math.min(read, dirty - 1);
      dirty = Infinity;
      try {
        await pages({ after, from: undefined }, now, undefined);
      } catch (error) {
        dirty = Math.min(dirty, after + 1);
        throw error;
      }
      read = now;
    } while (!stopped && (again || wanted.size > 0 || dirty <= read));
    if (stopped) return undefined;
    const [next] = await store.due(shard, { after: now, until: Number.MAX_SAFE_INTEGER, limit: 1 });
    return next?.wake;
  }

  /** For one tenant, from where it was left. */
  async function readOn(tenant: string, place: Place): Promise<void> {
    left.delete(tenant);
    try {
      await pages(place, read, tenant);
    } catch (error) {
      leave(tenant, place);
      wanted.add(tenant);
      throw error;
    }
  }

  /** Wakes what is behind a place, of all tenants or of one. */
  async function pages(place: Place, until: number, only: string | undefined): Promise<void> {
    const { after } = place;
    let { from } = place;
    while (!stopped) {
      const page: readonly Due[] = await store.due(shard, { after, until, limit: size, ...(from && { from }) });
      for (const due of page) {
        if (only === undefined || due.tenant === only) {
          // another may have been left meanwhile, further on
          const woken = !left.has(due.tenant) && await wake(due);
          if (!woken) leave(due.tenant, { after, from });
          if (stopped || (only !== undefined && !woken)) return;
          await rest();
        }
        from = due;
      }
      if (page.length < size) return;
    }
  }

  /** Lets others have their turn now and then. */
  async function rest(): Promise<void> {
    if (clock.monotonic() - began < SLICE) return;
    await new Promise<void>((done) => clock.defer(done));
    began = clock.monotonic();
  }

  function leave(tenant: string, place: Place): void {
    const known = left.get(tenant);
    if (known === undefined || isBefore(place, known)) left.set(tenant, place);
    if (roomy(tenant)) more(tenant);
  }

  function more(tenant: string): void {
    if (!left.has(tenant) || wanted.has(tenant)) return;
    wanted.add(tenant);
    run();
  }

  return {
    note(at) {
      if (!ready || at === null || at <= 0) return;
      // what is read just now may not show it
      if (at > Math.max(read, sweeping)) return arm(at);
      dirty = Math.min(dirty, at);
      run();
    },
    left: (tenant, at) => leave(tenant, { after: at - 1, from: undefined }),
    more,
    async recover() {
      let from: Due | undefined;
      while (!stopped) {
        try {
          const page: readonly Due[] = await store.due(shard, { after: -1, until: 0, limit: size, ...(from && { from }) });
          for (const due of page) {
            await recover(due);
            if (stopped) return;
            await rest();
            from = due;
          }
          if (page.length < size) break;
        } catch {
          await pause(clock, RETRY);
        }
      }
      ready = true;
      run();
    },
    stop() {
      stopped = true;
      alarm.clear();
    },
  };
}

function isBefore(a: Place, b: Place): boolean {
  const wake = a.from?.wake ?? a.after, other = b.from?.wake ?? b.after;
  if (wake !== other || a.from === undefined || b.from === undefined) {
    // without `from` it is behind all of that wake time
    return wake < other || (wake === other && a.from !== undefined && b.from === undefined);
  }
  return compareDue(a.from, b.from) < 0;
}
