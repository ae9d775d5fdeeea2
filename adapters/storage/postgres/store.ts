/**
 * The Store port over a pool of connections to Postgres.
 *
 * @module
 */
import { TenureError } from "../../../core/errors.ts";
import type { Blobs } from "../../../core/ports/blobs.ts";
import type { InstanceKey, Lease, Message, ShardBatch, Store, StoreCaps, Survey } from "../../../core/ports/store.ts";
import { checkBatches, checkInstanceKey, checkMessage, checkShard, checkText } from "../../../core/store_rules.ts";
import { commitValues } from "./batch.ts";
import type { PostgresClient, PostgresValue } from "./client.ts";
import { failure } from "./failure.ts";
import { gathered } from "./gather.ts";
import type { PostgresHints } from "./hints.ts";
import type { Processes } from "./node_process.ts";
import { readCells, readDue, readHeads, readImage, readInbox, type Run } from "./reads.ts";

/** What a store is made of. */
export interface StoreParts {
  /** The pool. */
  readonly client: PostgresClient;
  /** The schema, as an identifier. */
  readonly schema: string;
  /** For messages. */
  readonly name: string;
  /** How many shards the schema has. */
  readonly shards: number;
  /** What it promises. */
  readonly caps: StoreCaps;
  /** What is known of processes on this machine, where anything is. */
  readonly processes: Processes | undefined;
  /** Tells other processes and hears of them, where that is wanted. */
  readonly hints: PostgresHints | undefined;
  /** Ends the pool, when it is ours. */
  readonly end: () => Promise<void>;
}

/** Calls that one statement serves. */
const GATHERED = 256;

/** A row of a survey: who lives, and by shard who owns it. */
interface Surveyed {
  readonly o_members: readonly { readonly owner: string; readonly process: string }[];
  readonly o_shards: readonly (string | null)[];
}

