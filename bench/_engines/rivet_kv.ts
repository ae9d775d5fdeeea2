/**
 * A driver for Rivet's workflow engine over one SQLite file: WAL, synchronous FULL, one commit a call, which is what
 * its contract asks for (each flush is a `batch`, durable when it returns).
 *
 * @module
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { checkSynchronous } from "./recorded.ts";

/** A pair of its key-value namespace. */
interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** What the engine wants of its host: a namespace for each run. */
export interface RivetDriver {
  readonly atomicBatch: true;
  readonly workerPollInterval: number;
  readonly messageDriver: {
    addMessage(message: unknown): Promise<void>;
    receiveMessages(): Promise<readonly unknown[]>;
    completeMessage(): Promise<void>;
  };
  get(key: Uint8Array): Promise<Uint8Array | null>;
  set(key: Uint8Array, value: Uint8Array): Promise<void>;
  delete(key: Uint8Array): Promise<void>;
  batchDelete(keys: readonly Uint8Array[]): Promise<void>;
  deletePrefix(prefix: Uint8Array): Promise<void>;
  deleteRange(start: Uint8Array, end: Uint8Array): Promise<void>;
  list(prefix: Uint8Array): Promise<readonly Entry[]>;
  batch(writes: readonly Entry[]): Promise<void>;
  setAlarm(run: string, at: number): Promise<void>;
  clearAlarm(run: string): Promise<void>;
  waitForMessages(names: readonly string[], signal: AbortSignal): Promise<void>;
}

/** The file that all runs share. */
export interface RivetStore {
  /** The namespace of one run. */
  driver(run: number): RivetDriver;
  /** Closes the file. */
  close(): void;
}

/** Opens a new file. */
export function openRivetStore(path: string): RivetStore {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4000");
  checkSynchronous("Rivet", database);
  database.exec(
    "CREATE TABLE kv(run INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY(run, key)) STRICT, WITHOUT ROWID;" +
      "CREATE TABLE alarm(run INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT",
  );
  const sql = {
    get: database.prepare("SELECT value FROM kv WHERE run = ? AND key = ?"),
    set: database.prepare("INSERT INTO kv VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"),
    delete: database.prepare("DELETE FROM kv WHERE run = ? AND key = ?"),
    deleteRange: database.prepare("DELETE FROM kv WHERE run = ? AND key >= ? AND key < ?"),
    list: database.prepare("SELECT key, value FROM kv WHERE run = ? AND key >= ? AND key < ? ORDER BY key"),
    setAlarm: database.prepare("INSERT OR REPLACE INTO alarm VALUES(?, ?)"),
    clearAlarm: database.prepare("DELETE FROM alarm WHERE run = ?"),
  };
  const alarms = new Set<number>();

  function once(writes: () => void): Promise<void> {
    database.exec("BEGIN IMMEDIATE");
    writes();
    database.exec("COMMIT");
    return Promise.resolve();
  }

  return {
    driver: (run) => driverOf(run, { sql, alarms, once }),
    close: () => database.close(),
  };
}

interface Shared {
  readonly sql: Readonly<Record<"get" | "set" | "delete" | "deleteRange" | "list" | "setAlarm" | "clearAlarm", StatementSync>>;
  readonly alarms: Set<number>;
  once(writes: () => void): Promise<void>;
}

function driverOf(run: number, { sql, alarms, once }: Shared): RivetDriver {
  const done = Promise.resolve();
  return {
    atomicBatch: true,
    workerPollInterval: 100,
    messageDriver: {
      addMessage: () => done,
      receiveMessages: () => Promise.resolve([]),
      completeMessage: () => done,
    },
    get: (key) => Promise.resolve((sql.get.get(run, key)?.value ?? null) as Uint8Array | null),
    set(key, value) {
      sql.set.run(run, key, value);
      return done;
    },
    delete(key) {
      sql.delete.run(run, key);
      return done;
    },
    batchDelete: (keys) => once(() => keys.forEach((key) => sql.delete.run(run, key))),
    deletePrefix(prefix) {
      sql.deleteRange.run(run, prefix, after(prefix));
      return done;
    },
    deleteRange(start, end) {
      sql.deleteRange.run(run, start, end);
      return done;
    },
    list: (prefix) => Promise.resolve(sql.list.all(run, prefix, after(prefix)) as unknown as Entry[]),
    batch: (writes) => once(() => writes.forEach(({ key, value }) => sql.set.run(run, key, value))),
    setAlarm(_name, at) {
      alarms.add(run);
      sql.setAlarm.run(run, at);
      return done;
    },
    clearAlarm() {
      // the driver knows its alarms, so a run without one costs no statement
      if (alarms.delete(run)) sql.clearAlarm.run(run);
      return done;
    },
    waitForMessages: () => Promise.reject(new Error("Cannot wait for a message: the benchmark sends none")),
  };
}

/** The first key behind all that start with `prefix`. */
function after(prefix: Uint8Array): Uint8Array {
  const end = prefix.slice();
  for (let i = end.length - 1; i >= 0; i--) {
    if (end[i] === 255) continue;
    end[i] = (end[i] as number) + 1;
    return end.subarray(0, i + 1);
  }
  return new Uint8Array(64).fill(255);
}
