/**
 * Many instances, one owner: loads them, applies requests, runs them, lets them go.
 *
 * Everything of a shard happens in one process and in one order; what is decided here is made durable by the
 * committer and counts only if the epoch still does.
 *
 * @module
 */
import type { Facts } from "../instance/decide/common.ts";
import { interrupted } from "../instance/decide/control.ts";
import { isBusy, isEnded } from "../instance/state.ts";
import type { Clock } from "../ports/clock.ts";
import type { Head, InstanceKey, Store } from "../ports/store.ts";
import { book } from "./accounts.ts";
import type { Opener } from "./activation.ts";
import { type ApplyParts, createApply, type Decided } from "./apply.ts";
import type { Bounds } from "./bounds.ts";
import { type Children, createChildren } from "./children.ts";
import type { Cell, Committer } from "./committer.ts";
import { isUnreadable } from "./damaged.ts";
import type { Formats } from "./format.ts";
import { type Live, wakeOf } from "./live.ts";
import { createLives, type LivesHooks } from "./lives.ts";
import { createLook } from "./look.ts";
import { usageCell } from "./quotas.ts";
import type { Request } from "./requests.ts";
import { createRestart } from "./restart.ts";
import { createSweep } from "./retention.ts";
import type { Room } from "./room.ts";
import type { RunQueue } from "./run_queue.ts";
import { createRunner } from "./runner.ts";
import { createSchedules, type Schedules } from "./schedules.ts";
import { createShardStreams } from "./streams.ts";
import { createTenants } from "./tenants.ts";
import { createTimers, type Timers } from "./timers.ts";
import { createUpgrade } from "./upgrade.ts";

/** What a shard is made of. */
export interface ShardParts {
  readonly shard: number;
  readonly store: Store;
  readonly clock: Clock;
  readonly committer: Committer;
  readonly opener: Opener;
  readonly formats: Formats;
  readonly runnable: RunQueue<() => void>;
  readonly room: Room;
  readonly bounds: Bounds;
  /** Asks the engine to run the queue. */
  pump(): void;
  draining(): boolean;
  /** Counts turns of asynchronous guests that are under way. */
  turning(by: 1 | -1): void;
  /** Whether the owner before let go in good order. */
  readonly clean: boolean;
  /** A head was committed, or the instance is gone. */
  changed(text: string, head: Head | undefined): void;
  /** Records of an instance were committed whose head stays as it is. */
  appended(text: string): void;
}

/** One owned shard. */
export interface Shard {
  /** Applies a request; the outcome holds when the {@linkcode Committer.wait} that `decided` begins says so. */
  apply(request: Request, decided: Decided): void | Promise<void>;
  /** Begins to run what the owner before left, then what is due. */
  begin(): void;
  /** What was queued of an instance is durable. */
  committed(live: Live, head: Head | undefined): void;
  /** Counts what has come of an instance whose head is written, or that goes: makes the cell that says so. */
  account(live: Live): (() => Cell) | undefined;
  /** Whether the instance is in memory and has not ended. */
  alive(key: InstanceKey): boolean;
  /** Attempts that run. */
  running(): number;
  /** Whether all that the owner before left has been found. */
  recovered(): boolean;
  /** Records for what runs that it is cut off, before a release. */
  release(): void;
  /** Drops all of it. */
  close(): void;
}

