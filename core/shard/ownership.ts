/**
 * Which shards this process owns: acquired, renewed, shared out among the engines that live, handed over, lost.
 *
 * Guarantees: what is decided here is only *when* a shard is asked for and let go; whether a write counts is decided by
 * the epoch. A shard is handed over in good order: nothing new begins in it, bodies that run get
 * {@linkcode HANDOVER} ms to end, what is queued is durable, and only then it is free for the next.
 *
 * @module
 */
import { pause } from "../pause.ts";
import type { Clock } from "../ports/clock.ts";
import type { Lease, Store, Survey } from "../ports/store.ts";
import type { Committer } from "./committer.ts";
import type { Formats } from "./format.ts";
import { type Hints, repeat } from "./hints.ts";
import { createInbox } from "./inbox.ts";
import type { Shard } from "./shard.ts";
import { shareOf } from "./shares.ts";

/** A shard that this process owns. */
export interface Owned {
  epoch: number;
  readonly shard: Shard;
  /** It is about to be handed over: nothing new begins. */
  readonly leaving: boolean;
  /** It takes no more requests: they are left for the next owner. */
  readonly closing: boolean;
}

/** What it is made of. */
export interface OwnershipParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly formats: Formats;
  readonly committer: Committer;
  readonly hints: Hints;
  /** The name under which shards are acquired. */
  readonly owner: string;
  /** Ms; renewed at a third of it. */
  readonly lease: number;
  /** Whether the whole engine lets go, or has. */
  ending(): boolean;
  /** Makes the owner's side of a shard. */
  make(shard: number, clean: boolean, draining: () => boolean): Shard;
  /** A shard is not ours any more: whoever waits for something of it has to look. */
  lost(): void;
  /** There is time: nothing can be had. */
  spare(): void;
}

/** The shards of one process. */
export interface Ownership {
  /** Resolves when each shard is owned, or known to be for somebody else to have. */
  start(): Promise<void>;
  /** An owned shard. */
  get(shard: number): Owned | undefined;
  all(): Iterable<readonly [number, Owned]>;
  /** Acquires again after an unknown outcome. */
  reacquire(shard: number): Promise<Lease | null>;
  /** It is somebody else's. */
  lose(shard: number): void;
  /** Looks for no more, and says so to the others. */
  retire(): Promise<void>;
  /** Lets go of all that is in memory. */
  drop(): void;
}

/** How often an owner looks into its inbox, ms. */
const INBOX = 50;
/** How often a shard that is somebody else's is asked for, and the others are looked at, ms. */
const LOOK = 200;
/** How long bodies of a shard that is handed over get to end, ms. */
export const HANDOVER = 10_000;
/** How long the same engines have to live before a shard is moved among them, ms. */
const SETTLED = 1_000;
/** After so long a shard that nobody has taken is anybody's, ms. */
const ORPHANED = 2_000;

interface Mine extends Owned {
  leaving: boolean;
  closing: boolean;
  begin(): void;
  readonly stops: (() => void)[];
}

