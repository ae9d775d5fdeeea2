import { test } from "node:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { sqlite, type SqliteDatabase } from "../adapters/storage/sqlite.ts";
import { createConnection } from "../adapters/storage/sqlite/connection.ts";
import { runtimeDriver } from "../adapters/storage/sqlite/database.ts";
import type { ShardBatch } from "../core/ports/store.ts";

/** Runs a body with a folder of its own. */
async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tenure-sqlite-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const key = (id: string) => ({ tenant: "acme", workflow: "flow", id });
const head = (id: string) => ({ ...key(id), status: "waiting", wake: 5, created: 1, ended: null, data: "{}" });
const batch = (epoch: number, parts: Partial<ShardBatch>, shard = 0): ShardBatch => ({
  ...{ shard, epoch, drops: [], heads: [], appends: [], cells: [], acks: [] },
  ...parts,
});
const append = (id: string, seq: number, text = `r${seq}`) => ({ key: key(id), seq, count: 1, text });

/** Rejects with that code and exactly that message. */
async function refuses(body: () => Promise<unknown>, code: string, message: RegExp): Promise<void> {
  const error = await assertRejects(body, Error);
  assertEquals((error as Error & { code?: string }).code, code, error.message);
  assertMatch(error.message, message);
}

test("sqlite() survives a full disk", async () => {
  const database = (await runtimeDriver())(":memory:");
  const store = await sqlite({ database }).open();
  await store.acquire(0, "me", 1);
  await store.commit("b1", [batch(1, { heads: [head("1")], appends: [append("1", 0)] })]);
  const { page_count: pages } = database.prepare("PRAGMA page_count").get() as { page_count: number };
  database.prepare(`PRAGMA max_page_count = ${pages + 4}`).get();
  const large = batch(1, { heads: [head("2")], appends: [append("1", 1), append("1", 2, "x".repeat(100_000))] });
  await refuses(
    () => store.commit("b2", [large]),
    "storage_unavailable",
    /^Cannot write to "sqlite": the disk is full$/,
  );
  assertEquals(await store.load(0, key("2")), null);
  assertEquals(await store.acquire(0, "me", 1), { epoch: 2, lastBatch: "b1", clean: false });
  database.prepare("PRAGMA max_page_count = 100000").get();
  assertEquals(await store.commit("b2", [{ ...large, epoch: 2 }]), "ok");
  assertEquals((await store.load(0, key("1")))?.journal.length, 3);
  await store.close();
  database.close();
});

test("sqlite() waits for another process that writes, and does not block meanwhile", () =>
  inFolder(async (folder) => {
    const path = join(folder, "a.db");
    const store = await sqlite({ path }).open();
    await store.acquire(0, "me", 1);
    const other = (await runtimeDriver())(path);
    other.exec("BEGIN IMMEDIATE");
    let answered = 0;
    const commit = store.commit("b1", [batch(1, { heads: [head("1")] })]).finally(() => answered++);
    const post = store.post(0, { key: "k", body: "" }).finally(() => answered++);
    assertEquals(await store.find({ tenant: "acme", limit: 9 }), []);
    assertEquals(answered, 0);
    other.exec("ROLLBACK");
    assertEquals([await commit, await post], ["ok", undefined]);
    assertEquals((await store.inbox(0, 9)).length, 1);
    await store.close();
    other.close();
  }));

test("createConnection() says that somebody else keeps the file locked", () =>
  inFolder(async (folder) => {
    const open = await runtimeDriver();
    const path = join(folder, "a.db");
    await (await sqlite({ path }).open()).close();
    const other = open(path);
    const database = open(path);
    const connection = createConnection({ name: "a.db", database, reopen: undefined, onFailure() {}, patience: 2 });
    other.exec("BEGIN IMMEDIATE");
    const post = () => connection.use("write to", (sql) => sql.post.run(0, "k", "", 0, "k"));
    const message = /^Cannot write to "a.db": another process keeps it locked$/;
    await refuses(post, "storage_unavailable", message);
    await refuses(() => connection.write("write to", () => 1), "storage_unavailable", message);
    other.exec("ROLLBACK");
    assertEquals(Number((await post()).changes), 1);
    connection.close();
    other.close();
    database.close();
  }));

/** A handle whose `exec` fails on a statement while `failing()` says so. */
function faulty(database: SqliteDatabase, failing: (sql: string) => boolean): SqliteDatabase {
  return {
    exec(sql) {
      if (failing(sql)) throw Object.assign(new Error(`disk I/O error near "${sql}"`), { errcode: 10 });
      return database.exec(sql);
    },
    prepare: (sql) => database.prepare(sql),
    close: () => database.close(),
  };
}

test("sqlite() rolls back a commit that failed, and its error shows no SQL", async () => {
  const database = (await runtimeDriver())(":memory:");
  let failing = false;
  const store = await sqlite({ database: faulty(database, (sql) => failing && sql === "COMMIT") }).open();
  await store.acquire(0, "me", 1);
  failing = true;
  const error = await assertRejects(() => store.commit("b1", [batch(1, { heads: [head("1")] })]), Error);
  assertEquals(error.message, 'Cannot write to "sqlite": the disk failed');
  assertEquals((error.cause as Error).message, 'disk I/O error near "COMMIT"');
  failing = false;
  assertEquals(await store.load(0, key("1")), null);
  assertEquals(await store.commit("b1", [batch(1, { heads: [head("1")], appends: [append("1", 0)] })]), "ok");
  await store.close();
  database.close();
});

test("createConnection() opens a new handle when one cannot even roll back", () =>
  inFolder(async (folder) => {
    const open = await runtimeDriver();
    const path = join(folder, "a.db");
    await (await sqlite({ path }).open()).close();
    for (const ours of [true, false]) {
      let failing = false;
      let forgotten = 0;
      const broken = open(path);
      const connection = createConnection({
        name: "a.db",
        database: faulty(broken, (sql) => failing && sql !== "BEGIN IMMEDIATE"),
        reopen: ours ? () => open(path) : undefined,
        onFailure: () => forgotten++,
      });
      const write = () => connection.write("write to", (sql) => sql.post.run(0, `k-${ours}`, "", 0, `k-${ours}`));
      failing = true;
      await assertRejects(write, Error, 'Cannot write to "a.db": the disk failed');
      assert(forgotten > 0);
      if (ours) {
        assertEquals(Number((await write()).changes), 1);
      } else {
        await assertRejects(write, Error, 'Cannot use "a.db": its handle failed');
        broken.close();
      }
      connection.close();
    }
    const store = await sqlite({ path }).open();
    assertEquals(await store.inbox(0, 9), [{ key: "k-true", body: "" }]);
    await store.close();
  }));