/** Makes the owner's side of one shard. */
export function createShard(parts: ShardParts): Shard {
  const { shard, store, clock, committer, opener, formats, draining, bounds } = parts;
  const gone = new AbortController();
  const tenants = createTenants(shard, store, committer, bounds.tenants);
  const hooks: LivesHooks = { loaded, ended: (live, state) => children.left(live, state, { gone: false }), left: (live) => streams.left(live) };
  const lives = createLives(shard, store, committer, tenants, formats.newest, opener.limits, hooks, bounds.warm);
  const streams = createShardStreams({ shard, store, clock, committer, lives: () => lives, durable, gone: gone.signal });
  const facts = (tenant: string): Facts => ({ now: clock.now(), limits: opener.limits(tenant), draining: draining() });
  const runner = createRunner({ ...parts, remembered: bounds.remembered, lives, streams, facts, durable, more: (tenant) => timers.more(tenant), start: (...of) => children.start(...of), gone: gone.signal });
  const timers: Timers = createTimers({ store, clock, shard, page: bounds.page, recover, wake: runner.wake, roomy: runner.roomy });
  /** The owner before died, and not all that it ran has been found yet. */
  let recovering = !parts.clean;

  function durable(tenant: string, live?: Live): Promise<void> {
    return new Promise<void>((done) => committer.wait(shard, tenant, { ok: done, lost: () => done() }, live));
  }

  /** All that ran: a death counts for it also when it has to wait for its turn now. */
  async function recover(key: InstanceKey): Promise<void> {
    try {
      await lives.find(key, (live) => live?.state === undefined ? undefined : runner.proceed(live));
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
  }

  /** What ran when an owner died is cut off before anything else happens to it, whoever asks for it first. */
  function loaded(live: Live, wake: number | null, mended: boolean): void {
    const { state } = live;
    if (state === undefined) return;
    if (mended && isBusy(state)) {
      // what ran when it could not be read does not run any more, and nobody could record that
      lives.append(live, interrupted(state, "release", facts(live.key.tenant)));
      // with that its head says that it runs: nobody would look for it
      return runner.proceed(live);
    }
    if (!recovering || wake !== 0) return;
    lives.append(live, interrupted(state, "crash", facts(live.key.tenant)));
    live.crashed = true;
  }

  const requests: ApplyParts = {
    clock,
    opener,
    lives,
    tenants,
    runner,
    facts,
    format: () => formats.written(shard),
    raise: (to) => formats.raise(shard, to, committer),
    gone: () => gone.signal.aborted,
    left: (...of) => children.left(...of),
  };
  const look = createLook({ clock, opener, streams, queue, signal: gone.signal });
  const upgrade = createUpgrade({ ...requests, look, durable });
  const restart = createRestart({ ...requests, shard, store, newest: formats.newest, look, durable });

  const { apply, create } = createApply(requests, { upgrade, restart, schedule: (request, decided) => schedules.apply(request, decided) });
  const children: Children = createChildren({ ...requests, shard, store, committer, durable, create, signal: gone.signal });
  const sweep = createSweep({ ...parts, lives, durable });
  const schedules: Schedules = createSchedules({ ...parts, cron: opener.cron, lives, tenants, durable, limits: opener.limits, create });

  function queue(tenant: string, turn: () => void): void {
    parts.runnable.push(tenant, turn);
    parts.pump();
  }

  return {
    apply,
    begin() {
      timers.recover().then(() => recovering = false);
      schedules.begin();
      children.begin();
      sweep.begin();
      streams.begin();
    },
    committed(live, head) {
      if (live.state === undefined || head !== undefined) parts.changed(live.text, head);
      else parts.appended(live.text);
      const wake = live.state === undefined || isEnded(live.state) ? null : wakeOf(live, live.state);
      sweep.note(live.forgottenAt);
      // also when the head is what it was: a clock that jumped back has woken it too early, and nothing else would again
      if (live.activity !== "queued") timers.note(wake);
      // who holds it goes on with it, and after a drain the next owner: the timers would find it again and again
      else if (wake !== null && live.held === undefined && !draining() && !runner.remembers(live)) timers.left(live.key.tenant, wake);
      lives.release(live);
    },
    account(live) {
      const usage = tenants.usage(live.key.tenant);
      if (usage === undefined) return undefined;
      book(usage.account, live, clock.now());
      return () => ({ key: usageCell(live.key.tenant), value: JSON.stringify(usage.account) });
    },
    alive(key) {
      const state = lives.peek(key)?.state;
      return state !== undefined && state.ended === null;
    },
    running() {
      let n = 0;
      for (const live of lives.all()) n += live.execution?.running() ?? 0;
      return n;
    },
    recovered: () => !recovering,
    release() {
      for (const live of lives.all()) {
        const { state } = live;
        // also what was to begin with a commit that is still in flight
        if (state !== undefined && isBusy(state)) lives.append(live, interrupted(state, "release", facts(live.key.tenant)));
        runner.end(live);
      }
    },
    close() {
      gone.abort();
      timers.stop();
      schedules.stop();
      sweep.stop();
      runner.stop();
      for (const live of lives.all()) runner.end(live);
      lives.clear();
    },
  };
}
