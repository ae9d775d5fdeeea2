/**
 * A handle with its statements, and what to do when it fails.
 *
 * Guarantee: after any error no transaction stays open; where the handle cannot even roll back, a new one takes its
 * place, or, when the handle belongs to somebody else, the connection refuses all further work.
 *
 * @module
 */
import { TenureError } from "../../../core/errors.ts";
import type { SqliteDatabase } from "./database.ts";
import { failure } from "./failure.ts";
import { prepareStatements, type Statements } from "./statements.ts";

/** A connection to a database. */
export interface Connection {
  /** Does one thing with prepared statements; errors say "Cannot `act` …". */
  use<T>(act: string, body: (sql: Statements) => T): T;
  /** Does one thing in a transaction, which is rolled back when `body` throws or answers with `ROLLBACK`. */
  transaction<T>(act: string, begin: "BEGIN" | "BEGIN IMMEDIATE", body: (sql: Statements) => T | Rollback<T>): T;
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
}

/** Makes a connection. */
export function createConnection(options: ConnectionOptions): Connection {
  const { name, reopen, onFailure } = options;
  let database = options.database;
  let sql = prepareStatements(database);
  let state: "open" | "broken" | "closed" = "open";

  function ready(): void {
    if (state === "closed") throw new TenureError("closed", "Cannot use the store: it is closed");
    if (state === "broken") recover();
  }

  function use<T>(act: string, body: (sql: Statements) => T): T {
    ready();
    try {
      return body(sql);
    } catch (error) {
      throw failure(act, name, error);
    }
  }

  function transaction<T>(act: string, begin: string, body: (sql: Statements) => T | Rollback<T>): T {
    ready();
    let begun = false;
    try {
      database.exec(begin);
      begun = true;
      const answer = body(sql);
      if (typeof answer === "object" && answer !== null && "rollback" in answer) {
        rollback();
        return answer.rollback;
      }
      database.exec("COMMIT");
      return answer;
    } catch (error) {
      onFailure();
      // Without a BEGIN of ours there is nothing of ours to undo: a caller's own transaction on a shared handle stays.
      if (begun) rollback();
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
      throw new TenureError("storage_unavailable", `Cannot use "${name}": its handle failed and belongs to the caller`);
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

  return { use, transaction, close };
}
