/**
 * The engine of one process: its shards, their ownership, one committer, one loop.
 *
 * @module
 */
import { storageFailed } from "../caller_store.ts";
import { TenureError } from "../errors.ts";
import { shardOf } from "../ids.ts";
import { pause } from "../pause.ts";
import type { Clock } from "../ports/clock.ts";
import type { InstanceKey, Store } from "../ports/store.ts";
import type { Opener } from "./activation.ts";
import type { Bounds } from "./bounds.ts";
import { createCommitter, outcomeUnknown } from "./committer.ts";
import type { Formats } from "./format.ts";
import { createHints } from "./hints.ts";
import { createOwnership } from "./ownership.ts";
import { errorOf, type Outcome, type Request, type Verdict, tenantOf } from "./requests.ts";
import { createRunQueue } from "./run_queue.ts";
import { createRoom } from "./room.ts";
import { createShard, type Shard } from "./shard.ts";
import type { UpgradeRequest } from "./upgrade.ts";
import { createWatchers, type Watchers } from "./watchers.ts";

/** What an engine is made of. */
export interface EngineParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly opener: Opener;
  readonly formats: Formats;
  /** False: serves the API and owns nothing. */
  readonly own: boolean;
  /** Instances that run at one time in this process. */
  readonly maxRunning: number;
  readonly bounds: Bounds;
  /** How long a shard stays an owner's who is not heard of, ms, where ownership is by lease. */
  readonly lease: number;
}

/** One process's engine. */
export interface Engine {
  /** Acquires what is free. Resolves when each shard is owned or known to be somebody else's. */
  start(): Promise<void>;
  /** Has a request applied by the owner, whoever that is; resolves when it is durable, rejects when it is refused. */
  submit(request: Exclude<Request, { verb: "upgrade" | "format" }>): Promise<void>;
  /** Has the owner look at an instance in another version, and move it there. */
  upgrade(request: UpgradeRequest): Promise<Verdict>;
  /** Has every shard written in the newest format. Rejects with `storage_newer` when an owner does not know it. */
  upgradeFormat(): Promise<void>;
  /** {@linkcode Watchers.watch} */
  readonly watch: Watchers["watch"];
  /** Whether it has ended: nothing is read or told any more. */
  closed(): boolean;
  /** The newest format that it reads. */
  readonly format: number;
  /** Calls `look` once, when what others do may have changed something of the tenant, at the latest when it is time to look anyway. Returns its canceller. */
  later(tenant: string, ms: number, look: () => void): () => void;
  /** Whether this process owns the tenant's shard. */
  owns(tenant: string): boolean;
  /** Whether the instance is in this process's memory and has not ended: whoever watches will be told. */
  alive(key: InstanceKey): boolean;
  /** The shard of a tenant. */
  shardOf(tenant: string): number;
  /** Lets go: what runs is recorded or released. Resolves with how many attempts were cut off. */
  close(timeout: number): Promise<{ readonly released: number }>;
}

/** How often somebody asks for an outcome, ms. */
const ASK = 50;
/** How long somebody waits for an owner to answer, ms; twice the lease when that is more. */
const PATIENCE = 30_000;
/** Bounds of how long instances run before what they did is committed, ms. */
const SLICE = { least: 1, min: 4, max: 25 };
const MAX_TURNS = 4_096;
const DONE = Promise.resolve();
/** Tasks that a commit waits for turns under way: those of a guest in this process take one each. */
const MAX_PUT_OFF = 3;

