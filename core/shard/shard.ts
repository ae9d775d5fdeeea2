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
import type { Clock } from "../ports/clock.ts";
import type { Head, InstanceKey, Store } from "../ports/store.ts";
import type { Opener } from "./activation.ts";
import { createApply } from "./apply.ts";
import type { Committer } from "./committer.ts";
import type { Live } from "./live.ts";
import { createLives } from "./lives.ts";
import type { Outcome, Request } from "./requests.ts";
import type { Room } from "./room.ts";
import type { RunQueue } from "./run_queue.ts";
import { createRunner } from "./runner.ts";
import { createTenants } from "./tenants.ts";
import { createTimers } from "./timers.ts";

/** What a shard is made of. */
export interface ShardParts {
  readonly shard: number;
  readonly store: Store;
  readonly clock: Clock;
  readonly committer: Committer;
  readonly opener: Opener;
  readonly runnable: RunQueue<() => void>;
  readonly room: Room;
  /** Asks the engine to run the queue and to commit. */
  pump(): void;
  draining(): boolean;
  /** Whether the owner before let go in good order. */
  readonly clean: boolean;
  /** A head was committed, or the instance is gone. */
  changed(text: string, head: Head | undefined): void;
}

/** One owned shard. */
export interface Shard {
  /** Applies a request; the outcome holds when the committer's next {@linkcode Committer.wait} says so. */
  apply(request: Request): Outcome | Promise<Outcome>;
  /** Begins to run what the owner before left, then what is due. */
  begin(): void;
  /** What was queued of an instance is durable. */
  committed(live: Live, head: Head | undefined): void;
  /** Attempts that run. */
  running(): number;
  /** Records for what runs that it is cut off, before a release. */
  release(): void;
  /** Drops all of it. */
  close(): void;
}

/** Makes the owner's side of one shard. */
export function createShard(parts: ShardParts): Shard {
  const { shard, store, clock, committer, opener, room, draining } = parts;
  const gone = new AbortController();
  const lives = createLives(shard, store, committer, loaded);
  const tenants = createTenants(shard, store, committer);
  const facts = (tenant: string): Facts => ({ now: clock.now(), limits: opener.limits(tenant), draining: draining() });
  const runner = createRunner({ ...parts, lives, facts, durable, gone: gone.signal });
  const timers = createTimers({ store, clock, shard, room: room.wait, wake });
  /** The owner before died, and not all that it ran has been found yet. */
  let recovering = !parts.clean;

  function durable(): Promise<void> {
    return new Promise<void>((done) => {
      committer.wait(shard, { ok: done, lost: () => done(), outage: () => {} });
      parts.pump();
    });
  }

  async function wake(key: InstanceKey): Promise<void> {
    await lives.find(key, (live) => live?.state === undefined ? undefined : runner.proceed(live));
  }

  /** What ran when an owner died is cut off before anything else happens to it, whoever asks for it first. */
  function loaded(live: Live, wake: number | null): void {
    if (!recovering || wake !== 0 || live.state === undefined) return;
    lives.append(live, interrupted(live.state, "crash", facts(live.key.tenant)));
    live.crashed = true;
  }

  return {
    apply: createApply({ clock, opener, lives, tenants, runner, facts }),
    begin() {
      timers.recover().then(() => recovering = false);
    },
    committed(live, head) {
      if (head !== undefined) {
        parts.changed(live.text, head);
        if (head.wake !== null && head.wake > 0) timers.note(head.wake);
      }
      if (live.state === undefined) parts.changed(live.text, undefined);
      lives.release(live);
    },
    running() {
      let n = 0;
      for (const live of lives.all()) n += live.execution?.running() ?? 0;
      return n;
    },
    release() {
      for (const live of lives.all()) {
        const { execution, state } = live;
        if (execution !== undefined && state !== undefined && execution.running() > 0) {
          lives.append(live, interrupted(state, "release", facts(live.key.tenant)));
        }
        runner.end(live);
      }
    },
    close() {
      gone.abort();
      timers.stop();
      for (const live of lives.all()) runner.end(live);
      lives.clear();
    },
  };
}
