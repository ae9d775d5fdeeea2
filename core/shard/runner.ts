/**
 * Running instances: a guest is opened when there is something to do, and let go when only time or a message can help.
 *
 * @module
 */
import type { Desk } from "../execution/desk.ts";
import { createExecution } from "../execution/execution.ts";
import type { Facts } from "../instance/decide/common.ts";
import { parked } from "../instance/decide/control.ts";
import { isBusy, isEnded, type State } from "../instance/state.ts";
import { keyText } from "../ids.ts";
import type { Limits } from "../limits.ts";
import { isUnavailable, MAX_OPENINGS, openingPause, Unopened } from "../openings.ts";
import type { Clock } from "../ports/clock.ts";
import type { InstanceKey } from "../ports/store.ts";
import type { Opener } from "./activation.ts";
import type { Children } from "./children.ts";
import { isUnreadable } from "./damaged.ts";
import type { Group } from "./groups.ts";
import type { Durable, Live } from "./live.ts";
import type { Lives } from "./lives.ts";
import type { Room } from "./room.ts";
import type { RunQueue } from "./run_queue.ts";
import { createSlots } from "./slots.ts";
import type { ShardStreams } from "./streams.ts";

/** What runs the instances of a shard. */
export interface Runner {
  /** Something changed: it runs if it can. */
  proceed(live: Live): void;
  /** Lets its guest go. */
  end(live: Live): void;
  /** Runs an instance that is in the store, or remembers that it is to run; false when too many of its tenant's are remembered. */
  wake(key: InstanceKey): Promise<boolean>;
  /** Whether an instance that may not run yet is remembered: then it need not be looked for. */
  remembers(live: Live): boolean;
  /** Whether many more of a tenant could be remembered. */
  roomy(tenant: string): boolean;
  /** Brings no more into memory. */
  stop(): void;
}

/** What a runner is made of. */
export interface RunnerParts {
  readonly clock: Clock;
  readonly opener: Opener;
  readonly lives: Lives;
  readonly streams: ShardStreams;
  /** A bound on what runs, of all shards. */
  readonly room: Room;
  /** Instances of one tenant that are remembered while they wait. */
  readonly remembered: number;
  /** Where instances that can go on wait for their turn. */
  readonly runnable: RunQueue<() => void>;
  facts(tenant: string): Facts;
  draining(): boolean;
  /** Counts turns of asynchronous guests that are under way. */
  turning(by: 1 | -1): void;
  /** Asks the engine to run the queue. */
  pump(): void;
  /** Fewer of the tenant's are remembered than could be. */
  more(tenant: string): void;
  readonly durable: Durable;
  /** Makes a child. */
  readonly start: Children["start"];
  /** Aborts when the shard is not ours any more. */
  readonly gone: AbortSignal;
}

/** Turns that an execution may take before another gets its turn. */
const TURNS = 16;
/** How long they may take, ms: a tenant's long turns delay others by one. */
const SLICE = 2;
const NO_GROUPS: readonly Group[] = [];
/** Before a store that does not answer is asked again, ms. */
const RETRY = 1_000;