/** Makes one; owns nothing before {@linkcode Engine.start}. */
export function createEngine({ store, clock, opener, formats, own, maxRunning, bounds, lease }: EngineParts): Engine {
  const { watch, changed, appended, lookForYourselves } = createWatchers();
  const runnable = createRunQueue<() => void>();
  const room = createRoom(maxRunning);
  const hints = createHints(store, clock);
  let pumping: "no" | "soon" | "now" = "no";
  /** Turns of asynchronous guests that are under way. */
  let turning = 0;
  /** How many tasks the commit has been put off for them. */
  let putOff = 0;
  let warmed = false, draining = false, closed = false;

  const committer = createCommitter(store, clock, {
    epoch: (shard) => owned.get(shard)?.epoch,
    ownership: (shard) => owned.get(shard),
    reacquire: (shard) => owned.reacquire(shard),
    lost: (shard) => owned.lose(shard),
    committed: (shard, live, head) => owned.get(shard)?.shard.committed(live, head),
    queued: () => pump(),
    // a task of its own between two commits: the host's own work gets its turn
    returned: () => pumping === "no" ? later() : undefined,
    account: (shard, live) => owned.get(shard)?.shard.account(live),
  });

  const owned = createOwnership({
    store,
    clock,
    formats,
    committer,
    hints,
    owner: clock.uuid(),
    lease,
    ending: () => draining || closed,
    make: (shard, clean, leaving) =>
      createShard({
        shard,
        store,
        clock,
        committer,
        opener,
        formats,
        runnable,
        room,
        bounds,
        pump,
        draining: () => draining || leaving(),
        turning: (by) => void (turning += by),
        clean,
        changed,
        appended,
      }),
    lost: lookForYourselves,
    spare() {
      if (!warmed) opener.warm();
      warmed = true;
    },
  });

  function pump(): void {
    if (pumping !== "no" || closed) return;
    pumping = "soon";
    // not queueMicrotask, which not every runtime runs in one order with the reactions of promises
    void DONE.then(work);
  }

  function later(): void {
    if (closed) return;
    pumping = "soon";
    clock.defer(work);
  }

  /** Runs what can go on for a slice of time, then commits what came of it. */
  function work(): void {
    pumping = "now";
    // what others have queued is not what somebody waits for who has asked for one thing
    if (runnable.long() && committer.has((tenant) => !runnable.has(tenant))) committer.flush();
    const latency = committer.latency(), begin = clock.monotonic();
    let end = begin + Math.min(SLICE.max, Math.max(SLICE.min, latency * 3));
    for (let n = 0; n < MAX_TURNS; n++) {
      const turn = runnable.shift();
      if (turn === undefined) break;
      turn();
      // nor is a tenant that has had its turn to wait until those of long queues have had many
      if (runnable.emptied() && runnable.long()) end = Math.min(end, begin + Math.max(SLICE.least, latency));
      if (clock.monotonic() >= end) break;
    }
    pumping = "no";
    // what a guest that takes a task for its turn comes to in the next ones shares this commit
    if (turning > 0 && !committer.idle() && putOff++ < MAX_PUT_OFF) return later();
    putOff = 0;
    committer.flush();
    if (runnable.size() > 0) later();
  }

  // ---- requests

  function submit(request: Exclude<Request, { verb: "format" }>): Promise<Verdict | undefined> {
    return submitTo(shardOf(request.tenant, store.shards), request);
  }

  async function submitTo(shard: number, request: Request): Promise<Verdict | undefined> {
    if (closed || draining) throw new TenureError("closed", "Cannot take a request: the engine is closed");
    const since = committer.outage();
    if (since !== undefined && clock.monotonic() - since > 2_000) {
      throw new TenureError("storage_unavailable", "Cannot take a request: the storage does not answer");
    }
    const mine = owned.get(shard);
    const outcome = mine === undefined || mine.closing ? await ask(shard, request) : await applied(shard, mine.shard, request);
    if (!outcome.ok) throw errorOf(outcome);
    return outcome.verdict;
  }

  async function applied(shard: number, of: Shard, request: Request): Promise<Outcome> {
    let outcome: Promise<Outcome> | undefined;
    try {
      // what is in memory is decided here and now, so that a thousand requests of one task share a commit
      await of.apply(request, (decided, live) => {
        outcome = new Promise<Outcome>((resolve, reject) => {
          // it says nothing of what is not durable
          if (!decided.ok && decided.code === "quota_exceeded") return resolve(decided);
          committer.wait(shard, tenantOf(request), {
            ok: () => resolve(decided),
            // nothing of it counts: the owner that follows may be asked
            lost: (unknown) => unknown ? reject(outcomeUnknown(undefined)) : ask(shard, request).then(resolve, reject),
            outage: (cause) => reject(outcomeUnknown(cause)),
          }, live);
        });
      });
    } catch (cause) {
      if (owned.get(shard)?.shard !== of) return ask(shard, request);
      throw cause instanceof TenureError && cause.code !== "storage_unavailable" ? cause : storageFailed(cause);
    }
    return await (outcome as Promise<Outcome>);
  }

  /** Leaves a message for the owner and waits for what comes of it. */
  async function ask(shard: number, request: Request): Promise<Outcome> {
    if (closed) throw new TenureError("closed", "Cannot take a request: the engine is closed");
    await formats.check(shard);
    const key = clock.uuid();
    // it may have been left there all the same
    await store.post(shard, { key, body: JSON.stringify(request) }).catch((cause) => {
      throw outcomeUnknown(cause);
    });
    const until = clock.monotonic() + Math.max(PATIENCE, lease * 2);
    for (let pause = 5; clock.monotonic() < until && !closed; pause = Math.min(pause * 2, ASK)) {
      await new Promise<void>((done) => void hints.wait(shard, pause, done));
      const outcome = await store.outcome(shard, key).catch(() => null);
      if (outcome !== null) return JSON.parse(outcome) as Outcome;
    }
    throw outcomeUnknown(undefined);
  }

  // ---- the end

  async function close(timeout: number): Promise<{ readonly released: number }> {
    if (closed) return { released: 0 };
    draining = true;
    const until = clock.monotonic() + timeout;
    const running = (): number => [...owned.all()].reduce((n, [, { shard }]) => n + shard.running(), 0);
    // the others share out what will be free: nothing waits for it
    const retired = own ? owned.retire() : undefined;
    while (running() > 0 && clock.monotonic() < until) {
      await pause(clock, Math.min(5, timeout));
    }
    const released = running();
    for (const [, { shard }] of owned.all()) shard.release();
    while (!committer.idle() && clock.monotonic() < until + 1_000) {
      committer.flush();
      await pause(clock, 1);
    }
    // what the owner before left and nobody has found yet is still to be counted: the next one has to look again
    const clean = committer.idle() ? [...owned.all()].filter(([, { shard }]) => shard.recovered()) : [];
    closed = true;
    hints.stop();
    committer.stop();
    runnable.clear();
    owned.drop();
    for (const [shard, { epoch }] of clean) await store.release(shard, epoch).catch(() => {});
    await retired;
    await store.close().catch(() => {});
    lookForYourselves();
    return { released };
  }

  return {
    start: () => own ? owned.start() : DONE,
    submit: submit as Engine["submit"],
    upgrade: submit as Engine["upgrade"],
    async upgradeFormat() {
      for (let shard = 0; shard < store.shards; shard++) await submitTo(shard, { verb: "format", to: formats.newest });
    },
    watch,
    closed: () => closed,
    format: formats.newest,
    later: (tenant, ms, look) => hints.wait(shardOf(tenant, store.shards), ms, look),
    owns: (tenant) => owned.get(shardOf(tenant, store.shards)) !== undefined,
    alive: (key) => owned.get(shardOf(key.tenant, store.shards))?.shard.alive(key) ?? false,
    shardOf: (tenant) => shardOf(tenant, store.shards),
    close,
  };
}
