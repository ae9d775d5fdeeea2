/**
 * Group commit: the progress of many instances and shards in one fenced batch, one batch in flight.
 *
 * What is queued while a batch is in flight goes with the next one; nothing waits for a timer. A thrown commit means
 * that its outcome is unknown: the shards are acquired again, and the store's last batch id says whether it counts,
 * or whether it can be sent again because nobody has written since.
 *
 * @module
 */
import { TenureError } from "../errors.ts";
import { pause } from "../pause.ts";
import type { Clock } from "../ports/clock.ts";
import type { Head, Lease, ShardBatch, Store } from "../ports/store.ts";
import { type Ack, changedHead, type Live, takeLines, type Waiter } from "./live.ts";

/** What the committer asks of its shards. */
export interface Owners {
  /** The epoch of an owned shard. */
  epoch(shard: number): number | undefined;
  /** The ownership that holds now: another one after a loss, though the shard be the same. */
  ownership(shard: number): object | undefined;
  /** Acquires again after an unknown outcome; the new epoch counts from then on. `null`: somebody else has it. */
  reacquire(shard: number): Promise<Lease | null>;
  /** The shard is not ours any more. */
  lost(shard: number): void;
  /** An instance is durable up to its `durable` number; `head` when it was written. */
  committed(shard: number, live: Live, head: Head | undefined): void;
  /** Something is queued: to be flushed soon. */
  queued(): void;
  /** A batch is no more in flight. */
  returned(): void;
  /** An instance's head is written, or it goes: makes the cell of its tenant's account that the same batch has to hold. */
  account(shard: number, live: Live): (() => Cell) | undefined;
}

/** A small keyed value of a shard; `null`: none. */
export type Cell = ShardBatch["cells"][number];

/** The one writer of an engine. */
export interface Committer {
  /** Queues what a live instance has that is not durable. */
  touch(shard: number, live: Live): void;
  /** Forgets what is queued of an instance whose life ends here; who waits for it waits for `successor`. */
  discard(shard: number, live: Live, successor: Live): void;
  /** Queues a cell of a tenant, or of nobody (`""`); with `live`: to be in the batch that holds what is queued of that. */
  cell(shard: number, tenant: string, cell: Cell, live?: Live): void;
  /** Queues the acknowledgement of a message, with what it left of `live`. */
  ack(shard: number, tenant: string, ack: Omit<Ack, "at">, live?: Live): void;
  /** Calls the waiter when what is queued of `live`, or else of all of the tenant's, is durable. */
  wait(shard: number, tenant: string, waiter: Waiter, live?: Live): void;
  /** Sends what is queued, unless a batch is in flight: its return does. */
  flush(): void;
  /** Last batch known of a shard, as it was acquired. */
  acquired(shard: number, lastBatch: string): void;
  /** Forgets what is queued for a shard; its waiters are told. */
  forget(shard: number): void;
  /** Whether something is queued of a tenant of which this is true. */
  has(tenant: (tenant: string) => boolean): boolean;
  /** Whether nothing is queued or in flight. */
  idle(): boolean;
  /** Whether nothing of the shard is queued or in flight. */
  settled(shard: number): boolean;
  /** How long the last commit took, ms. */
  latency(): number;
  /** Since when the storage has not answered (monotonic ms), or `undefined`. */
  outage(): number | undefined;
  /** Stops trying: whoever waits is told. */
  stop(): void;
}

/** What is queued of one tenant. */
interface Pending {
  readonly lives: Set<Live>;
  readonly cells: Map<string, string | null>;
  readonly acks: Ack[];
  readonly waiters: Waiter[];
}

interface Part extends Omit<ShardBatch, "epoch"> {
  readonly ownership: object | undefined;
  readonly written: readonly { readonly live: Live; readonly head: Head | undefined; readonly upTo: number }[];
  readonly jobs: readonly (() => void)[];
  readonly waiters: Waiter[];
}

/** Callers are told after so long without an answer, ms. */
const PATIENCE = 5_000;
/** Longest pause before a store that fails is asked again, ms. */
const MAX_PAUSE = 2_000;
/** Instances of one tenant that are taken before another tenant's. */
const TURN = 16;
const MAX_OPS = 1_000;
const MAX_BYTES = 2 ** 20;