/** Makes the runner of one shard. */
export function createRunner(parts: RunnerParts): Runner {
  const { clock, opener, lives, room, runnable, gone } = parts;
  const slots = createSlots(room, parts.remembered);
  const stop = room.onFree(pull);
  let pulling = false;

  function proceed(live: Live): void {
    const { state } = live;
    if (live.execution !== undefined) return ready(live);
    if (state === undefined || isEnded(state) || state.phase === "paused") return lives.release(live);
    activate(live);
  }

  function activate(live: Live): void {
    if (live.activity === "opening" || live.activity === "running") return;
    if (parts.draining() || live.held !== undefined) {
      // the next owner has to find that there is something to do
      if (live.activity === "resting") live.activity = "none";
      return lives.touch(live);
    }
    const limits = opener.limits(live.key.tenant);
    const { concurrency, crashes } = limits;
    const has = slots.take(live.key, live.text, { concurrency, crashes: live.state?.crashes ?? 0, mostCrashes: crashes, groups: groupsOf(live, limits) });
    // it may have been remembered: then another can be in its place
    if (slots.roomy(live.key.tenant)) parts.more(live.key.tenant);
    if (!has) {
      // it waits in the store, not in memory
      live.activity = "queued";
      return lives.touch(live);
    }
    live.activity = "opening";
    live.placed = true;
    live.suspect = crashes > 0 && (live.state?.crashes ?? 0) > 0;
    open(live).then(undefined, (error) => failed(live, error));
  }

  async function open(live: Live): Promise<void> {
    const { key, state } = live;
    if (state === undefined) return idle(live);
    if (live.crashed) {
      // the count is durable before the code runs: what kills the process is found out (I23)
      await parts.durable(key.tenant);
      // not before: who looks at it meanwhile with other code has to wait, too
      live.crashed = false;
    }
    if (unwanted(live, state)) return idle(live);
    const { version } = state;
    const opened = await opener.open(key, version, () => live.execution?.collect(), gone);
    if (unwanted(live, state)) {
      opened.guest.drop();
      return idle(live);
    }
    if (state.version !== version) {
      // it was moved meanwhile
      opened.guest.drop();
      live.activity = "none";
      leave(live);
      return proceed(live);
    }
    live.unopened = 0;
    live.execution = createExecution(desk(live, state, opened.call), {
      workflow: key.workflow,
      id: key.id,
      className: key.workflow,
      grants: opened.grants,
      // its number comes back when the instance is deleted and made again, its seed when it is restarted at a step
      key: `${live.text}/${state.seed}/${state.life}`,
      mediated: opened.mediated,
      guest: opened.guest,
    });
    live.activity = "running";
    live.owed.wakes++;
    ready(live);
  }

  function unwanted(live: Live, state: State): boolean {
    return gone.aborted || !lives.current(live) || isEnded(state) || state.phase === "paused" || parts.draining();
  }

  function failed(live: Live, error: unknown): void {
    const { state } = live;
    // of one that was begun anew meanwhile nothing more may be recorded: its journal goes with the next commit
    if (state === undefined || gone.aborted || !lives.current(live)) return idle(live);
    const unopened = error instanceof Unopened;
    if (unopened) live.unopened++;
    if (isUnavailable(error) || (unopened && live.unopened >= MAX_OPENINGS)) {
      live.unopened = 0;
      lives.append(live, parked(state, "code_unavailable", error.message, parts.facts(live.key.tenant)));
      return idle(live);
    }
    // others run meanwhile; itself it does not before its time, whoever asks something of it
    leave(live);
    clock.setTimer(openingPause(unopened ? live.unopened : 0), () => {
      live.activity = "none";
      if (!gone.aborted && lives.current(live)) proceed(live);
    });
  }

  /** An opening that comes to nothing. */
  function idle(live: Live): void {
    live.activity = "none";
    leave(live);
    lives.release(live);
  }

  /** Another may run in its place, if it still has one. */
  function leave(live: Live): void {
    if (!live.placed) return;
    live.placed = false;
    slots.give(live.key.tenant, live.text);
    room.leave();
  }

  /** Brings in whoever is next, as long as there is a place. */
  function pull(): void {
    if (pulling || gone.aborted || parts.draining()) return;
    pulling = true;
    for (let next = slots.next(); next !== undefined; next = slots.next()) {
      bring(next.key, next.text);
      if (slots.roomy(next.key.tenant)) parts.more(next.key.tenant);
    }
    pulling = false;
  }

  function bring(key: InstanceKey, text: string): void {
    const over = (): void => {
      // whoever ended or was paused while it waited has no turn
      slots.unused(key, text);
      pull();
    };
    const found = lives.find(key, (live) => {
      if (live !== undefined) proceed(live);
      over();
    });
    // a store that does not answer has lost nothing: the instance is found again when it does
    found?.catch((error) => isUnreadable(error) || gone.aborted ? over() : void clock.setTimer(RETRY, () => bring(key, text)));
  }

  async function wake(key: InstanceKey): Promise<boolean> {
    const text = keyText(key);
    const { concurrency } = opener.limits(key.tenant);
    if (lives.peek(key) === undefined && !slots.free(key.tenant, concurrency)) return slots.remember(key, text, concurrency);
    try {
      return await lives.find(key, (live) => {
        if (live?.state !== undefined) proceed(live);
        return true;
      });
    } catch (error) {
      if (isUnreadable(error)) return true;
      throw error;
    }
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
      draining: () => parts.draining() || live.held !== undefined,
      turning: parts.turning,
      runnable: () => ready(live),
      streams: parts.streams.of(live, state),
      call,
      start: (op, child) => parts.start(live.key, state, op, child),
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
    const began = clock.monotonic();
    const standing = execution.advance(TURNS, SLICE);
    live.owed.cpu += clock.monotonic() - began;
    if (live.suspect && state.crashes === 0) absolve(live);
    if (live.held !== undefined && !isBusy(state)) live.held();
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
    if (live.activity !== "opening") live.activity = "none";
    // also of one that is being opened: its place is known by its name, which the life that follows has, too
    leave(live);
    live.held?.();
  }

  /** It has made progress: whoever waits because of it may run. */
  function absolve(live: Live): void {
    live.suspect = false;
    slots.clear(live.text);
    pull();
  }

  return {
    proceed,
    end,
    wake,
    remembers: ({ key, text }) => slots.has(key.tenant, text),
    roomy: slots.roomy,
    stop,
  };
}

/** What bounds it beside its tenant's limit: its workflow's, and its own. */
function groupsOf({ key: { tenant, workflow }, state }: Live, { concurrency, workflowConcurrency }: Limits): readonly Group[] {
  const own = state?.concurrency;
  if (own === undefined && workflowConcurrency >= concurrency) return NO_GROUPS;
  const groups: Group[] = [];
  if (workflowConcurrency < concurrency) groups.push({ name: JSON.stringify([tenant, workflow]), limit: workflowConcurrency });
  if (own !== undefined) groups.push({ name: JSON.stringify([tenant, workflow, own.key]), limit: own.limit });
  return groups;
}
