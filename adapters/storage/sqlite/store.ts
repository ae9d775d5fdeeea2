/**
 * The Store port over a SQLite connection and a lock.
 *
 * @module
 */
import { TenureError } from "../../../core/errors.ts";
import type { Blobs } from "../../../core/ports/blobs.ts";
import type {
  FindQuery,
  InstanceKey,
  JournalPart,
  Lease,
  Message,
  ShardBatch,
  Store,
  StoreCaps,
} from "../../../core/ports/store.ts";
import { checkBatches, checkInstanceKey, checkMessage, checkShard, checkText } from "../../../core/store_rules.ts";
import type { Connection, Rollback } from "./connection.ts";
import type { Lock } from "./lock.ts";
import { readCells, readDue, readHeads, readImage, readInbox } from "./reads.ts";
import type { Writer } from "./writes.ts";

/** What a store is made of. */
export interface StoreParts {
  /** The handle. */
  readonly connection: Connection;
  /** Decides who may own shards. */
  readonly lock: Lock;
  /** Applies batches. */
  readonly writer: Writer;
  /** How many shards the database has. */
  readonly shards: number;
  /** What it promises. */
  readonly caps: StoreCaps;
}

interface ShardRow {
  readonly epoch: number;
  readonly clean: number;
  readonly last_batch: string;
}

type Answer = "ok" | { readonly fenced: readonly number[] };

/** Makes the store. */
export function createStore(parts: StoreParts): Store {
  const { connection, lock, writer, shards, caps } = parts;
  /** Owners of the shards that this connection took and did not release. */
  const owned = new Map<number, string>();
  let closed = false;

  async function acquire(shard: number, owner: string, _ttl: number): Promise<Lease | null> {
    checkShard(shard, shards);
    checkText("owner", owner);
    if (closed) throw new TenureError("closed", "Cannot use the store: it is closed");
    const before = owned.get(shard);
    if ((before !== undefined && before !== owner) || !lock.take()) return null;
    owned.set(shard, owner);
    try {
      return await connection.write("own a shard of", (sql): Lease => {
        // Somebody else may have written since this connection owned it last.
        writer.forget();
        const row = sql.shard.get(shard) as ShardRow;
        sql.acquire.run(owner, shard);
        return { epoch: row.epoch + 1, lastBatch: row.last_batch, clean: row.clean === 1 };
      });
    } catch (error) {
      if (before === undefined) disown(shard);
      throw error;
    }
  }

  function disown(shard: number): void {
    owned.delete(shard);
    if (owned.size === 0) lock.free();
  }

  async function renew(shard: number, epoch: number, _ttl: number): Promise<boolean> {
    checkShard(shard, shards);
    const row = await connection.use("read", (sql) => sql.shard.get(shard) as ShardRow);
    return row.epoch === epoch && row.clean === 0;
  }

  async function release(shard: number, epoch: number): Promise<void> {
    checkShard(shard, shards);
    const { changes } = await connection.use("release a shard of", (sql) => sql.release.run(shard, epoch));
    if (Number(changes) === 1) disown(shard);
  }

  async function commit(batchId: string, batches: readonly ShardBatch[]): Promise<Answer> {
    checkBatches(batchId, batches, caps, shards);
    return await connection.write<Answer>("write to", (sql): Answer | Rollback<Answer> => {
      const fenced = batches.filter((b) => Number(sql.fence.run(batchId, b.shard, b.epoch).changes) !== 1);
      if (fenced.length > 0) return { rollback: { fenced: fenced.map((b) => b.shard) } };
      for (const batch of batches) writer.write(sql, batch);
      return "ok";
    });
  }

  async function close(): Promise<void> {
    closed = true;
    try {
      connection.close();
    } finally {
      owned.clear();
      lock.free();
    }
  }

  return {
    caps,
    shards,
    blobs: createBlobs(connection),
    acquire,
    renew,
    release,
    commit,
    close,
    async load(shard: number, key: InstanceKey, part?: JournalPart) {
      checkShard(shard, shards);
      checkInstanceKey(key);
      return await connection.read("read", (sql) => readImage(sql, shard, key, part));
    },
    async due(shard, query) {
      checkShard(shard, shards);
      return await connection.use("read", (sql) => readDue(sql, shard, query));
    },
    async find(query: FindQuery) {
      return await connection.use("read", (sql) => readHeads(sql, query));
    },
    async cell(shard: number, key: string) {
      checkShard(shard, shards);
      const row = await connection.use(
        "read",
        (sql) => sql.cell.get(shard, key) as { value: string } | null | undefined,
      );
      return row?.value ?? null;
    },
    async cells(shard, query) {
      checkShard(shard, shards);
      return await connection.use("read", (sql) => readCells(sql, shard, query));
    },
    async post(shard: number, message: Message) {
      checkShard(shard, shards);
      checkMessage(message, caps);
      const { key, body } = message;
      await connection.use("write to", (sql) => sql.post.run(shard, key, body, shard, key));
    },
    async inbox(shard: number, limit: number) {
      checkShard(shard, shards);
      return await connection.use("read", (sql) => readInbox(sql, shard, limit));
    },
    async outcome(shard: number, key: string) {
      checkShard(shard, shards);
      const row = await connection.use(
        "read",
        (sql) => sql.outcome.get(shard, key) as { outcome: string } | null | undefined,
      );
      return row?.outcome ?? null;
    },
  };
}

function createBlobs(connection: Connection): Blobs {
  function check(tenant: string, hash: string): void {
    checkText("tenant", tenant);
    checkText("hash", hash);
  }
  async function put(tenant: string, hash: string, bytes: Uint8Array): Promise<void> {
    check(tenant, hash);
    await connection.use("write to", (sql) => sql.putBlob.run(tenant, hash, bytes));
  }
  async function get(tenant: string, hash: string): Promise<Uint8Array | null> {
    check(tenant, hash);
    const row = await connection.use(
      "read",
      (sql) => sql.getBlob.get(tenant, hash) as { bytes: Uint8Array } | null | undefined,
    );
    // Some drivers answer with a class of their own (Buffer), which behaves differently.
    return row ? new Uint8Array(row.bytes) : null;
  }
  async function remove(tenant: string, hash: string): Promise<void> {
    check(tenant, hash);
    await connection.use("write to", (sql) => sql.dropBlob.run(tenant, hash));
  }
  return { put, get, delete: remove };
}