/** Owns nothing before {@linkcode Ownership.start}. */
export function createOwnership(parts: OwnershipParts): Ownership {
  const { store, clock, formats, committer, hints, owner, lease: ttl } = parts;
  const owned = new Map<number, Mine>();
  const acquiring = new Set<number>(), releasing = new Set<number>();
  /** Since when nobody owns a shard, and since when the same engines live (monotonic ms). */
  const freeSince = new Map<number, number>();
  let company = "", companySince = 0;
  let started = false;
  let looking: { stop(): void } | undefined;

  async function start(): Promise<void> {
    if (store.survey === undefined) {
      const all = [];
      for (let shard = 0; shard < store.shards; shard++) all.push(keepAsking(shard));
      await Promise.all(all);
    } else {
      await look().catch(() => {});
      looking = repeat(clock, LOOK, look);
    }
    // a task of its own: whoever waits for the start has its workflows registered before any of them is needed
    clock.defer(() => {
      started = true;
      for (const mine of owned.values()) mine.begin();
    });
  }

  // ---- alone, or by turns: a store that does not say who else lives

  async function keepAsking(shard: number): Promise<void> {
    if (parts.ending() || owned.has(shard)) return;
    if (await acquire(shard)) return;
    parts.spare();
    if (!parts.ending()) clock.setTimer(LOOK, () => void keepAsking(shard));
  }

  // ---- in company

  async function look(): Promise<void> {
    if (parts.ending() || store.survey === undefined) return;
    // a share that it cannot take would be nobody's
    if (formats.outgrown() && owned.size === 0) return await retire();
    const survey = await store.survey(owner, ttl);
    if (parts.ending()) return;
    const { take, fair } = shareOf(owner, survey, store.shards);
    const wanted = new Set([...take, ...orphans(survey), ...survey.yours].filter((shard) => !owned.has(shard) && !acquiring.has(shard) && !releasing.has(shard)));
    if (owned.size === 0 && wanted.size === 0) parts.spare();
    const names = survey.members.map((member) => member.owner).sort().join();
    // the time is asked for only when there is something to do: clocks for tests pass over rounds that find nothing
    if (names !== company) [company, companySince] = [names, clock.monotonic()];
    await Promise.all([...wanted].map(acquire));
    if (owned.size > fair && clock.monotonic() - companySince >= SETTLED) share(fair);
  }

  async function retire(): Promise<void> {
    looking?.stop();
    await store.survey?.(owner, 0).catch(() => {});
  }

  /** What is free for so long is not wanted by whose it is to be. */
  function orphans({ free }: Survey): number[] {
    if (free.length === 0 && freeSince.size === 0) return [];
    const now = clock.monotonic();
    for (const shard of freeSince.keys()) if (!free.includes(shard)) freeSince.delete(shard);
    for (const shard of free) if (!freeSince.has(shard)) freeSince.set(shard, now);
    return free.filter((shard) => now - (freeSince.get(shard) as number) >= ORPHANED);
  }

  /** Hands over what is more than its share, where the least goes on. */
  function share(fair: number): void {
    const staying = [...owned].filter(([, { leaving }]) => !leaving);
    const movable = staying.filter(([, { shard }]) => shard.recovered());
    movable.sort(([, a], [, b]) => a.shard.running() - b.shard.running());
    for (const [shard, mine] of movable.slice(0, Math.max(0, staying.length - fair))) void handOver(shard, mine);
  }

  async function handOver(shard: number, mine: Mine): Promise<void> {
    const ours = (): boolean => owned.get(shard) === mine && !parts.ending();
    mine.leaving = true;
    const until = clock.monotonic() + HANDOVER;
    while (mine.shard.running() > 0 && clock.monotonic() < until && ours()) await pause(clock, 5);
    if (!ours()) return;
    mine.closing = true;
    stop(mine);
    mine.shard.release();
    for (committer.flush(); ours() && !committer.settled(shard); committer.flush()) await pause(clock, 1);
    if (!ours()) return;
    releasing.add(shard);
    forget(shard, mine);
    await store.release(shard, mine.epoch).catch(() => {});
    releasing.delete(shard);
  }

  // ---- one shard

  /** Whether it is ours now. */
  async function acquire(shard: number): Promise<boolean> {
    acquiring.add(shard);
    const lease = await formats.acquire(shard, owner, ttl).catch(() => null);
    acquiring.delete(shard);
    if (parts.ending()) {
      // what the owner before left by dying is still to be counted: the next one has to look
      if (lease?.clean === true) await store.release(shard, lease.epoch).catch(() => {});
      return false;
    }
    if (lease === null) return false;
    const mine: Mine = {
      epoch: lease.epoch,
      shard: parts.make(shard, lease.clean, () => mine.leaving),
      leaving: false,
      closing: false,
      begin: () => void begin(shard, mine),
      stops: [repeat(clock, ttl / 3, () => renew(shard)).stop],
    };
    owned.set(shard, mine);
    committer.acquired(shard, lease.lastBatch);
    if (lease.lastBatch === "") formats.raise(shard, formats.newest, committer);
    if (started) mine.begin();
    return true;
  }

  /** Applies what was sent while nobody owned the shard, which is older than what is due now (I18); then runs. */
  async function begin(shard: number, mine: Mine): Promise<void> {
    const ours = (): boolean => owned.get(shard) === mine && !mine.closing;
    const read = createInbox({ store, committer, shard, of: mine.shard, ours });
    while (ours()) {
      try {
        await read();
        break;
      } catch {
        await pause(clock, INBOX);
      }
    }
    if (!ours()) return;
    mine.stops.push(hints.onPost(shard, INBOX, read).stop);
    mine.shard.begin();
  }

  async function renew(shard: number): Promise<void> {
    const mine = owned.get(shard);
    if (mine === undefined) return;
    const { epoch } = mine;
    const still = await store.renew(shard, epoch, ttl);
    // an unknown outcome may have raised the epoch meanwhile
    if (!still && owned.get(shard) === mine && mine.epoch === epoch && committer.outage() === undefined) lose(shard);
  }

  function lose(shard: number): void {
    const mine = owned.get(shard);
    if (mine === undefined) return;
    forget(shard, mine);
    // a fenced owner stops; it asks again only as anybody who waits for the other to go
    if (store.survey === undefined && !parts.ending()) clock.setTimer(LOOK, () => void keepAsking(shard));
  }

  function forget(shard: number, mine: Mine): void {
    owned.delete(shard);
    stop(mine);
    mine.shard.close();
    committer.forget(shard);
    parts.lost();
  }

  function stop({ stops }: Mine): void {
    for (const one of stops.splice(0)) one();
  }

  return {
    start,
    get: (shard) => owned.get(shard),
    all: () => owned,
    async reacquire(shard) {
      const mine = owned.get(shard);
      if (mine === undefined) return null;
      const lease = await store.acquire(shard, owner, ttl);
      if (lease !== null) mine.epoch = lease.epoch;
      return lease;
    },
    lose,
    retire,
    drop() {
      for (const mine of owned.values()) {
        stop(mine);
        mine.shard.close();
      }
      owned.clear();
    },
  };
}
