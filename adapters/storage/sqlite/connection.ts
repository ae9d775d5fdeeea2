/**
 * A handle with its statements: what to do when it is busy, and when it fails.
 *
 * Guarantee: after any error no transaction stays open; where the handle cannot even roll back, a new one takes its
 * place, or, when the handle belongs to somebody else, the connection refuses all further work. Another process that
 * writes is waited for without blocking this one; only what has done nothing yet is tried again, so no outcome that
 * is unknown is hidden.
 *
 * @module
 */
import { quote, TenureError } from "../../../core/errors.ts";
import type { SqliteDatabase } from "./database.ts";
import { failure, sqliteCode } from "./failure.ts";
import { prepareStatements, type Statements } from "./statements.ts";

/** A connection to a database. */
export interface Connection {
  /** Runs one statement, in a body that may run again; errors say "Cannot `act` …". */
  use<T>(act: string, body: (sql: Statements) => T): Promise<T>;
  /** Reads at one moment with several statements. */
  read<T>(act: string, body: (sql: Statements) => T): Promise<T>;
  /** Writes in a transaction, which is rolled back when `body` throws or answers with a {@linkcode Rollback}. */
  write<T>(act: string, body: (sql: Statements) => T | Rollback<T>): Promise<T>;
  /** Frees the statements, and the handle when it is ours. */
  close(): void;
}

/** An answer of a transaction that is to leave nothing. */
export interface Rollback<T> {
  /** What is answered. */
  readonly rollback: T;
}

/** How a connection comes to a handle. */
export interface ConnectionOptions {
  /** For messages. */
  readonly name: string;
  /** The handle. */
  readonly database: SqliteDatabase;
  /** Makes a new handle when this one is broken; without it the handle belongs to somebody else and is not closed. */
  readonly reopen: (() => SqliteDatabase) | undefined;
  /** Called when everything that was remembered of the database may be untrue. */
  readonly onFailure: () => void;
  /**
   * How often a database that somebody else keeps locked is tried again, about a millisecond apart.
   * @default 5000
   */
  readonly patience?: number;
}

const BUSY = 5;
/** What an attempt answers that did nothing, because the database was busy. */
const AGAIN: unique symbol = Symbol("again");

/** Makes a connection. */
export function createConnection(options: ConnectionOptions): Connection {
  const { name, reopen, onFailure, patience = 5_000 } = options;
  let database = options.database;
  let sql = prepareStatements(database);
  let state: "open" | "broken" | "closed" = "open";

  function ready(): void {
    if (state === "closed") throw new TenureError("closed", "Cannot use the store: it is closed");
    if (state === "broken") recover();
  }

  async function patiently<T>(act: string, attempt: () => T | typeof AGAIN): Promise<T> {
    for (let tries = 0;; tries++) {
      ready();
      const answer = attempt();
      if (answer !== AGAIN) return answer;
      if (tries >= patience) throw failure(act, name, { errcode: BUSY });
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  function use<T>(act: string, body: (sql: Statements) => T): Promise<T> {
    return patiently(act, () => {
      try {
        return body(sql);
      } catch (error) {
        if (sqliteCode(error) === BUSY) return AGAIN;
        throw failure(act, name, error);
      }
    });
  }

  function read<T>(act: string, body: (sql: Statements) => T): Promise<T> {
    return patiently(act, () => transaction(act, "BEGIN", body));
  }

  function write<T>(act: string, body: (sql: Statements) => T | Rollback<T>): Promise<T> {
    return patiently(act, () => transaction(act, "BEGIN IMMEDIATE", body));
  }

  function transaction<T>(
    act: string,
    begin: "BEGIN" | "BEGIN IMMEDIATE",
    body: (sql: Statements) => T | Rollback<T>,
  ): T | typeof AGAIN {
    try {
      database.exec(begin);
    } catch (error) {
      // Nothing of ours to undo: and on a handle of the caller's it may be a transaction of the caller's that is open.
      if (sqliteCode(error) === BUSY) return AGAIN;
      throw failure(act, name, error);
    }
    try {
      const answer = body(sql);
      if (typeof answer === "object" && answer !== null && "rollback" in answer) {
        rollback();
        return answer.rollback;
      }
      database.exec("COMMIT");
      return answer;
    } catch (error) {
      rollback();
      if (begin === "BEGIN" && sqliteCode(error) === BUSY) return AGAIN;
      throw failure(act, name, error);
    }
  }

  function rollback(): void {
    onFailure();
    try {
      database.exec("ROLLBACK");
    } catch {
      // SQLite rolls back by itself on some errors (a full disk); then a new transaction can begin at once.
      try {
        database.exec("BEGIN");
        database.exec("ROLLBACK");
      } catch {
        state = "broken";
      }
    }
  }

  function recover(): void {
    if (reopen === undefined) {
      const message = `Cannot use ${quote(name)}: its handle failed, and belongs to the caller`;
      throw new TenureError("storage_unavailable", message);
    }
    try {
      discard();
      database = reopen();
      sql = prepareStatements(database);
      state = "open";
    } catch (error) {
      throw failure("open", name, error);
    }
  }

  function discard(): void {
    sql.finalize();
    if (reopen !== undefined) database.close();
  }

  function close(): void {
    if (state === "closed") return;
    state = "closed";
    discard();
  }

  return { use, read, write, close };
}