/** Makes the writer of one engine. */
export function createCommitter(store: Store, clock: Clock, owners: Owners): Committer {
  /** By shard and tenant; tenants in turn, so that what one has queued does not delay what another has. */
  const pending = new Map<number, Map<string, Pending>>();
  const known = new Map<number, string>();
  const maxOps = Math.min(MAX_OPS, store.caps.maxOps);
  const maxBytes = Math.min(MAX_BYTES, store.caps.maxBytes);
  let inFlight: readonly Part[] | undefined;
  let stopped = false;
  let latency = 0;
  let failingSince: number | undefined;

  function of(shard: number, tenant: string): Pending {
    let tenants = pending.get(shard);
    if (tenants === undefined) {
      pending.set(shard, tenants = new Map());
      owners.queued();
    }
    let p = tenants.get(tenant);
    if (p === undefined) tenants.set(tenant, p = { lives: new Set(), cells: new Map(), acks: [], waiters: [] });
    return p;
  }

  /** Whether some have little queued beside others who have much: then the batch is to be short, for they wait for it. */
  function isUneven(): boolean {
    let few = false, many = false;
    for (const tenants of pending.values()) {
      for (const { lives } of tenants.values()) {
        if (lives.size > TURN) many = true;
        else few = true;
        if (few && many) return true;
      }
    }
    return false;
  }

  /** Takes up to a batch's worth. Who waits for all of a tenant's goes with its last part. */
  function build(): Part[] {
    const parts: Part[] = [];
    let ops = 0;
    let bytes = 0;
    const full = (): boolean => ops >= maxOps || bytes >= maxBytes;
    const uneven = isUneven();
    for (const [shard, tenants] of pending) {
      if (parts.length >= store.caps.fencesPerCommit || full()) break;
      const drops = [], heads = [], appends = [], written = [], cells = new Map<string, string | null>();
      const acks: Ack[] = [], waiters: Waiter[] = [], jobs: (() => void)[] = [];
      const later: [string, Pending][] = [];
      // whoever has more goes to the end, and is met there again, or in the next batch when others wait for this one
      for (const [tenant, p] of tenants) {
        if (full()) break;
        tenants.delete(tenant);
        let turn = 0;
        let account: (() => Cell) | undefined;
        for (const live of p.lives) {
          if (turn++ === TURN || full()) break;
          p.lives.delete(live);
          live.queued = false;
          live.inFlight = true;
          const dropped = live.drop;
          if (dropped) drops.push(live.key);
          const head = changedHead(live);
          if (head !== undefined) heads.push(head);
          live.drop = false;
          // nothing of what is counted changes but with a head
          if (head !== undefined || dropped) account = owners.account(shard, live) ?? account;
          const append = takeLines(live);
          if (append !== undefined) appends.push(append);
          written.push({ live, head, upTo: live.first });
          jobs.push(...live.waiters);
          live.waiters = [];
          waiters.push(...live.callers.splice(0));
          ops += 2 + live.acks.length + live.cells.length;
          for (const { key, value } of live.cells.splice(0)) {
            cells.set(key, value);
            bytes += value?.length ?? 0;
          }
          acks.push(...live.acks.splice(0));
          bytes += (append?.text.length ?? 0) + (head?.data.length ?? 0);
        }
        if (account !== undefined) {
          const { key, value } = account();
          if (!cells.has(key)) ops++;
          cells.set(key, value);
        }
        if (p.lives.size > 0) {
          if (uneven) later.push([tenant, p]);
          else tenants.set(tenant, p);
          continue;
        }
        for (const [key, value] of p.cells) cells.set(key, value);
        ops += p.cells.size + p.acks.length;
        acks.push(...p.acks);
        waiters.push(...p.waiters);
      }
      pending.delete(shard);
      for (const [tenant, p] of later) tenants.set(tenant, p);
      // there is more: another shard is first next time
      if (tenants.size > 0) pending.set(shard, tenants);
      const all = [...cells].map(([key, value]) => ({ key, value }));
      parts.push({ shard, ownership: owners.ownership(shard), drops, heads, appends, cells: all, acks, written, jobs, waiters });
    }
    return parts;
  }

  function flush(): void {
    if (inFlight !== undefined || stopped || pending.size === 0) return;
    const parts = inFlight = build();
    const over = (): void => {
      inFlight = undefined;
      failingSince = undefined;
      owners.returned();
    };
    write(parts).then(over, (error) => {
      over();
      throw error;
    });
  }

  async function write(parts: Part[]): Promise<void> {
    // whoever asked for nothing new still has to see only what is durable, and it is: nothing is in flight
    if (parts.every(isEmpty)) return finish(parts);
    for (let left = parts, wait = 0; left.length > 0 && !stopped; wait = Math.min(wait * 2 + 10, MAX_PAUSE)) {
      // a store that may be acquired but takes no batch is not asked without rest
      if (wait > 10) await pause(clock, wait);
      const id = clock.uuid();
      const before = clock.monotonic();
      try {
        const answer = await store.commit(id, left.map(fenced));
        latency = clock.monotonic() - before;
        if (answer === "ok") return finish(left, id);
        for (const shard of answer.fenced) lose(left, shard, false);
        left = left.filter((p) => !answer.fenced.includes(p.shard));
      } catch (cause) {
        failingSince ??= before;
        outage(left, cause);
        const { applied, ours } = await resolve(left, id, cause);
        left = ours;
        if (applied) return finish(left, id);
      }
    }
    if (stopped) for (const part of parts) for (const waiter of part.waiters.splice(0)) waiter.lost(true);
  }

  function fenced(part: Part): ShardBatch {
    const { shard, drops, heads, appends, cells, acks } = part;
    // -1 is nobody's epoch: a shard that was lost meanwhile is refused like any stale writer
    const epoch = isOurs(part) ? owners.epoch(shard) ?? -1 : -1;
    return { shard, epoch, drops, heads, appends, cells, acks };
  }

  /** Whether the ownership is the one under which it was decided: one that was lost and won again has read other states. */
  function isOurs({ shard, ownership }: Part): boolean {
    return ownership !== undefined && owners.ownership(shard) === ownership;
  }

  /** Finds out what became of a batch whose commit threw. */
  async function resolve(parts: Part[], id: string, cause: unknown): Promise<{ applied: boolean; ours: Part[] }> {
    let applied = false;
    const ours: Part[] = [];
    const gone: number[] = [];
    for (const part of parts) {
      const lease = isOurs(part) ? await reacquire(part.shard, parts, cause) : null;
      if (stopped) return { applied: false, ours: [] };
      if (lease?.lastBatch === id) applied = true;
      else if (lease === null || lease.lastBatch !== (known.get(part.shard) ?? "")) {
        gone.push(part.shard);
        continue;
      }
      ours.push(part);
    }
    for (const shard of gone) {
      if (applied) for (const part of parts) if (part.shard === shard) for (const w of part.waiters.splice(0)) w.ok();
      lose(parts, shard, true);
    }
    return { applied, ours };
  }

  async function reacquire(shard: number, parts: Part[], cause: unknown): Promise<Lease | null> {
    for (let wait = 20; !stopped; wait = Math.min(wait * 2, MAX_PAUSE)) {
      try {
        return await owners.reacquire(shard);
      } catch (error) {
        outage(parts, error ?? cause);
        await pause(clock, wait);
      }
    }
    return null;
  }

  /** Tells callers who have waited long enough. */
  function outage(parts: readonly Part[], cause: unknown): void {
    if (clock.monotonic() - (failingSince ?? 0) <= PATIENCE) return;
    for (const { waiters } of parts) {
      for (const waiter of waiters.splice(0)) {
        if (waiter.outage === undefined) waiters.push(waiter);
        else waiter.outage(cause);
      }
    }
  }

  function finish(parts: readonly Part[], id?: string): void {
    for (const part of parts) {
      if (id !== undefined) known.set(part.shard, id);
      for (const { live, head, upTo } of part.written) {
        live.inFlight = false;
        live.durable = Math.max(live.durable, upTo);
        owners.committed(part.shard, live, head);
      }
      for (const job of part.jobs) job();
      for (const waiter of part.waiters) waiter.ok();
    }
  }

  function lose(parts: readonly Part[], shard: number, unknown: boolean): void {
    for (const part of parts) {
      if (part.shard !== shard) continue;
      for (const waiter of part.waiters.splice(0)) waiter.lost(unknown);
      if (isOurs(part)) owners.lost(shard);
    }
  }

  return {
    touch(shard, live) {
      if (live.queued) return;
      live.queued = true;
      of(shard, live.key.tenant).lives.add(live);
    },
    discard(shard, live, successor) {
      pending.get(shard)?.get(live.key.tenant)?.lives.delete(live);
      live.queued = false;
      live.waiters = [];
      successor.callers.push(...live.callers.splice(0));
      successor.acks.push(...live.acks.splice(0));
      successor.cells.push(...live.cells.splice(0));
    },
    cell(shard, tenant, cell, live) {
      const { cells } = of(shard, tenant);
      if (live?.queued !== true) return void cells.set(cell.key, cell.value);
      live.cells.push(cell);
      // what the tenant's last part would write is older
      cells.delete(cell.key);
    },
    ack: (shard, tenant, ack, live) => void (live?.queued === true ? live : of(shard, tenant)).acks.push({ ...ack, at: clock.now() }),
    wait: (shard, tenant, waiter, live) => void (live?.queued === true ? live.callers : of(shard, tenant).waiters).push(waiter),
    flush,
    acquired: (shard, lastBatch) => void known.set(shard, lastBatch),
    forget(shard) {
      const tenants = pending.get(shard);
      pending.delete(shard);
      for (const { lives, waiters } of tenants?.values() ?? []) {
        for (const live of lives) for (const waiter of live.callers.splice(0)) waiter.lost(false);
        for (const waiter of waiters) waiter.lost(false);
      }
    },
    has(is) {
      for (const tenants of pending.values()) for (const tenant of tenants.keys()) if (is(tenant)) return true;
      return false;
    },
    idle: () => inFlight === undefined && pending.size === 0,
    settled: (shard) => !pending.has(shard) && inFlight?.some((part) => part.shard === shard) !== true,
    latency: () => latency,
    outage: () => failingSince,
    stop() {
      stopped = true;
      for (const shard of [...pending.keys()]) this.forget(shard);
    },
  };
}

function isEmpty({ drops, heads, appends, cells, acks }: Part): boolean {
  return drops.length + heads.length + appends.length + cells.length + acks.length === 0;
}

/** The error that a caller gets when the storage does not answer. */
export function outcomeUnknown(cause: unknown): TenureError {
  return new TenureError(
    "outcome_unknown",
    "Cannot tell whether the request counts: the storage did not answer in time; ask for the status before trying again",
    { cause },
  );
}
