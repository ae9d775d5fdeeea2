/**
 * A store in one SQLite file, for one machine: the fastest durable store there is here.
 *
 * Guarantees: the whole {@linkcode Store} contract. A commit is one transaction, on the disk when it answers (with
 * `durability: "process"` it survives the process, but not the power). One process owns the shards of a file at a
 * time, by a lock that the operating system frees when that process is gone; any number of processes may read and
 * post. A SQLite handle or a path without a file (`:memory:`) is owned within that handle only.
 *
 * Trusts the disk to keep what it synced, and file locks to work: so no network file systems. The file must not be
 * opened by a *second copy* of SQLite in the same process (a better-sqlite3 handle beside `{ path }`), and
 * `<path>.lock` must not be deleted or copied while in use.
 *
 * @module
 */
import { TenureError } from "../../core/errors.ts";
import type { StorageAdapter, Store } from "../../core/ports/store.ts";
import { createConnection } from "./sqlite/connection.ts";
import { type OpenDatabase, readText, runtimeDriver, type SqliteDatabase } from "./sqlite/database.ts";
import { failure, sqliteCode } from "./sqlite/failure.ts";
import { fileLock, handleLock, type Lock } from "./sqlite/lock.ts";
import { whyNot } from "./sqlite/node_files.ts";
import { prepareSchema, settle } from "./sqlite/schema.ts";
import { createStore } from "./sqlite/store.ts";
import { createWriter } from "./sqlite/writes.ts";

export type { SqliteDatabase, SqliteStatement, SqliteValue } from "./sqlite/database.ts";

/** Options of {@linkcode sqlite} that do not say where the data is. */
export interface SqliteCommonOptions {
  /**
   * What an answered commit survives: `"fsync"` the loss of power, `"process"` the loss of the process only.
   * @default "fsync"
   */
  readonly durability?: "fsync" | "process";
  /**
   * How many shards a new file gets; fixed at its creation. More than one helps only to split it later.
   * @default what the file has, 1 for a new one
   */
  readonly shards?: number;
  /**
   * Told what is doubtful about the SQLite at hand.
   * @default nothing is told
   */
  readonly warn?: (message: string) => void;
}

/** A file that the store opens with the driver of the runtime. */
export interface SqlitePathOptions extends SqliteCommonOptions {
  /** The file; its folder must exist. `:memory:` keeps everything in memory for the life of the adapter. */
  readonly path: string;
}

/** A handle that the caller opened. */
export interface SqliteDatabaseOptions extends SqliteCommonOptions {
  /**
   * The handle of `node:sqlite`, `bun:sqlite`, better-sqlite3 or their like. The store sets its pragmas, makes its
   * tables (`tenure_…`) and does not close it.
   */
  readonly database: SqliteDatabase;
  /**
   * The file that decides which process owns the shards.
   * @default the file of the handle with `.lock` behind it; none for a handle without a file
   */
  readonly lockPath?: string;
}

/** Options of {@linkcode sqlite}. */
export type SqliteOptions = SqlitePathOptions | SqliteDatabaseOptions;

/**
 * Keeps everything in a SQLite file (or in a handle that is passed in).
 *
 * @example
 * ```ts
 * import { sqlite } from "tenure/storage/sqlite";
 *
 * const store = await sqlite({ path: ":memory:" }).open();
 * const lease = await store.acquire(0, "me", 10_000); // { epoch: 1, lastBatch: "", clean: true }
 * await store.close();
 * ```
 */
export function sqlite(options: SqliteOptions): StorageAdapter {
  const { shards } = options;
  if (shards !== undefined && !(Number.isInteger(shards) && shards > 0 && shards <= 4096)) {
    throw new TenureError("invalid_argument", `Cannot make a store of "${shards}" shards: 1 to 4096 are possible`);
  }
  // A database without a file is gone with its handle, so all connections of one adapter share one.
  let shared: SqliteDatabase | undefined;
  return {
    name: "sqlite",
    async open(): Promise<Store> {
      if ("database" in options) return connect(options, options.database, undefined);
      const { path } = options;
      const driver = await runtimeDriver();
      try {
        if (path === "" || path === ":memory:") return await connect(options, shared ??= driver(path), undefined);
        const database = driver(path);
        try {
          return await connect(options, database, driver);
        } catch (error) {
          database.close();
          throw error;
        }
      } catch (error) {
        const code = sqliteCode(error);
        throw failure("open", path, error, code === 14 || code === 8 ? await whyNot(path) : null);
      }
    },
  };
}

/** The first SQLite without the race of two processes that start the write-ahead log anew. */
const SAFE_VERSION = [3, 51, 3] as const;
const OPS = 100_000;

async function connect(
  options: SqliteOptions,
  database: SqliteDatabase,
  driver: OpenDatabase | undefined,
): Promise<Store> {
  const { durability = "fsync", warn } = options;
  const name = "path" in options ? options.path : "sqlite";
  let file: string;
  let shards: number;
  try {
    file = readText(database, "PRAGMA database_list", "file");
    shards = prepareSchema(database, { name, shards: options.shards, durability });
  } catch (error) {
    throw driver === undefined ? failure("open", name, error) : error;
  }
  const lockPath = "lockPath" in options && options.lockPath !== undefined ? options.lockPath : file && `${file}.lock`;
  const lock: Lock = lockPath === "" ? handleLock(database) : fileLock(driver ?? await runtimeDriver(), lockPath);
  if (file !== "") warnOf(database, name, warn);
  const writer = createWriter();
  const connection = createConnection({
    name,
    database,
    reopen: driver === undefined || file === "" ? undefined : () => {
      const fresh = driver(file);
      settle(fresh, durability);
      return fresh;
    },
    onFailure: writer.forget,
  });
  return createStore({
    connection,
    lock,
    writer,
    shards,
    caps: {
      durability: file === "" ? "none" : durability,
      writers: lockPath === "" ? "single-process" : "fenced",
      fencesPerCommit: shards,
      maxOps: OPS,
      maxBytes: 2 ** 28,
      maxValue: 2 ** 26,
    },
  });
}

function warnOf(database: SqliteDatabase, name: string, warn: ((message: string) => void) | undefined): void {
  if (warn === undefined) return;
  const version = readText(database, "SELECT sqlite_version() AS version", "version");
  const parts = version.split(".").map(Number);
  const at = SAFE_VERSION.findIndex((part, i) => part !== parts[i]);
  if (at >= 0 && (parts[at] ?? 0) < (SAFE_VERSION[at] as number)) {
    warn(`SQLite ${version} can damage "${name}" when a second process writes to it: use 3.51.3 or newer`);
  }
  const mode = readText(database, "PRAGMA journal_mode", "journal_mode");
  if (mode !== "wal") warn(`"${name}" has no write-ahead log (journal mode "${mode}"): commits are slow`);
}