/** Makes the store. */
export function createStore(parts: StoreParts): Store {
  const { client, schema, name, shards, caps, hints, processes } = parts;
  const prepare = client.options?.prepare ?? true;
  /** Epochs of the shards that this store acquired and did not release. */
  const owned = new Map<number, number>();
  let closed = false;

  async function run(act: string, query: string, values: PostgresValue[]): Promise<readonly unknown[]> {
    if (closed) throw new TenureError("closed", "Cannot use the store: it is closed");
    try {
      return await client.unsafe(query, values, { prepare });
    } catch (error) {
      throw failure(act, name, error);
    }
  }
  const read: Run = (query, values) => run("read", query, values);

  /** Callers are many, and a commit for each would be most of what the server does. */
  const post = gathered(async (messages: readonly { readonly s: number; readonly k: string; readonly b: string }[]) => {
    await run("write to", `SELECT ${schema}.post_1($1)`, [JSON.stringify(messages)]);
    hints?.tell("p", messages.map(({ s }) => s));
    return [];
  }, GATHERED);
  const outcome = gathered(async (asked: readonly { readonly s: number; readonly k: string }[]) => {
    const query = `SELECT o_at, o_outcome FROM ${schema}.outcomes_1($1)`;
    const found = await read(query, [JSON.stringify(asked.map((one, n) => ({ ...one, n })))]) as { o_at: number; o_outcome: string }[];
    const answers: (string | null)[] = asked.map(() => null);
    for (const { o_at, o_outcome } of found) answers[o_at] = o_outcome;
    return answers;
  }, GATHERED);

  async function acquire(shard: number, owner: string, ttl: number): Promise<Lease | null> {
    checkShard(shard, shards);
    checkText("owner", owner);
    const query = `SELECT o_epoch, o_batch, o_clean FROM ${schema}.acquire_1($1, $2, $3)`;
    const [row] = await run("own a shard of", query, [shard, owner, Math.ceil(ttl)]) as {
      o_epoch: string;
      o_batch: string;
      o_clean: boolean;
    }[];
    if (row === undefined) return null;
    const epoch = Number(row.o_epoch);
    owned.set(shard, epoch);
    return { epoch, lastBatch: row.o_batch, clean: row.o_clean };
  }

  async function renew(shard: number, epoch: number, ttl: number): Promise<boolean> {
    checkShard(shard, shards);
    const query = `UPDATE ${schema}.shard SET expires = clock_timestamp() + $3::bigint * interval '1 millisecond'
WHERE id = $1 AND epoch = $2 AND NOT clean RETURNING id`;
    return (await run("renew a lease of", query, [shard, epoch, Math.ceil(ttl)])).length === 1;
  }

  async function release(shard: number, epoch: number): Promise<void> {
    checkShard(shard, shards);
    const query = `UPDATE ${schema}.shard SET owner = NULL, clean = true WHERE id = $1 AND epoch = $2 AND NOT clean`;
    await run("release a shard of", query, [shard, epoch]);
    if (owned.get(shard) === epoch) owned.delete(shard);
  }

  async function survey(owner: string, ttl: number): Promise<Survey> {
    checkText("owner", owner);
    const query = `SELECT o_members, o_shards FROM ${schema}.survey_1($1, $2, $3)`;
    for (;;) {
      const [row] = await run("look at the owners of", query, [owner, Math.ceil(ttl), processes?.me ?? ""]) as Surveyed[];
      const living = row?.o_members ?? [], owners = row?.o_shards ?? [];
      // what a dead process of this machine owned need not wait for its lease: then all see it free
      const dead = living.filter((member) => processes?.isDead(member.process));
      for (const member of dead) await run("look at the owners of", `SELECT ${schema}.bury_1($1)`, [member.owner]);
      if (dead.length > 0) continue;
      const at = (wanted: (by: string | null) => boolean): number[] => owners.flatMap((by, shard) => wanted(by) ? [shard] : []);
      const members = living.map((member) => ({ owner: member.owner, shards: at((by) => by === member.owner).length }));
      return { members, free: at((by) => by === null), yours: at((by) => by === owner) };
    }
  }

  async function commit(batchId: string, batches: readonly ShardBatch[]): Promise<"ok" | { readonly fenced: readonly number[] }> {
    checkBatches(batchId, batches, caps, shards);
    if (batches.length === 0) return "ok";
    const query = `SELECT ${schema}.commit_1($1, $2, $3, $4, $5, $6, $7, $8) AS stale`;
    const [row] = await run("write to", query, commitValues(batchId, batches)) as { stale: string | null }[];
    if (row?.stale != null) {
      const stale = new Set(JSON.parse(row.stale) as number[]);
      return { fenced: batches.map((b) => b.shard).filter((shard) => stale.has(shard)) };
    }
    hints?.tell("c", batches.map((b) => b.shard));
    return "ok";
  }

  async function close(): Promise<void> {
    if (closed) return;
    closed = true;
    await hints?.close();
    try {
      for (const [shard, epoch] of owned) {
        // The next owner need not wait for the lease of one who says that it is gone.
        await client.unsafe(`UPDATE ${schema}.shard SET owner = NULL WHERE id = $1 AND epoch = $2`, [shard, epoch], { prepare });
      }
    } catch {
      // Then the leases run out.
    }
    await parts.end();
  }

  const store: Store = {
    caps,
    shards,
    blobs: createBlobs(run, schema),
    acquire,
    renew,
    release,
    survey,
    commit,
    close,
    async load(shard, key: InstanceKey, part) {
      checkShard(shard, shards);
      checkInstanceKey(key);
      return await readImage(read, schema, shard, key, part);
    },
    async due(shard, query) {
      checkShard(shard, shards);
      return await readDue(read, schema, shard, query);
    },
    find: (query) => readHeads(read, schema, query),
    async cell(shard, key) {
      checkShard(shard, shards);
      const [row] = await read(`SELECT value FROM ${schema}.cell WHERE shard = $1 AND key = $2`, [shard, key]);
      return (row as { value: string } | undefined)?.value ?? null;
    },
    async cells(shard, query) {
      checkShard(shard, shards);
      return await readCells(read, schema, shard, query);
    },
    async post(shard, message: Message) {
      checkShard(shard, shards);
      checkMessage(message, caps);
      await post({ s: shard, k: message.key, b: message.body });
    },
    async inbox(shard, limit) {
      checkShard(shard, shards);
      return await readInbox(read, schema, shard, limit);
    },
    async outcome(shard, key) {
      checkShard(shard, shards);
      return await outcome({ s: shard, k: key });
    },
  };
  return hints === undefined ? store : { ...store, listen: hints.listen };
}

function createBlobs(
  run: (act: string, query: string, values: PostgresValue[]) => Promise<readonly unknown[]>,
  schema: string,
): Blobs {
  function check(tenant: string, hash: string): void {
    checkText("tenant", tenant);
    checkText("hash", hash);
  }
  return {
    async put(tenant, hash, bytes) {
      check(tenant, hash);
      // The client may send later: what its giver changes meanwhile is not to be sent.
      await run("write to", `SELECT ${schema}.put_blob_1($1, $2, $3)`, [tenant, hash, bytes.slice()]);
    },
    async get(tenant, hash) {
      check(tenant, hash);
      const query = `SELECT bytes FROM ${schema}.blob WHERE tenant = $1 AND hash = $2`;
      const [row] = await run("read", query, [tenant, hash]) as { bytes: Uint8Array }[];
      return row === undefined ? null : new Uint8Array(row.bytes);
    },
    async delete(tenant, hash) {
      check(tenant, hash);
      await run("write to", `DELETE FROM ${schema}.blob WHERE tenant = $1 AND hash = $2`, [tenant, hash]);
    },
  };
}
