/**
 * The tables, their format number, and the settings of a connection.
 *
 * Guarantee: a file of a newer format is refused before anything is written to it. The tables are prefixed, so that
 * they can live in a database that a platform already has.
 *
 * @module
 */
import { quote, TenureError } from "../../../core/errors.ts";
import { corrupt } from "../../../core/store_rules.ts";
import { readText, type SqliteDatabase } from "./database.ts";

/** The newest format that this release knows. */
const FORMAT = 1;

/**
 * The journal is an append log and not clustered by instance: a commit then touches one tail page, however many
 * instances it holds. `due` carries the whole key, because many wakes fall on one instant and are read in pages.
 */
const TABLES = `
CREATE TABLE tenure_meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE tenure_shard(id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, owner TEXT, clean INTEGER NOT NULL,
  last_batch TEXT NOT NULL) STRICT;
CREATE TABLE tenure_inst(iid INTEGER PRIMARY KEY, shard INTEGER NOT NULL, tenant TEXT NOT NULL, workflow TEXT NOT NULL,
  id TEXT NOT NULL, status TEXT NOT NULL, wake INTEGER, created INTEGER NOT NULL, ended INTEGER, data TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX tenure_inst_key ON tenure_inst(tenant, workflow, id);
CREATE INDEX tenure_inst_find ON tenure_inst(tenant, created, workflow, id);
CREATE INDEX tenure_inst_due ON tenure_inst(shard, wake, tenant, workflow, id) WHERE wake IS NOT NULL;
CREATE TABLE tenure_journal(n INTEGER PRIMARY KEY, iid INTEGER NOT NULL, seq INTEGER NOT NULL, count INTEGER NOT NULL,
  text TEXT NOT NULL) STRICT;
CREATE INDEX tenure_journal_iid ON tenure_journal(iid);
CREATE TABLE tenure_cell(shard INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(shard, key))
  STRICT, WITHOUT ROWID;
CREATE TABLE tenure_inbox(n INTEGER PRIMARY KEY, shard INTEGER NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL,
  UNIQUE(shard, key)) STRICT;
CREATE TABLE tenure_outcome(shard INTEGER NOT NULL, key TEXT NOT NULL, outcome TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY(shard, key)) STRICT, WITHOUT ROWID;
CREATE INDEX tenure_outcome_at ON tenure_outcome(shard, at);
CREATE TABLE tenure_blob(tenant TEXT NOT NULL, hash TEXT NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY(tenant, hash)) STRICT;
`;

/** Sets up a connection, creates the tables where there are none, and answers the number of shards. */
export function prepareSchema(
  database: SqliteDatabase,
  options: { readonly name: string; readonly shards: number | undefined; readonly durability: "fsync" | "process" },
): number {
  const { name, shards, durability } = options;
  // Only here: a connection that works waits without blocking its process (connection.ts).
  database.exec("PRAGMA busy_timeout = 5000");
  let found = readShards(database, name);
  checkCount(name, found, shards);
  settle(database, durability);
  if (found === null) {
    database.exec("BEGIN IMMEDIATE");
    try {
      // Two processes may open a new file at one time: the second finds the tables of the first.
      found = readShards(database, name);
      if (found === null) found = create(database, shards ?? 1);
      database.exec("COMMIT");
    } catch (error) {
      try {
        database.exec("ROLLBACK");
      } catch {
        // SQLite did it itself (a full disk); what went wrong is in `error`.
      }
      throw error;
    }
    checkCount(name, found, shards);
  }
  database.exec("PRAGMA busy_timeout = 0");
  return found;
}

/** Settings of a connection, none of which lives in the file but the journal mode. */
export function settle(database: SqliteDatabase, durability: "fsync" | "process"): void {
  readText(database, "PRAGMA journal_mode = WAL", "journal_mode");
  database.exec(`PRAGMA synchronous = ${durability === "fsync" ? "FULL" : "NORMAL"}`);
  // Without it an fsync of macOS does not reach the disk; other systems ignore it.
  if (durability === "fsync") database.exec("PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1");
  database.exec("PRAGMA foreign_keys = OFF; PRAGMA cache_size = -65536");
  readText(database, "PRAGMA wal_autocheckpoint = 4000", "wal_autocheckpoint");
  readText(database, "PRAGMA journal_size_limit = 67108864", "journal_size_limit");
}

function readShards(database: SqliteDatabase, name: string): number | null {
  const table = "SELECT count(*) AS found FROM sqlite_master WHERE type = 'table' AND name = 'tenure_meta'";
  if (readText(database, table, "found") === "0") return null;
  const format = Number(readText(database, "SELECT value FROM tenure_meta WHERE key = 'format'", "value"));
  if (format > FORMAT) {
    const reason = `its format is ${format}, and this release knows up to ${FORMAT}`;
    throw new TenureError("storage_newer", `Cannot open ${quote(name)}: ${reason}`);
  }
  const shards = Number(readText(database, "SELECT value FROM tenure_meta WHERE key = 'shards'", "value"));
  if (format < 1 || shards < 1) throw corrupt(`Cannot open ${quote(name)}: its tables say nothing of their format`);
  return shards;
}

function checkCount(name: string, found: number | null, wanted: number | undefined): void {
  if (found === null || wanted === undefined || found === wanted) return;
  const reason = `it has ${found}, and the number is fixed at its creation`;
  throw new TenureError("invalid_argument", `Cannot open ${quote(name)} with ${wanted} shards: ${reason}`);
}

function create(database: SqliteDatabase, shards: number): number {
  database.exec(TABLES);
  for (let id = 0; id < shards; id++) database.exec(`INSERT INTO tenure_shard VALUES(${id}, 0, NULL, 1, '')`);
  database.exec(`INSERT INTO tenure_meta VALUES('format', ${FORMAT}), ('shards', ${shards})`);
  return shards;
}
