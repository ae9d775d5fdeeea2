/**
 * A store in Postgres, for as many processes and machines as there are.
 *
 * Guarantees: the whole {@linkcode Store} contract. A commit is one statement, which checks the epochs of all its
 * shards and writes everything or nothing; it is on the server's disk when it answers (and where the server waits for
 * replicas, on theirs), also in a session that turned `synchronous_commit` off. Who owns a shard is decided by a lease
 * on the *server's* clock, and whether a write counts by the epoch. It needs no state of a session but `LISTEN`, on a
 * connection of its own, so a pool in front of the server (PgBouncer, transaction mode, with `prepare: false` and
 * `hints: false`) does.
 *
 * Trusts the server to keep what it acknowledged: with `fsync = off` the store says `durability: "process"`.
 *
 * @module
 */
import { TenureError } from "../../core/errors.ts";
import type { StorageAdapter, Store } from "../../core/ports/store.ts";
import { checkText } from "../../core/store_rules.ts";
import { byteLength } from "../../core/utf8.ts";
import { connectTo, type PostgresClient } from "./postgres/client.ts";
import { failure } from "./postgres/failure.ts";
import { localProcesses } from "./postgres/node_process.ts";
import { createPostgresHints } from "./postgres/hints.ts";
import { identifier, prepareSchema } from "./postgres/schema.ts";
import { createStore } from "./postgres/store.ts";

export type { PostgresClient, PostgresValue } from "./postgres/client.ts";

/** Options of {@linkcode postgres} that do not say where the database is. */
export interface PostgresCommonOptions {
  /**
   * The schema that holds everything of this store, made when it is not there. 1 to 48 bytes.
   * @default "tenure"
   */
  readonly schema?: string;
  /**
   * How many shards a new schema gets; fixed at its creation. A tenant is in one; each is owned by one process.
   * @default what the schema has, 16 for a new one
   */
  readonly shards?: number;
  /**
   * Whether processes wake each other by `NOTIFY`. Off, they look every 50 ms: for a pool that cannot `LISTEN`.
   * @default true
   */
  readonly hints?: boolean;
  /**
   * What this machine is called. Processes of one name (and of one kernel and process namespace) see each other die, so
   * that what one owned is taken over at once and not when its lease has run out. Linux only.
   * @default what Linux says of itself
   */
  readonly machine?: string;
}

/** A database that the store connects to with the npm package `postgres`. */
export interface PostgresUrlOptions extends PostgresCommonOptions {
  /** `postgres://user:password@host:5432/database`. */
  readonly url: string;
}

/** A pool that the caller made. */
export interface PostgresSqlOptions extends PostgresCommonOptions {
  /** What `postgres(…)` of the npm package of that name made. The store does not end it. */
  readonly sql: PostgresClient;
}

/** Options of {@linkcode postgres}. */
export type PostgresOptions = PostgresUrlOptions | PostgresSqlOptions;

/**
 * Keeps everything in a schema of a Postgres database.
 *
 * @example
 * ```ts ignore
 * import { createTenure } from "tenure";
 * import { postgres } from "tenure/storage/postgres";
 *
 * const tenure = await createTenure({ storage: postgres({ url: "postgres://localhost/platform" }) });
 * ```
 */
export function postgres(options: PostgresOptions): StorageAdapter {
  const { schema = "tenure", shards, hints = true, machine } = options;
  if (shards !== undefined && !(Number.isInteger(shards) && shards > 0 && shards <= 4096)) {
    throw new TenureError("invalid_argument", `Cannot make a store of "${shards}" shards: 1 to 4096 are possible`);
  }
  checkText("schema", schema);
  if (schema === "" || byteLength(schema) > 48 || schema.startsWith("pg_")) {
    throw new TenureError("invalid_argument", `Cannot use the schema "${schema}": 1 to 48 bytes that do not begin with "pg_" are possible`);
  }
  return {
    name: "postgres",
    async open(): Promise<Store> {
      const client = "sql" in options ? options.sql : await connectTo(options.url);
      const end = async (): Promise<void> => {
        if (!("sql" in options)) await client.end({ timeout: 5 });
      };
      try {
        const found = await prepareSchema(client, { schema, shards });
        return createStore({
          client,
          schema: identifier(schema),
          name: "postgres",
          shards: found.shards,
          caps: {
            durability: found.fsync ? "fsync" : "process",
            writers: "fenced",
            fencesPerCommit: found.shards,
            maxOps: 20_000,
            maxBytes: 2 ** 26,
            maxValue: 2 ** 25,
          },
          processes: await localProcesses(machine),
          hints: hints && client.listen !== undefined ? createPostgresHints(client, `tenure:${schema}`) : undefined,
          end,
        });
      } catch (error) {
        await end();
        throw failure("open", "postgres", error);
      }
    },
  };
}
