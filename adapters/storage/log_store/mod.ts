/**
 * The Store port over objects that can be put where nothing is: a folder, a bucket, any key-value storage. Each shard is
 * a log; what it comes to is kept in memory by everybody who reads it.
 *
 * @module
 */
import { TenureError } from "../../../core/errors.ts";
import type { Lease, Message, ShardBatch, StorageAdapter, Store, StoreCaps } from "../../../core/ports/store.ts";
import { checkBatches, checkInstanceKey, checkMessage, checkShard, checkText, corrupt } from "../../../core/store_rules.ts";
import { createData, plan, type Shard } from "../image/data.ts";
import { readCells, readDue, readHeads, readImage } from "../image/reads.ts";
import { createLogBlobs } from "./blobs.ts";
import { sealText, unsealText } from "./frame.ts";
import { createLogInbox, type LogInbox } from "./inbox.ts";
import { createLog, failure, type Log, type LogTimes } from "./log.ts";
import type { Objects } from "./objects.ts";
import { checkFormat, FORMAT, type LogRecord } from "./records.ts";

/** What a log store is made of. */
export interface LogStoreParts {
  /** For messages. */
  readonly name: string;
  /** The place; opened with each connection. */
  readonly open: () => Promise<Objects>;
  /** How many shards a new store gets; `undefined`: what it has. */
  readonly shards: number | undefined;
  /** How many a new one gets when nobody says. */
  readonly defaultShards: number;
  /** What the place promises. */
  readonly caps: Pick<StoreCaps, "durability" | "writers">;
  /** Whether looking is so dear that hints within the process are better than looking every 50 ms. */
  readonly hints: boolean;
  /** Clocks and bounds; what is not given is as {@linkcode LOG_TIMES} says. */
  readonly times?: Partial<LogTimes>;
}

/** What holds unless somebody says otherwise. */
export const LOG_TIMES: LogTimes = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  grace: 600_000,
  snapshot: { least: 64, most: 1_024 },
};

interface Listener {
  readonly posted: () => void;
  readonly committed: () => void;
}

type Listeners = Map<number, Set<Listener>>;

/** Checks a number of shards that somebody asks for. */
export function checkShards(shards: number | undefined): void {
  if (shards !== undefined && !(Number.isInteger(shards) && shards > 0 && shards <= 4096)) {
    throw new TenureError("invalid_argument", `Cannot make a store of "${shards}" shards: 1 to 4096 are possible`);
  }
}

/** Makes the adapter. */
export function createLogStorage(parts: LogStoreParts): StorageAdapter {
  checkShards(parts.shards);
  const listeners: Listeners = new Map();
  return {
    name: parts.name,
    async open(): Promise<Store> {
      try {
        const objects = await parts.open();
        try {
          return connect(parts, objects, await prepare(objects, parts), listeners);
        } catch (error) {
          await objects.close?.();
          throw error;
        }
      } catch (error) {
        throw failure("open", parts.name, error);
      }
    },
  };
}

/** Makes the store where there is none, and says how many shards it has. */
async function prepare(objects: Objects, { name, shards, defaultShards }: LogStoreParts): Promise<number> {
  const meta = sealText(JSON.stringify({ v: FORMAT, shards: shards ?? defaultShards }));
  const found = await objects.get("meta") ?? (await objects.putIfAbsent("meta", meta) ? meta : await objects.get("meta"));
  if (found === null) throw corrupt(`Cannot open "${name}": it says nothing of its format`);
  const { v, shards: count } = JSON.parse(unsealText(found)) as { v: number; shards: number };
  checkFormat(v);
  if (shards !== undefined && count !== shards) {
    const reason = `it has ${count}, and the number is fixed at its creation`;
    throw new TenureError("invalid_argument", `Cannot open "${name}" with ${shards} shards: ${reason}`);
  }
  return count;
}

