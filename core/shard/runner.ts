/**
 * Running instances: a guest is opened when there is something to do, and let go when only time or a message can help.
 *
 * @module
 */
import { TenureError } from "../errors.ts";
import type { Desk } from "../execution/desk.ts";
import { createExecution } from "../execution/execution.ts";
import type { Facts } from "../instance/decide/common.ts";
import { parked } from "../instance/decide/control.ts";
import { isEnded, type State } from "../instance/state.ts";
import type { Clock } from "../ports/clock.ts";
import type { InstanceKey } from "../ports/store.ts";
import type { Opener } from "./activation.ts";
import type { Live } from "./live.ts";
import { isUnreadable, type Lives } from "./lives.ts";
import type { Room } from "./room.ts";
import type { RunQueue } from "./run_queue.ts";
import { createSlots } from "./slots.ts";

/** What runs the instances of a shard. */
export interface Runner {
  /** Something changed: it runs if it can. */
  proceed(live: Live): void;
  /** Lets its guest go. */
  end(live: Live): void;
}

/** What a runner is made of. */
export interface RunnerParts {
  readonly clock: Clock;
  readonly opener: Opener;
  readonly lives: Lives;
  /** A bound on what runs, of all shards. */
  readonly room: Room;
  /** Where instances that can go on wait for their turn. */
  readonly runnable: RunQueue<() => void>;
  facts(tenant: string): Facts;
  draining(): boolean;
  /** Counts turns of asynchronous guests that are under way. */
  turning(by: 1 | -1): void;
  /** Asks the engine to run the queue. */
  pump(): void;
  /** Resolves when all that was appended up to now is durable, or the shard is not ours any more. */
  durable(): Promise<void>;
  /** Aborts when the shard is not ours any more. */
  readonly gone: AbortSignal;
}

/** Turns that an execution may take before another gets its turn. */
const TURNS = 16;
/** Before a platform's trouble (a sandbox or `env` that throws) is tried again, ms. */
const RETRY = 1_000;

/** Makes the runner of one shard. */
export function createRunner(parts: RunnerParts): Runner {
  const { clock, opener, lives, room, runnable, gone } = parts;
  const slots = createSlots();

  function proceed(live: Live): void {
    const { state } = live;
    if (live.execution !== undefined) return ready(live);
    if (state === undefined || isEnded(state) || state.phase === "paused") return lives.release(live);
    activate(live);
  }

  function activate(live: Live): void {
    if (live.activity === "opening" || live.activity === "running" || parts.draining()) return;
    if (room.full()) {
      // it waits in the store, not in memory: the timers bring it back
      live.activity = "waiting";
      return lives.touch(live);
    }
    if (!slots.take(live.key, live.text, opener.limits(live.key.tenant).concurrency)) {
      live.activity = "queued";
      return lives.touch(live);
    }
    live.activity = "opening";
    room.enter();
    open(live).then(undefined, (error) => failed(live, error));
  }

  async function open(live: Live): Promise<void> {
    const { key, state } = live;
    if (state === undefined) return idle(live);
    if (live.crashed) {
      live.crashed = false;
      // the count is durable before the code runs: what kills the process is found out (I23)
      await parts.durable();
    }
    if (unwanted(live, state)) return idle(live);
    const opened = await opener.open(key, state.version, () => live.execution?.collect(), gone);
    if (unwanted(live, state)) {
      opened.guest.drop();
      return idle(live);
    }
    live.execution = createExecution(desk(live, state, opened.call), {
      workflow: key.workflow,
      id: key.id,
      className: key.workflow,
      grants: opened.grants,
      key: `${live.text}/${state.life}`,
      mediated: opened.mediated,
      guest: opened.guest,
    });
    live.activity = "running";
    ready(live);
  }

  function unwanted(live: Live, state: State): boolean {
    return gone.aborted || !lives.current(live) || isEnded(state) || state.phase === "paused" || parts.draining();
  }

  function failed(live: Live, error: unknown): void {
    const { state } = live;
    if (state === undefined || gone.aborted) return idle(live);
    if (error instanceof TenureError && error.code === "code_unavailable") {
      lives.append(live, parked(state, "code_unavailable", error.message, parts.facts(live.key.tenant)));
      return idle(live);
    }
    clock.setTimer(RETRY, () => {
      live.activity = "none";
      leave(live);
      if (!gone.aborted && lives.current(live)) proceed(live);
    });
  }

  /** An opening that comes to nothing. */
  function idle(live: Live): void {
    live.activity = "none";
    leave(live);
    lives.release(live);
  }

  /** Another may run in its place. */
  function leave(live: Live): void {
    room.leave();
    slots.give(live.key.tenant);
    follow(slots.next(live.key.tenant));
  }

  function follow(key: InstanceKey | undefined): void {
    if (key === undefined || gone.aborted) return;
    const found = lives.find(key, (live) => {
      if (live !== undefined) proceed(live);
      // whoever ended or was paused while it waited has no turn
      if (live?.activity !== "opening" && live?.activity !== "waiting") follow(slots.next(key.tenant));
    });
    // a store that does not answer has lost nothing: the instance is found again when it does
    found?.catch((error) => isUnreadable(error) ? follow(slots.next(key.tenant)) : void clock.setTimer(RETRY, () => follow(key)));
  }

  function desk(live: Live, state: State, call: Desk["call"]): Desk {
    return {
      clock,
      limits: opener.limits(live.key.tenant),
      state,
      append: (records) => lives.append(live, records),
      afterCommit(run) {
        live.waiters.push(run);
        lives.touch(live);
      },
      durable: () => live.durable,
      draining: parts.draining,
      turning: parts.turning,
      runnable: () => ready(live),
      call,
      log(line) {
        const show = (): void => opener.log(live.key, line);
        if (live.queued) live.waiters.push(show);
        else show();
      },
    };
  }

  function ready(live: Live): void {
    if (live.execution === undefined) return;
    live.turn ??= () => advance(live);
    runnable.push(live.key.tenant, live.turn);
    parts.pump();
  }

  function advance(live: Live): void {
    const { execution, state } = live;
    if (execution === undefined || state === undefined || !lives.current(live)) return;
    const standing = execution.advance(TURNS);
    switch (standing) {
      case "ready":
        return ready(live);
      case "busy":
        return watch(live, execution.idle());
      case "dead":
        end(live);
        return activate(live);
      case "resting":
      case "over":
        end(live);
        live.activity = standing === "resting" ? "resting" : "none";
        return lives.touch(live);
      default:
        standing satisfies never;
    }
  }

  /** Looks again in `ms`: the store's timers do not know of a running instance. A timer that stands already and is not later serves as well: looking too early does no harm. */
  function watch(live: Live, ms: number): void {
    const at = clock.monotonic() + ms;
    if (ms !== Infinity && at < live.timerAt) arm(live, ms, at);
  }

  function arm(live: Live, ms: number, at: number): void {
    live.stopTimer?.();
    live.timerAt = at;
    live.stopTimer = clock.setTimer(ms, () => {
      live.timerAt = Infinity;
      live.stopTimer = undefined;
      ready(live);
    });
  }

  function end(live: Live): void {
    live.stopTimer?.();
    live.stopTimer = undefined;
    live.timerAt = Infinity;
    live.execution?.close();
    live.execution = undefined;
    const running = live.activity === "running";
    if (live.activity !== "opening") live.activity = "none";
    if (running) leave(live);
  }

  return { proceed, end };
}
