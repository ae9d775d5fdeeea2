/**
 * A store in memory, for tests and for work that may be lost.
 *
 * Guarantees: the whole {@linkcode Store} contract but durability: data lives as long as the object that
 * {@linkcode memory} returned. Each `open()` is a connection of its own, as if it were another process: ownership
 * is by lease, and a connection that closes without `release` counts as one that died. Trusts its clock only for
 * *when* a lease may be taken over; the epoch decides whether a write counts.
 *
 * @module
 */
import { TenureError } from "../../core/errors.ts";
import type { Blobs } from "../../core/ports/blobs.ts";
import type {
  Due,
  DueQuery,
  FindQuery,
  Head,
  Image,
  InstanceKey,
  JournalPart,
  Lease,
  Message,
  ShardBatch,
  StorageAdapter,
  Store,
  StoreCaps,
  Survey,
} from "../../core/ports/store.ts";
import { checkBatches, checkInstanceKey, checkMessage, checkShard, checkText } from "../../core/store_rules.ts";
import { apply, createData, type Data, plan, type Shard } from "./image/data.ts";
import { readCells, readDue, readHeads, readImage } from "./image/reads.ts";

/** Options of {@linkcode memory}. */
export interface MemoryOptions {
  /**
   * How many shards the store has.
   * @default 1
   */
  readonly shards?: number;
  /**
   * The clock of leases, ms since the epoch.
   * @default Date.now
   */
  readonly now?: () => number;
}

/**
 * Keeps everything in memory for the life of the returned object.
 *
 * @example
 * ```ts
 * import { memory } from "tenure/storage/memory";
 *
 * const store = await memory().open();
 * const lease = await store.acquire(0, "me", 10_000); // { epoch: 1, lastBatch: "", clean: true }
 * await store.close();
 * ```
 */
export function memory(options: MemoryOptions = {}): StorageAdapter {
  const { shards = 1, now = Date.now } = options;
  if (!Number.isInteger(shards) || shards < 1) {
    throw new TenureError("invalid_argument", `Cannot make a store of "${shards}" shards: at least 1 is needed`);
  }
  const data = createData(shards);
  const members: Members = new Map();
  return { name: "memory", open: () => Promise.resolve(connect(data, members, now)) };
}

/** Engines that live: by name, until when, and by which connection they said so. */
type Members = Map<string, { readonly expires: number; readonly connection: object }>;

