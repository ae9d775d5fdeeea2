/**
 * The instances of a shard that are in memory.
 *
 * @module
 */
import type { TenureError } from "../errors.ts";
import { keyText } from "../ids.ts";
import type { Records } from "../instance/decide/common.ts";
import { stateOf } from "../instance/evolve.ts";
import { emptyState, isEnded, type State } from "../instance/state.ts";
import type { Limits } from "../limits.ts";
import type { Head, InstanceKey, Store } from "../ports/store.ts";
import { forgetTime, forgottenAt } from "../retention.ts";
import { inherit, shareIn, withoutShare } from "./accounts.ts";
import type { Committer } from "./committer.ts";
import { isCorrupt, legible, parkedHead } from "./damaged.ts";
import { appendTo, type HeadData, type Live, makeLive } from "./live.ts";
import type { InstanceRequest } from "./requests.ts";
import type { Tenants } from "./tenants.ts";

/** Those that were asked for are kept of so long journals (UTF-16 units). */
const WARM_BYTES = 16 * 2 ** 20;

/** Loads them, changes them, lets them go when all is durable. */
export interface Lives {
  /**
   * Calls `next` with the instance, from memory or the store; at once when it is in memory. Of those who wait for one
   * instance each sees what those before it made of it. Rejects when it cannot be read; is it damaged, its head comes to
   * say so.
   */
  find<T>(key: InstanceKey, next: (live: Live | undefined) => T | Promise<T>): T | Promise<T>;
  /** Applies records and queues them for the next commit. */
  append(live: Live, records: Records): void;
  /** Queues what the head implies, when it changed. */
  touch(live: Live): void;
  /** Begins another life in place of `before`, whose journal goes with the same commit; without `reborn`: for good. */
  replace(key: InstanceKey, before: Live | undefined, reborn: boolean): Live;
  /**
   * Forgets an instance that ended and was to be kept until `now` at most: what there is of it until that is durable,
   * or `undefined` when it cannot go (it was begun anew, or something of it still goes on).
   */
  forget(key: InstanceKey, now: number): Promise<Live | undefined>;
  /**
   * Deletes one whose journal is damaged, by its head alone: with what could be read of it when it had not ended.
   * `undefined` when there is none, or one that can be read.
   */
  bury(key: InstanceKey): Promise<{ readonly live: Live; readonly before: State | undefined } | undefined>;
  /** Whether it is not in memory and has ended; at once when it is there. */
  hasEnded(request: InstanceRequest): boolean | Promise<boolean>;
  /** The instance, if it is in memory. */
  peek(key: InstanceKey): Live | undefined;
  /** Whether this is the instance's present life, in a shard that is still ours. */
  current(live: Live): boolean;
  /** Forgets it, if nothing of it is running or not durable; not at once when it was asked for something, since that is often asked for again. */
  release(live: Live, asked?: boolean): void;
  all(): Iterable<Live>;
  clear(): void;
}

/** What the shard hears of its instances. */
export interface LivesHooks {
  /** One comes from the store; with the wake time of its head, before anybody else sees it. `mended`: it could not be read when that was written. */
  loaded(live: Live, wake: number | null, mended: boolean): void;
  /** One has ended: with the batch that holds the end goes what is queued now. */
  ended(live: Live, state: State): void;
  /** One takes the place of a life that has streams: goes with the batch that holds what is queued of it. */
  left(live: Live): void;
}

/**
 * Makes the memory of one shard.
 *
 * @param newest the newest format that is read
 * @param limits those of a tenant
 */
