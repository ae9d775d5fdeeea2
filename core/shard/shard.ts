/**
 * Many instances, one owner: loads them, applies requests, runs them, lets them go.
 *
 * Everything of a shard happens in one process and in one order; what is decided here is made durable by the
 * committer and counts only if the epoch still does.
 *
 * @module
 */
import { findVersion, readTenant, tenantCell, type TenantRecord, withVersion } from "../code/tenant_record.ts";
import { TenureError } from "../errors.ts";
import type { Desk } from "../execution/desk.ts";
import { createExecution } from "../execution/execution.ts";
import { keyText } from "../ids.ts";
import type { Facts, Records } from "../instance/decide/common.ts";
import { eventReceived, interrupted, parked, pauseRequested, resumed, terminated } from "../instance/decide/control.ts";
import { stateOf } from "../instance/evolve.ts";
import { record } from "../instance/records.ts";
import { emptyState, isEnded, nextDue, type State } from "../instance/state.ts";
import type { Clock } from "../ports/clock.ts";
import type { Head, InstanceKey, Store } from "../ports/store.ts";
import type { Opener } from "./activation.ts";
import type { Committer } from "./committer.ts";
import { appendTo, type Live, makeLive } from "./live.ts";
import { DONE, type InstanceRequest, notFound, type Outcome, refused, type Request } from "./requests.ts";
import type { RunQueue } from "./run_queue.ts";
import { createTimers, type Timers } from "./timers.ts";

/** What a shard is made of. */
export interface ShardParts {
  readonly shard: number;
  readonly store: Store;
  readonly clock: Clock;
  readonly committer: Committer;
  readonly opener: Opener;
  /** Where instances that can go on wait for their turn. */
  readonly runnable: RunQueue<() => void>;
  /** Asks the engine to run the queue and to flush. */
  pump(): void;
  draining(): boolean;
  /** Counts activations of all shards; resolves when another may begin. */
  readonly room: Room;
  /** A head was committed, or the instance is gone. */
  changed(text: string, head: Head | undefined): void;
}

/** A bound on how many instances run at a time. */
export interface Room {
  enter(): void;
  leave(): void;
  full(): boolean;
  /** Resolves when it is not full. */
  wait(): Promise<void>;
}

/** One owned shard. */
export interface Shard {
  /** Applies a request; the outcome holds when the committer's next {@linkcode Committer.wait} says so. */
  apply(request: Request): Promise<Outcome> | Outcome;
  /** Begins to run what the owner before left, then what is due. */
  begin(clean: boolean): void;
  committed(live: Live, head: Head | undefined): void;
  /** Attempts that run. */
  running(): number;
  /** Records for what runs that it is cut off, before a release. */
  release(): void;
  /** Drops all of it. */
  close(): void;
}

/** Turns that an execution may take before another gets its turn. */
const TURNS = 16;
/** Before a platform's trouble (a sandbox or `env` that throws) is tried again, ms. */
const RETRY = 1_000;