function connect(data: Data, members: Members, now: () => number): Store {
  const connection = {};
  const shards = data.shards.length;
  const caps: StoreCaps = {
    durability: "none",
    writers: "fenced",
    fencesPerCommit: shards,
    maxOps: 100_000,
    maxBytes: 2 ** 28,
    maxValue: 2 ** 26,
  };
  let closed = false;

  function use(): void {
    if (closed) throw new TenureError("closed", "Cannot use the store: it is closed");
  }
  function shardAt(number: number): Shard {
    use();
    checkShard(number, shards);
    return data.shards[number] as Shard;
  }
  /** Whether `epoch` may write: the newest one, and not released. */
  function owns(shard: Shard, epoch: number): boolean {
    return shard.epoch === epoch && !shard.clean;
  }

  async function acquire(number: number, owner: string, ttl: number): Promise<Lease | null> {
    const shard = shardAt(number);
    const { lease, lastBatch, clean } = shard;
    if (lease !== null && lease.owner !== owner && lease.expires > now()) return null;
    shard.lease = { owner, connection, expires: now() + ttl };
    shard.clean = false;
    return { epoch: ++shard.epoch, lastBatch, clean };
  }
  async function renew(number: number, epoch: number, ttl: number): Promise<boolean> {
    const shard = shardAt(number);
    if (!owns(shard, epoch)) return false;
    if (shard.lease !== null) shard.lease.expires = now() + ttl;
    return true;
  }
  async function release(number: number, epoch: number): Promise<void> {
    const shard = shardAt(number);
    if (!owns(shard, epoch)) return;
    shard.lease = null;
    shard.clean = true;
  }
  async function survey(owner: string, ttl: number): Promise<Survey> {
    use();
    checkText("owner", owner);
    if (ttl > 0) members.set(owner, { expires: now() + ttl, connection });
    else members.delete(owner);
    const free: number[] = [], yours: number[] = [];
    const owned = new Map<string, number>();
    data.shards.forEach(({ lease }, number) => {
      if (lease === null || lease.expires <= now()) return void free.push(number);
      owned.set(lease.owner, (owned.get(lease.owner) ?? 0) + 1);
      if (lease.owner === owner) yours.push(number);
    });
    for (const [name, { expires }] of members) if (expires <= now()) members.delete(name);
    return { members: [...members.keys()].map((name) => ({ owner: name, shards: owned.get(name) ?? 0 })), free, yours };
  }
  async function commit(
    batchId: string,
    batches: readonly ShardBatch[],
  ): Promise<"ok" | { fenced: readonly number[] }> {
    use();
    checkBatches(batchId, batches, caps, shards);
    const fenced = batches.filter((b) => !owns(shardAt(b.shard), b.epoch)).map((b) => b.shard);
    if (fenced.length > 0) return { fenced };
    plan(data, batches);
    for (const batch of batches) {
      apply(data, batch);
      shardAt(batch.shard).lastBatch = batchId;
      for (const { committed } of shardAt(batch.shard).listeners) committed();
    }
    return "ok";
  }
  async function load(number: number, key: InstanceKey, part?: JournalPart): Promise<Image | null> {
    shardAt(number);
    checkInstanceKey(key);
    return readImage(data, number, key, part);
  }
  async function due(number: number, query: DueQuery): Promise<readonly Due[]> {
    return readDue(shardAt(number), query);
  }
  async function find(query: FindQuery): Promise<readonly Head[]> {
    use();
    return readHeads(data, query);
  }
  async function cell(number: number, key: string): Promise<string | null> {
    return shardAt(number).cells.get(key) ?? null;
  }
  async function cells(
    number: number,
    query: { readonly prefix: string; readonly after?: string; readonly limit: number },
  ): Promise<readonly { readonly key: string; readonly value: string }[]> {
    return readCells(shardAt(number), query);
  }
  async function post(number: number, message: Message): Promise<void> {
    const shard = shardAt(number);
    checkMessage(message, caps);
    if (shard.inbox.has(message.key) || shard.outcomes.has(message.key)) return;
    shard.inbox.set(message.key, message.body);
    for (const { posted } of shard.listeners) posted();
  }
  async function inbox(number: number, limit: number): Promise<readonly Message[]> {
    const found: Message[] = [];
    for (const [key, body] of shardAt(number).inbox) {
      if (found.length >= limit) break;
      found.push({ key, body });
    }
    return found;
  }
  async function outcome(number: number, key: string): Promise<string | null> {
    return shardAt(number).outcomes.get(key)?.outcome ?? null;
  }
  function listen(number: number, on: { readonly posted: () => void; readonly committed: () => void }): () => void {
    const { listeners } = shardAt(number);
    listeners.add(on);
    return () => void listeners.delete(on);
  }
  async function close(): Promise<void> {
    closed = true;
    for (const shard of data.shards) if (shard.lease?.connection === connection) shard.lease = null;
    for (const [name, member] of members) if (member.connection === connection) members.delete(name);
  }

  const blobs = createBlobs(data, use);
  return {
    caps,
    shards,
    blobs,
    acquire,
    renew,
    release,
    survey,
    commit,
    load,
    due,
    find,
    cell,
    cells,
    post,
    inbox,
    outcome,
    listen,
    close,
  };
}

function createBlobs(data: Data, use: () => void): Blobs {
  function key(tenant: string, hash: string): string {
    use();
    checkText("tenant", tenant);
    checkText("hash", hash);
    return tenant + "\0" + hash;
  }
  async function put(tenant: string, hash: string, bytes: Uint8Array): Promise<void> {
    const at = key(tenant, hash);
    if (!data.blobs.has(at)) data.blobs.set(at, bytes.slice());
  }
  async function get(tenant: string, hash: string): Promise<Uint8Array | null> {
    return data.blobs.get(key(tenant, hash))?.slice() ?? null;
  }
  async function remove(tenant: string, hash: string): Promise<void> {
    data.blobs.delete(key(tenant, hash));
  }
  return { put, get, delete: remove };
}