function connect(parts: LogStoreParts, objects: Objects, shards: number, listeners: Listeners): Store {
  const times: LogTimes = { ...LOG_TIMES, ...parts.times };
  const { now } = times;
  const data = createData(shards);
  const logs: Log[] = [];
  const inboxes: LogInbox[] = [];
  for (let shard = 0; shard < shards; shard++) {
    logs.push(createLog(objects, `s/${shard}`, data, shard, times));
    inboxes.push(createLogInbox(objects, `s/${shard}`, now));
  }
  const caps: StoreCaps = { ...parts.caps, fencesPerCommit: 1, maxOps: 20_000, maxBytes: 2 ** 26, maxValue: 2 ** 25 };
  /** What is under way in each shard: a log is followed and written by one call at a time. */
  const queues: Promise<unknown>[] = [];
  /** The lease that each shard was acquired with, ms. */
  const leases = new Map<number, number>();
  /** What goes on after its call was answered. */
  const background = new Set<Promise<void>>();
  let closed = false;

  function later(work: Promise<void>): void {
    background.add(work);
    void work.finally(() => background.delete(work));
  }

  function use(): void {
    if (closed) throw new TenureError("closed", "Cannot use the store: it is closed");
  }

  /** Calls `body` when the calls before it are done. */
  function locked<T>(act: string, shard: number, body: (log: Log) => Promise<T>): Promise<T> {
    checkShard(shard, shards);
    use();
    const done = (queues[shard] ?? Promise.resolve()).then(() => body(logs[shard] as Log));
    queues[shard] = done.catch(() => {});
    return done.catch((error) => {
      throw failure(act, parts.name, error);
    });
  }

  /** Reads what is known after others have been heard. */
  function reading<T>(shard: number, body: (log: Log) => T): Promise<T> {
    return locked("read", shard, async (log) => {
      await log.follow();
      return body(log);
    });
  }

  function tell(kind: "posted" | "committed", shard: number): void {
    for (const on of [...listeners.get(shard) ?? []]) on[kind]();
  }

  function free({ state }: Log, owner: string): boolean {
    return state.owner === null || state.owner === owner || state.until <= now();
  }

  async function acquire(shard: number, owner: string, ttl: number): Promise<Lease | null> {
    checkText("owner", owner);
    return await locked("own a shard of", shard, async (log) => {
      await log.follow();
      while (free(log, owner)) {
        const start = times.monotonic();
        await log.follow(true);
        if (!free(log, owner)) return null;
        const { epoch, lastBatch, clean } = log.state;
        const fence: LogRecord = { kind: "fence", epoch: epoch + 1, owner, until: now() + ttl, nonce: crypto.randomUUID() };
        // Another claim, or a late write of the dead owner: then what there is has to be looked at again.
        if (!await log.add(fence)) {
          await log.follow();
          continue;
        }
        // Whoever was away for so long may have put it where something was collected.
        if (times.monotonic() - start >= times.grace) {
          log.forget();
          await log.follow(true);
          continue;
        }
        log.mine = true;
        leases.set(shard, ttl);
        return { epoch: epoch + 1, lastBatch, clean };
      }
      return null;
    });
  }

  /** Adds a record of an owner; false when it is not the owner, or no more. */
  async function addOwned(log: Log, epoch: number, record: LogRecord): Promise<boolean> {
    const { mine } = log;
    for (;;) {
      await log.follow();
      if (log.state.epoch !== epoch || log.state.clean) return false;
      // What else took the number, if the epoch is still the newest, was a record of its own whose answer was lost.
      if (record.kind === "batch") plan(data, [{ shard: logs.indexOf(log), epoch, ...record.batch }]);
      if (await log.add(record)) {
        // Nobody else of this epoch writes, and nobody of another one did before this record.
        log.mine = mine;
        return true;
      }
    }
  }

  async function renew(shard: number, epoch: number, ttl: number): Promise<boolean> {
    return await locked("renew a lease of", shard, async (log) => {
      // Each commit prolongs the lease, so only an owner that is idle has to write something for it.
      if (log.mine && log.state.epoch === epoch && !log.state.clean && log.state.until - now() > ttl * 0.8) return true;
      return await addOwned(log, epoch, { kind: "renew", epoch, until: now() + ttl, nonce: crypto.randomUUID() });
    });
  }

  async function release(shard: number, epoch: number): Promise<void> {
    await locked("release a shard of", shard, async (log) => {
      await addOwned(log, epoch, { kind: "release", epoch, until: now(), nonce: crypto.randomUUID() });
      log.mine = false;
    });
  }

  async function commit(id: string, batches: readonly ShardBatch[]): Promise<"ok" | { readonly fenced: readonly number[] }> {
    use();
    checkBatches(id, batches, caps, shards);
    const [first] = batches;
    if (first === undefined) return "ok";
    const { shard, epoch, ...batch } = first;
    const done = await locked("write to", shard, async (log) => {
      const until = Math.max(log.state.until, now() + (leases.get(shard) ?? 0));
      return await addOwned(log, epoch, { kind: "batch", epoch, until, nonce: crypto.randomUUID(), id, batch });
    });
    if (!done) return { fenced: [shard] };
    if (batch.acks.length > 0) later((inboxes[shard] as LogInbox).remove(batch.acks.map(({ key }) => key)));
    later((logs[shard] as Log).tidy());
    tell("committed", shard);
    return "ok";
  }

  async function close(): Promise<void> {
    if (closed) return;
    const owned = logs.filter((log) => log.mine && log.state.owner !== null);
    const leaving = owned.map((log) =>
      locked("leave", logs.indexOf(log), async () => {
        const { epoch, until } = log.state;
        if (log.mine) await log.add({ kind: "leave", epoch, until, nonce: crypto.randomUUID() });
        // Then the lease runs out.
      }).catch(() => {})
    );
    closed = true;
    await Promise.all(leaving);
    await Promise.all([...queues, ...background]);
    await objects.close?.();
  }

  const store: Store = {
    caps,
    shards,
    blobs: createLogBlobs(objects, parts.name, use),
    acquire,
    renew,
    release,
    commit,
    close,
    async load(shard, key, part) {
      checkInstanceKey(key);
      return await reading(shard, () => readImage(data, shard, key, part));
    },
    async due(shard, query) {
      return await reading(shard, () => readDue(data.shards[shard] as Shard, query));
    },
    async find(query) {
      await Promise.all(logs.map((_, shard) => reading(shard, () => {})));
      return readHeads(data, query);
    },
    async cell(shard, key) {
      return await reading(shard, () => (data.shards[shard] as Shard).cells.get(key) ?? null);
    },
    async cells(shard, query) {
      return await reading(shard, () => readCells(data.shards[shard] as Shard, query));
    },
    async post(shard, message: Message) {
      checkShard(shard, shards);
      checkMessage(message, caps);
      await locked("write to", shard, async (log) => {
        await log.follow();
        if ((data.shards[shard] as Shard).outcomes.has(message.key)) return;
        await (inboxes[shard] as LogInbox).post(message);
      });
      tell("posted", shard);
    },
    async inbox(shard, limit) {
      return await locked("read", shard, async (log) => {
        await log.follow();
        const { outcomes } = data.shards[shard] as Shard;
        return await (inboxes[shard] as LogInbox).read(limit, (key) => outcomes.has(key), log.mine);
      });
    },
    async outcome(shard, key) {
      return await reading(shard, () => (data.shards[shard] as Shard).outcomes.get(key)?.outcome ?? null);
    },
  };
  if (!parts.hints) return store;
  return {
    ...store,
    listen(shard, on) {
      let some = listeners.get(shard);
      if (some === undefined) listeners.set(shard, some = new Set());
      const all = some;
      all.add(on);
      return () => void all.delete(on);
    },
  };
}