export function createLives(
  shard: number,
  store: Store,
  committer: Committer,
  tenants: Tenants,
  newest: number,
  limits: (tenant: string) => Limits,
  hooks: LivesHooks,
  maxWarm: number,
): Lives {
  const lives = new Map<string, Live>();
  /** Those that nothing keeps but that they were asked for; who was last is last. */
  const warm = new Set<Live>();
  let warmBytes = 0;
  const loading = new Map<string, Promise<Live | undefined>>();
  /** Those whose head is read to forget them: who is brought into memory meanwhile is taken out. */
  const leaving = new Set<string>();
  let cleared = false;

  async function load(key: InstanceKey, text: string): Promise<Live | undefined> {
    try {
      return await read(key, text);
    } finally {
      loading.delete(text);
    }
  }

  async function read(key: InstanceKey, text: string): Promise<Live | undefined> {
    const image = await imageOf(key, text);
    // what it does to its tenant's count can be said only of a count that is known
    while (tenants.usage(key.tenant) === undefined) await tenants.get(key.tenant);
    // whoever waited for an earlier reading may have it in hand again, and changed it
    const present = lives.get(text);
    if (present !== undefined || image === undefined || cleared) return present;
    const { tenant, workflow, id } = key;
    const live = makeLive({ tenant, workflow, id }, text, image.state);
    const { status, wake, ended, data } = image.head;
    live.written = `${status} ${wake} ${ended} ${withoutShare(data)}`;
    const known = JSON.parse(data) as HeadData;
    live.share = shareIn(known, ended !== null);
    if (ended !== null) live.forgottenAt = forgetTime(wake);
    if (status === "waiting") live.activity = "resting";
    put(text, live);
    hooks.loaded(live, wake, known.parked?.code === "corrupt");
    return live;
  }

  async function imageOf(key: InstanceKey, text: string): Promise<{ readonly head: Head; readonly state: State } | undefined> {
    try {
      const image = await store.load(shard, key);
      return image === null ? undefined : { head: image.head, state: stateOf(image.journal, newest) };
    } catch (error) {
      if (isCorrupt(error)) await park(key, text, error);
      throw error;
    }
  }

  /** Whoever reads heads alone would wait for it for ever. */
  async function park(key: InstanceKey, text: string, error: TenureError): Promise<void> {
    const { tenant, workflow, id } = key;
    const [found] = await store.find({ tenant, workflow, id, limit: 1 });
    while (tenants.usage(tenant) === undefined) await tenants.get(tenant);
    const head = found && parkedHead(found, error);
    if (head === undefined || cleared || lives.has(text)) return;
    const live = makeLive({ tenant, workflow, id }, text, undefined);
    live.damage = { error, head };
    live.share = shareIn(JSON.parse(head.data) as HeadData, false);
    put(text, live);
    touch(live);
  }

  function put(text: string, live: Live): void {
    if (!lives.has(text)) tenants.hold(live.key.tenant, 1);
    lives.set(text, live);
    leaving.delete(text);
  }

  function remove({ key, text }: Live): void {
    if (lives.delete(text)) tenants.hold(key.tenant, -1);
  }

  function idle(live: Live): boolean {
    const busy = live.held !== undefined || live.execution !== undefined || live.activity === "opening" || live.queued || live.inFlight;
    return !busy && live.lines.length === 0 && live.durable >= live.first && lives.get(live.text) === live;
  }

  /** Forgets those that were not asked for lately, but for the last one, however large. */
  function cool(): void {
    for (const live of warm) {
      if (warm.size <= Math.min(1, maxWarm) || (warm.size <= maxWarm && warmBytes <= WARM_BYTES)) return;
      leave(live);
      if (idle(live)) remove(live);
    }
  }

  function leave(live: Live): void {
    if (!warm.delete(live)) return;
    warmBytes -= live.warm;
    live.warm = 0;
  }

  function touch(live: Live): void {
    committer.touch(shard, live);
  }

  /** A life began (1), or ended (-1). */
  function count(tenant: string, by: 1 | -1): void {
    const usage = tenants.usage(tenant);
    if (usage !== undefined) usage.living += by;
  }

  function end(live: Live, { ended, phase, retention }: State): void {
    count(live.key.tenant, -1);
    live.forgottenAt = forgottenAt(ended as number, phase === "complete", retention, limits(live.key.tenant).retention);
  }

  /** What is written in place of an instance whose head alone was read: that it is gone. */
  function tombstone({ tenant, workflow, id, data, ended }: Head, text: string): Live {
    const live = makeLive({ tenant, workflow, id }, text, undefined);
    const known = JSON.parse(data) as HeadData;
    live.share = shareIn(known, ended !== null);
    live.drop = true;
    if (ended === null) count(tenant, -1);
    put(text, live);
    touch(live);
    if (known.streams === 1) hooks.left(live);
    return live;
  }

  function replace(key: InstanceKey, before: Live | undefined, reborn: boolean): Live {
    const live = makeLive(key, keyText(key), reborn ? emptyState() : undefined);
    if (before !== undefined) {
      live.drop = true;
      inherit(live, before);
      if (before.state !== undefined && !isEnded(before.state)) count(key.tenant, -1);
      committer.discard(shard, before, live);
    }
    if (reborn) count(key.tenant, 1);
    put(live.text, live);
    const streams = before?.state?.streams ?? 0;
    if (!reborn || streams > 0) touch(live);
    if (streams > 0) hooks.left(live);
    return live;
  }

  function find<T>(key: InstanceKey, next: (live: Live | undefined) => T | Promise<T>): T | Promise<T> {
    const text = keyText(key);
    const live = lives.get(text);
    if (live?.damage !== undefined) return Promise.reject(live.damage.error);
    if (live !== undefined) return next(live);
    let reading = loading.get(text);
    if (reading === undefined) {
      reading = load(key, text);
      loading.set(text, reading);
    }
    return reading.then((read) => {
      // whoever waited longer may have made it meanwhile, or changed it and let it go
      const found = lives.get(text) ?? read;
      // and its tenant may have been forgotten with it: a head that is written without a count would say that it is counted
      if (found !== undefined && !cleared && tenants.usage(key.tenant) === undefined) return find(key, next);
      if (found !== undefined && !cleared) put(text, found);
      return next(found);
    });
  }

  return {
    find,
    hasEnded({ verb, tenant, workflow, id }) {
      const text = keyText({ tenant, workflow, id });
      if (verb === "delete" || lives.has(text) || loading.has(text)) return false;
      return store.find({ tenant, workflow, id, limit: 1 }).then(([head]) => {
        // whoever brought it into memory meanwhile may have begun it anew
        return typeof head?.ended === "number" && !lives.has(text) && !loading.has(text);
      });
    },
    append(live, records) {
      if (records.length === 0 || live.state === undefined) return;
      const ended = isEnded(live.state);
      appendTo(live, live.state, records);
      touch(live);
      if (ended || !isEnded(live.state)) return;
      end(live, live.state);
      hooks.ended(live, live.state);
    },
    touch,
    replace,
    async forget(key, now) {
      const text = keyText(key);
      while (tenants.usage(key.tenant) === undefined) await tenants.get(key.tenant);
      const live = lives.get(text);
      if (live !== undefined) {
        const due = live.state !== undefined && isEnded(live.state) && live.forgottenAt !== null && live.forgottenAt <= now;
        return due && idle(live) ? replace(live.key, live, false) : undefined;
      }
      if (loading.has(text) || cleared) return undefined;
      leaving.add(text);
      const [head] = await store.find({ tenant: key.tenant, workflow: key.workflow, id: key.id, limit: 1 }).catch((error) => {
        leaving.delete(text);
        throw error;
      });
      if (!leaving.delete(text) || loading.has(text) || cleared || tenants.usage(key.tenant) === undefined) return undefined;
      const at = forgetTime(head?.wake ?? null);
      return typeof head?.ended === "number" && at !== null && at <= now ? tombstone(head, text) : undefined;
    },
    async bury({ tenant, workflow, id }) {
      const key = { tenant, workflow, id }, text = keyText(key);
      for (;;) {
        const [head] = await store.find({ ...key, limit: 1 });
        const before = await legible(store, shard, key, newest);
        while (tenants.usage(tenant) === undefined) await tenants.get(tenant);
        const reading = loading.get(text);
        // it would be put in the place of what is decided here
        if (reading !== undefined) await reading.catch(() => {});
        else {
          const present = lives.get(text);
          if (cleared || head === undefined || (present !== undefined && present.damage === undefined)) return undefined;
          const live = tombstone(head, text);
          if (present !== undefined) committer.discard(shard, present, live);
          return { live, before: head.ended === null ? before : undefined };
        }
      }
    },
    peek: (key) => lives.get(keyText(key)),
    current: (live) => lives.get(live.text) === live,
    release(live, asked = false) {
      const { state } = live;
      if (asked && state !== undefined && !isEnded(state)) {
        leave(live);
        warm.add(live);
        live.warm = state.bytes;
        warmBytes += live.warm;
        cool();
      }
      if (warm.has(live) && state !== undefined && !isEnded(state)) return;
      leave(live);
      if (idle(live)) remove(live);
    },
    all: () => lives.values(),
    clear() {
      cleared = true;
      lives.clear();
      warm.clear();
    },
  };
}
