/**
 * Who may own the shards of a database: one connection at a time.
 *
 * Guarantee of a file lock: the operating system frees it when its process is gone, however it died, and keeps it
 * while the process lives, stopped or not; process ids and clocks are not asked. It is a SQLite file of its own,
 * held in an exclusive transaction, because that locks alike on every runtime. Trusts that nobody deletes, copies
 * or opens the lock file by other means (on POSIX, closing *any* handle of a file frees its process's locks).
 * The epoch in the database still decides whether a write counts.
 *
 * @module
 */
import type { OpenDatabase, SqliteDatabase } from "./database.ts";
import { failure, sqliteCode } from "./failure.ts";

/** A lock of one connection. */
export interface Lock {
  /** Tries to hold it, without waiting; true when it is held. */
  take(): boolean;
  /** Lets it go; does nothing when it is not held. */
  free(): void;
}

/** Keeps the handles reachable: a collected one would be closed, and its lock gone. */
const held: Set<SqliteDatabase> = new Set();

/** A lock that other processes see. */
export function fileLock(open: OpenDatabase, path: string): Lock {
  let handle: SqliteDatabase | null = null;

  function take(): boolean {
    if (handle !== null) return true;
    let database: SqliteDatabase | null = null;
    try {
      database = open(path);
      // Nothing is ever written, so no journal file has to lie beside it.
      database.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY");
      database.exec("BEGIN EXCLUSIVE");
    } catch (error) {
      database?.close();
      if (sqliteCode(error) === 5) return false;
      throw failure("lock", path, error);
    }
    held.add(handle = database);
    return true;
  }

  function free(): void {
    if (handle === null) return;
    const database = handle;
    handle = null;
    held.delete(database);
    database.exec("ROLLBACK");
    database.close();
  }

  return { take, free };
}

const owners: WeakMap<SqliteDatabase, object> = new WeakMap();

/** A lock among the connections that share one handle, for a database that no other process can open. */
export function handleLock(database: SqliteDatabase): Lock {
  const me = {};
  return {
    take(): boolean {
      if (!owners.has(database)) owners.set(database, me);
      return owners.get(database) === me;
    },
    free(): void {
      if (owners.get(database) === me) owners.delete(database);
    },
  };
}