/** Makes the owner's side of one shard. */
export function createShard(parts: ShardParts): Shard {
  const { shard, store, clock, committer, opener, room } = parts;
  const lives = new Map<string, Live>();
  const loading = new Map<string, Promise<Live | undefined>>();
  const tenants = new Map<string, TenantRecord | undefined>();
  const gone = new AbortController();
  let clean = true;
  const timers: Timers = createTimers({ store, clock, shard, room: room.wait, wake });

  const facts = (tenant: string): Facts => ({
    now: clock.now(),
    limits: opener.limits(tenant),
    draining: parts.draining(),
  });

  // ---- instances in memory

  function find(key: InstanceKey): Live | undefined | Promise<Live | undefined> {
    const text = keyText(key);
    const live = lives.get(text);
    if (live !== undefined) return live;
    let reading = loading.get(text);
    if (reading === undefined) {
      reading = read(key, text).finally(() => loading.delete(text));
      loading.set(text, reading);
    }
    return reading;
  }

  async function read(key: InstanceKey, text: string): Promise<Live | undefined> {
    const image = await store.load(shard, key);
    if (image === null || gone.signal.aborted) return undefined;
    const { tenant, workflow, id } = key;
    const live = makeLive({ tenant, workflow, id }, text, stateOf(image.journal));
    const { status, wake, ended, data } = image.head;
    live.written = `${status} ${wake} ${ended} ${data}`;
    live.wake = wake;
    lives.set(text, live);
    return live;
  }

  function append(live: Live, records: Records): void {
    const { state } = live;
    if (records.length === 0 || state === undefined) return;
    appendTo(live, state, records);
    committer.touch(shard, live);
  }

  function evictable(live: Live): boolean {
    return live.execution === undefined && !live.queued && live.lines.length === 0 && live.durable >= live.first &&
      live.activity !== "opening";
  }

  function release(live: Live): void {
    if (evictable(live) && lives.get(live.text) === live) lives.delete(live.text);
  }

  function committed(live: Live, head: Head | undefined): void {
    if (head !== undefined) {
      parts.changed(live.text, head);
      if (head.wake !== null && head.wake > 0) timers.note(head.wake);
    }
    if (live.state === undefined) parts.changed(live.text, undefined);
    release(live);
  }

  // ---- requests

  function apply(request: Request): Promise<Outcome> | Outcome {
    if (request.verb === "deploy" || request.verb === "activate") {
      return then(tenantOf(request.tenant), (tenant) => deploy(request, tenant));
    }
    if (request.verb === "create") {
      return then(tenantOf(request.tenant), (tenant) => {
        if (request.fresh) return create(request, undefined, tenant);
        return then(find(request), (live) => create(request, live, tenant));
      });
    }
    if (request.verb === "restart") {
      return then(tenantOf(request.tenant), (tenant) => then(find(request), (live) => control(request, live, tenant)));
    }
    return then(find(request), (live) => control(request, live, undefined));
  }

  function tenantOf(tenant: string): TenantRecord | undefined | Promise<TenantRecord | undefined> {
    if (tenants.has(tenant)) return tenants.get(tenant);
    return store.cell(shard, tenantCell(tenant)).then((text) => {
      // a deployment may have been applied while the store was read
      if (!tenants.has(tenant)) remember(tenant, readTenant(text));
      return tenants.get(tenant);
    });
  }

  function remember(tenant: string, known: TenantRecord | undefined): void {
    if (tenants.size > 10_000) tenants.delete(tenants.keys().next().value as string);
    tenants.set(tenant, known);
  }

  function deploy(request: Extract<Request, { verb: "deploy" | "activate" }>, tenant: TenantRecord | undefined): Outcome {
    const { version } = request;
    const known = findVersion(tenant, version);
    if (request.verb === "activate" && known === undefined) {
      return refused("version_not_found", `Cannot activate the version "${version}": it was never deployed`);
    }
    const deployed = known ?? { version, at: clock.now(), classes: request.verb === "deploy" ? request.classes : [] };
    const next = withVersion(tenant, deployed);
    remember(request.tenant, next);
    committer.cell(shard, tenantCell(request.tenant), JSON.stringify(next));
    return DONE;
  }

  /** The version that a new life gets, or why there is none. */
  function versionFor(workflow: string, tenant: TenantRecord | undefined, asked?: string): string | Outcome {
    const registered = opener.registered(workflow);
    if (registered !== undefined) return registered;
    if (tenant === undefined) {
      return refused("no_active_version", `Cannot create an instance of "${workflow}": the tenant has deployed no code`);
    }
    const version = findVersion(tenant, asked ?? tenant.active);
    if (version === undefined) {
      return refused("version_not_found", `Cannot create an instance in the version "${asked}": it was never deployed`);
    }
    if (!version.classes.includes(workflow)) {
      return refused("workflow_not_found", `Cannot find the workflow "${workflow}": the code exports no such class`);
    }
    return version.version;
  }

  function create(
    request: Extract<Request, { verb: "create" }>,
    existing: Live | undefined,
    tenant: TenantRecord | undefined,
  ): Outcome {
    if (existing?.state !== undefined) {
      return refused("instance.already_exists", `(instance.already_exists) The instance "${request.id}" exists already`);
    }
    const version = versionFor(request.workflow, tenant, request.version);
    if (typeof version !== "string") return version;
    const key = { tenant: request.tenant, workflow: request.workflow, id: request.id };
    bear(key, 1, version, request.params, existing);
    return DONE;
  }

  /** A new life: its predecessor's journal goes with the same commit. */
  function bear(key: InstanceKey, life: number, version: string, params: string, before: Live | undefined): void {
    const live = makeLive(key, keyText(key), emptyState());
    if (before !== undefined) {
      live.drop = true;
      end(before);
      committer.discard(shard, before);
    }
    lives.set(live.text, live);
    const head = { k: "created", t: clock.now(), life, version, seed: clock.uuid(), rng: 1 } as const;
    append(live, [record(head, params)]);
    activate(live);
  }

  function control(request: InstanceRequest, live: Live | undefined, tenant: TenantRecord | undefined): Outcome {
    const state = live?.state;
    if (live === undefined || state === undefined) return notFound(request.id);
    const world = facts(request.tenant);
    const outcome = decide();
    if (evictable(live)) release(live);
    return outcome;

    function decide(): Outcome {
      if (live === undefined || state === undefined) return DONE;
      switch (request.verb) {
        case "event":
          if (isEnded(state)) {
            return refused("instance.ended", `Cannot send an event to the instance "${request.id}": it has ended`);
          }
          if (state.buffered >= world.limits.bufferedEvents) {
            return refused("quota_exceeded", `Cannot send an event to the instance "${request.id}": ${state.buffered} events wait already`);
          }
          append(live, eventReceived(state, { type: request.type, payload: request.payload, id: request.event, at: request.at }, world));
          proceed(live);
          return DONE;
        case "pause":
          append(live, pauseRequested(state, world));
          proceed(live);
          return DONE;
        case "resume":
          append(live, resumed(state, world));
          proceed(live);
          return DONE;
        case "terminate":
          if (isEnded(state)) {
            return refused("instance.cannot_terminate", `(instance.cannot_terminate) Cannot terminate the instance "${request.id}": it has ended`);
          }
          append(live, terminated(state, world));
          end(live);
          return DONE;
        case "restart": {
          const version = versionFor(request.workflow, tenant);
          if (typeof version !== "string") return version;
          bear(live.key, state.life + 1, version, state.params, live);
          return DONE;
        }
        case "delete": {
          const tombstone = makeLive(live.key, live.text, undefined);
          tombstone.drop = true;
          end(live);
          committer.discard(shard, live);
          lives.set(live.text, tombstone);
          committer.touch(shard, tombstone);
          return DONE;
        }
        case "create":
          return DONE;
        default:
          return request satisfies never;
      }
    }
  }

  // ---- running

  async function wake(key: InstanceKey, recovered: boolean): Promise<void> {
    const live = await find(key);
    if (live?.state === undefined) return;
    if (recovered && !clean && live.activity === "none") live.crashed = true;
    proceed(live);
  }

  /** Something changed: it runs if it can. */
  function proceed(live: Live): void {
    const { state } = live;
    if (live.execution !== undefined) return ready(live);
    if (state === undefined || isEnded(state) || state.phase === "paused") return release(live);
    activate(live);
  }

  function activate(live: Live): void {
    if (live.activity === "opening" || live.activity === "running" || parts.draining()) return;
    if (room.full()) {
      live.activity = "waiting";
      committer.touch(shard, live);
      return;
    }
    live.activity = "opening";
    room.enter();
    open(live).then(undefined, (error) => failed(live, error));
  }

  async function open(live: Live): Promise<void> {
    const { key, state } = live;
    if (state === undefined) return;
    if (live.crashed) {
      live.crashed = false;
      append(live, interrupted(state, "crash", facts(key.tenant)));
      // the count is durable before the code runs: what kills the process is found out (I23)
      const durable = new Promise<void>((done) => live.waiters.push(done));
      parts.pump();
      await durable;
    }
    if (unwanted(live, state)) return idle(live);
    const opened = await opener.open(key, state.version, () => live.execution?.collect(), gone.signal);
    if (unwanted(live, state)) {
      opened.guest.drop();
      return idle(live);
    }
    const desk = deskOf(live, state, opened.call);
    live.execution = createExecution(desk, {
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
    return gone.signal.aborted || lives.get(live.text) !== live || isEnded(state) || state.phase === "paused" || parts.draining();
  }

  function failed(live: Live, error: unknown): void {
    const { state } = live;
    if (state === undefined || gone.signal.aborted) return idle(live);
    if (error instanceof TenureError && error.code === "code_unavailable") {
      append(live, parked(state, "code_unavailable", error.message, facts(live.key.tenant)));
      idle(live);
      return parts.pump();
    }
    clock.setTimer(RETRY, () => {
      idle(live);
      if (!gone.signal.aborted && lives.get(live.text) === live) proceed(live);
      parts.pump();
    });
  }

  function idle(live: Live): void {
    if (live.activity !== "opening" && live.activity !== "running") return;
    live.activity = "none";
    room.leave();
    release(live);
  }

  function deskOf(live: Live, state: State, call: Desk["call"]): Desk {
    return {
      clock,
      limits: opener.limits(live.key.tenant),
      state,
      append: (records) => append(live, records),
      afterCommit(run) {
        live.waiters.push(run);
        committer.touch(shard, live);
      },
      durable: () => live.durable,
      draining: parts.draining,
      runnable: () => ready(live),
      call,
      log(line) {
        const show = (): void => opener.log(live.key, line);
        if (live.lines.length === 0 && !live.queued) show();
        else live.waiters.push(show);
      },
    };
  }

  function ready(live: Live): void {
    if (live.execution === undefined) return;
    parts.runnable.push(live.key.tenant, turnOf(live));
    parts.pump();
  }

  const turns = new WeakMap<Live, () => void>();
  function turnOf(live: Live): () => void {
    let turn = turns.get(live);
    if (turn === undefined) turns.set(live, turn = () => advance(live));
    return turn;
  }

  function advance(live: Live): void {
    const { execution, state } = live;
    if (execution === undefined || state === undefined || lives.get(live.text) !== live) return;
    const standing = execution.advance(TURNS);
    switch (standing) {
      case "ready":
        return ready(live);
      case "busy":
        return arm(live, nextDue(state));
      case "dead":
        end(live);
        return activate(live);
      case "resting":
      case "over":
        end(live);
        live.activity = standing === "resting" ? "resting" : "none";
        committer.touch(shard, live);
        return;
      default:
        standing satisfies never;
    }
  }

  /** A running instance watches its own next due time: the store's timers do not know it. */
  function arm(live: Live, due: number | null): void {
    if (live.timerAt === due) return;
    live.stopTimer?.();
    live.stopTimer = undefined;
    live.timerAt = due;
    if (due === null) return;
    live.stopTimer = clock.setTimer(Math.max(0, due - clock.now()), () => {
      live.timerAt = null;
      ready(live);
    });
  }

  /** Lets its guest go. */
  function end(live: Live): void {
    arm(live, null);
    live.execution?.close();
    live.execution = undefined;
    if (live.activity === "running") room.leave();
    if (live.activity !== "opening") live.activity = "none";
  }

  return {
    apply,
    begin(wasClean) {
      clean = wasClean;
      timers.recover();
    },
    committed,
    running() {
      let n = 0;
      for (const live of lives.values()) n += live.execution?.running() ?? 0;
      return n;
    },
    release() {
      for (const live of lives.values()) {
        const { execution, state } = live;
        if (execution !== undefined && state !== undefined && execution.running() > 0) {
          append(live, interrupted(state, "release", facts(live.key.tenant)));
        }
        end(live);
      }
    },
    close() {
      gone.abort();
      timers.stop();
      for (const live of lives.values()) end(live);
      lives.clear();
    },
  };
}

/** Goes on at once when there is nothing to wait for: a request for what is in memory is applied where it arrives. */
function then<A, B>(value: A | Promise<A>, next: (value: A) => B | Promise<B>): B | Promise<B> {
  return value instanceof Promise ? value.then(next) : next(value);
}
