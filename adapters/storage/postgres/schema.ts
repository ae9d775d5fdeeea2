/**
 * The tables, their format number, and how they come to be.
 *
 * Guarantee: everything is made in one transaction under a lock of the database, by whoever comes first; a schema of a
 * newer format is refused before anything is written to it. It lives in a schema of its own, beside what a platform
 * already has in its database.
 *
 * @module
 */
import { quote, TenureError } from "../../../core/errors.ts";
import { corrupt } from "../../../core/store_rules.ts";
import type { PostgresClient } from "./client.ts";
import { functionsOf } from "./functions.ts";

/** The newest format that this release knows. */
const FORMAT = 1;
/** Any number, the same in every release: who migrates holds the advisory lock of it. */
const LOCK = 7_310_597_642_001;

/** What was found of the server and the schema. */
export interface Found {
  /** How many shards the schema has. */
  readonly shards: number;
  /** Whether the server writes its log to the disk before it answers. */
  readonly fsync: boolean;
}

/** The name of a schema as an identifier in SQL. */
export function identifier(schema: string): string {
  return `"${schema.replaceAll('"', '""')}"`;
}

/**
 * Texts are compared by bytes (`C`), whatever the database sorts by. `due` and `find` carry whole keys, because many
 * entries fall on one instant and are read in pages. Room is left in pages whose rows change in place.
 */
function tablesOf(schema: string, shards: number): string {
  const text = `text COLLATE "C" NOT NULL`;
  return `
CREATE TABLE IF NOT EXISTS ${schema}.meta(key text PRIMARY KEY, value bigint NOT NULL);
CREATE TABLE IF NOT EXISTS ${schema}.shard(id int PRIMARY KEY, epoch bigint NOT NULL, owner text, expires timestamptz NOT NULL,
  clean boolean NOT NULL, last_batch text NOT NULL) WITH (fillfactor = 20);
CREATE TABLE IF NOT EXISTS ${schema}.member(owner ${text} PRIMARY KEY, process text NOT NULL, expires timestamptz NOT NULL);
CREATE TABLE IF NOT EXISTS ${schema}.inst(iid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, shard int NOT NULL,
  tenant ${text}, workflow ${text}, id ${text}, status ${text}, wake bigint, created bigint NOT NULL, ended bigint,
  data text NOT NULL) WITH (fillfactor = 80);
CREATE UNIQUE INDEX IF NOT EXISTS inst_key ON ${schema}.inst(tenant, workflow, id);
CREATE INDEX IF NOT EXISTS inst_find ON ${schema}.inst(tenant, created, workflow, id);
CREATE INDEX IF NOT EXISTS inst_due ON ${schema}.inst(shard, wake, tenant, workflow, id) WHERE wake IS NOT NULL;
CREATE TABLE IF NOT EXISTS ${schema}.journal(iid bigint NOT NULL, seq bigint NOT NULL, count bigint NOT NULL, text text NOT NULL,
  CONSTRAINT journal_pkey PRIMARY KEY(iid, seq));
CREATE TABLE IF NOT EXISTS ${schema}.cell(shard int NOT NULL, key ${text}, value text NOT NULL, PRIMARY KEY(shard, key))
  WITH (fillfactor = 80);
CREATE TABLE IF NOT EXISTS ${schema}.inbox(n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, shard int NOT NULL, key ${text},
  body text NOT NULL, UNIQUE(shard, key));
CREATE INDEX IF NOT EXISTS inbox_order ON ${schema}.inbox(shard, n);
CREATE TABLE IF NOT EXISTS ${schema}.outcome(shard int NOT NULL, key ${text}, outcome text NOT NULL, at bigint NOT NULL,
  PRIMARY KEY(shard, key));
CREATE INDEX IF NOT EXISTS outcome_at ON ${schema}.outcome(shard, at);
CREATE TABLE IF NOT EXISTS ${schema}.blob(tenant ${text}, hash ${text}, bytes bytea NOT NULL, PRIMARY KEY(tenant, hash));
INSERT INTO ${schema}.shard SELECT id, 0, NULL, 'epoch', true, '' FROM generate_series(0, ${shards - 1}) AS id
  WHERE NOT EXISTS (SELECT 1 FROM ${schema}.meta);
INSERT INTO ${schema}.meta SELECT * FROM (VALUES ('format', ${FORMAT}), ('shards', ${shards})) AS new(key, value)
  WHERE NOT EXISTS (SELECT 1 FROM ${schema}.meta);`;
}

/** Makes the schema where there is none, and says what is there. */
export async function prepareSchema(
  client: PostgresClient,
  options: { readonly schema: string; readonly shards: number | undefined },
): Promise<Found> {
  const { schema, shards } = options;
  const name = identifier(schema);
  const settings = "SELECT current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync";
  const [server] = await client.unsafe(settings) as { encoding: string; fsync: string }[];
  if (server?.encoding !== "UTF8") {
    throw new TenureError("storage_unavailable", 'Cannot open "postgres": the encoding of its database is not UTF8');
  }
  let found = await readShards(client, schema);
  if (found === null) {
    // Several statements in one message are one transaction. Of two that come at one time the second finds it all.
    await client.unsafe(`
SELECT pg_advisory_xact_lock(${LOCK}), set_config('client_min_messages', 'warning', true),
  set_config('synchronous_commit', 'on', true);
DO $$ BEGIN IF to_regnamespace('${name.replaceAll("'", "''")}') IS NULL THEN CREATE SCHEMA ${name}; END IF; END $$;
${tablesOf(name, shards ?? DEFAULT_SHARDS)}
${functionsOf(name)}`);
    found = await readShards(client, schema);
  }
  if (found === null) throw corrupt(`Cannot open ${quote(schema)}: its tables say nothing of their format`);
  if (shards !== undefined && found !== shards) {
    const reason = `it has ${found}, and the number is fixed at its creation`;
    throw new TenureError("invalid_argument", `Cannot open ${quote(schema)} with ${shards} shards: ${reason}`);
  }
  return { shards: found, fsync: server.fsync === "on" };
}

/** Room for several processes, each of which owns some, and few enough to look at all of them often. */
const DEFAULT_SHARDS = 16;

async function readShards(client: PostgresClient, schema: string): Promise<number | null> {
  const name = identifier(schema);
  const there = "SELECT to_regclass($1::text) IS NOT NULL AS there";
  const [{ there: exists } = { there: false }] = await client.unsafe(there, [`${name}.meta`]) as { there: boolean }[];
  if (!exists) return null;
  const rows = await client.unsafe(`SELECT key, value FROM ${name}.meta`) as { key: string; value: string }[];
  const meta = new Map(rows.map(({ key, value }) => [key, Number(value)]));
  const format = meta.get("format") ?? 0;
  if (format > FORMAT) {
    const reason = `its format is ${format}, and this release knows up to ${FORMAT}`;
    throw new TenureError("storage_newer", `Cannot open ${quote(schema)}: ${reason}`);
  }
  const shards = meta.get("shards") ?? 0;
  if (format < 1 || shards < 1) throw corrupt(`Cannot open ${quote(schema)}: its tables say nothing of their format`);
  return shards;
}
