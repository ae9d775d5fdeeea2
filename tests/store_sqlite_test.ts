import { test } from "node:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { sqlite, type SqliteDatabase } from "../adapters/storage/sqlite.ts";
import { runtimeDriver } from "../adapters/storage/sqlite/database.ts";
import type { ShardBatch, Store } from "../core/ports/store.ts";
import { storeCases } from "../testing/store_cases.ts";

const file = storeCases(({ shards }) => {
  const folder = mkdtempSync(join(tmpdir(), "tenure-sqlite-"));
  const path = join(folder, "a.db");
  return Promise.resolve({
    adapter: sqlite({ path, shards }),
    cleanup: () => Promise.resolve(rmSync(folder, { recursive: true })),
    // The owner keeps its lock, on a file that nobody finds any more: a lock that failed.
    takeover: () => Promise.resolve(rmSync(`${path}.lock`)),
  });
});
for (const { name, run } of file) test(`sqlite() in a file: ${name}`, run);

const inMemory = storeCases(({ shards }) =>
  Promise.resolve({ adapter: sqlite({ path: ":memory:", shards }), cleanup: () => Promise.resolve() })
);
for (const { name, run } of inMemory) test(`sqlite() in memory: ${name}`, run);

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

test("sqlite() keeps everything in the file", () =>
  inFolder(async (folder) => {
    const path = join(folder, "a.db");
    const before = await sqlite({ path, shards: 2 }).open();
    await before.acquire(1, "me", 1);
    const all = {
      heads: [head("1"), head("2")],
      appends: [append("1", 0)],
      cells: [{ key: "c", value: "v" }],
      acks: [{ key: "m", outcome: "o", at: 1 }],
    };
    assertEquals(await before.commit("b1", [batch(1, all, 1)]), "ok");
    await before.post(1, { key: "n", body: "body" });
    await before.blobs.put("acme", "h", new Uint8Array([1, 2]));
    await before.close();

    const after = await sqlite({ path }).open();
    assertEquals(after.shards, 2);
    assertEquals(await after.acquire(1, "you", 1), { epoch: 2, lastBatch: "b1", clean: false });
    assertEquals(await after.load(1, key("1")), { head: head("1"), journal: ["r0"] });
    assertEquals(await after.due(1, { after: 0, until: 9, limit: 9 }), [{ wake: 5, ...key("1") }, {
      wake: 5,
      ...key("2"),
    }]);
    assertEquals(await after.cell(1, "c"), "v");
    assertEquals([await after.outcome(1, "m"), await after.inbox(1, 9)], ["o", [{ key: "n", body: "body" }]]);
    assertEquals(await after.blobs.get("acme", "h"), new Uint8Array([1, 2]));
    assertEquals(await after.commit("b2", [batch(2, { appends: [append("1", 1)] }, 1)]), "ok");
    assertEquals((await after.load(1, key("1")))?.journal, ["r0", "r1"]);
    await after.close();
  }));

test("sqlite() gives the shards of a file to one connection until it released all of them", () =>
  inFolder(async (folder) => {
    const path = join(folder, "a.db");
    const [one, two] = [await sqlite({ path, shards: 2 }).open(), await sqlite({ path }).open()];
    const leases = [await one.acquire(0, "same", 1), await one.acquire(1, "same", 1)];
    assertEquals(leases.map((lease) => lease?.epoch), [1, 1]);
    assertEquals(await two.acquire(0, "same", 1), null);
    await one.release(0, 1);
    assertEquals(await two.acquire(0, "same", 1), null);
    await one.release(1, 1);
    assertEquals(await two.acquire(0, "same", 1), { epoch: 2, lastBatch: "", clean: true });
    assertEquals(await one.acquire(1, "same", 1), null);
    await two.close();
    assertEquals(await one.acquire(0, "same", 1), { epoch: 3, lastBatch: "", clean: false });
    await one.close();
  }));

test("sqlite() makes no lock file for those who only read and post", () =>
  inFolder(async (folder) => {
    const store = await sqlite({ path: join(folder, "a.db") }).open();
    await store.post(0, { key: "k", body: "" });
    assertEquals(readdirSync(folder).filter((name) => name.endsWith(".lock")), []);
    await store.close();
    assertEquals(readdirSync(folder), ["a.db"]);
  }));

test("sqlite() refuses a file of a newer format, and leaves it as it is", () =>
  inFolder(async (folder) => {
    const path = join(folder, "a.db");
    await (await sqlite({ path }).open()).close();
    const database = (await runtimeDriver())(path);
    database.exec("UPDATE tenure_meta SET value = 99 WHERE key = 'format'");
    database.close();
    const bytes = readFileSync(path);
    await refuses(
      () => sqlite({ path }).open(),
      "storage_newer",
      /^Cannot open ".*": its format is 99, and this release knows up to 1$/,
    );
    assert(bytes.equals(readFileSync(path)));
    assertEquals(readdirSync(folder), ["a.db"]);
  }));

test("sqlite() says in words why a path cannot be opened, and writes nothing", () =>
  inFolder(async (folder) => {
    const text = join(folder, "text");
    mkdirSync(join(folder, "folder"));
    writeFileSync(text, "This is a letter and not a database. ".repeat(40));
    const paths: [string, RegExp][] = [
      [join(folder, "none", "a.db"), /^Cannot open ".*": its folder does not exist$/],
      [join(text, "a.db"), /^Cannot open ".*": its folder is a file$/],
      [join(folder, "folder"), /^Cannot open ".*": it is a folder$/],
      [text, /^Cannot open ".*": it is not a SQLite database$/],
    ];
    for (const [path, message] of paths) await refuses(() => sqlite({ path }).open(), "storage_unavailable", message);
    assertEquals(readdirSync(folder).sort(), ["folder", "text"]);
    assertEquals(readFileSync(text, "utf8"), "This is a letter and not a database. ".repeat(40));
  }));

test("sqlite() refuses another number of shards than the file has", () =>
  inFolder(async (folder) => {
    const path = join(folder, "a.db");
    await (await sqlite({ path, shards: 3 }).open()).close();
    await refuses(() => sqlite({ path, shards: 2 }).open(), "invalid_argument", /with 2 shards: it has 3/);
    const store = await sqlite({ path }).open();
    assertEquals([store.shards, store.caps.fencesPerCommit], [3, 3]);
    await refuses(() => store.acquire(3, "me", 1), "invalid_argument", /shard/);
    await store.close();
    for (const shards of [0, -1, 1.5]) assertThrows(() => sqlite({ path, shards }), Error, "Cannot make a store");
  }));

test("sqlite() works in a handle that is passed in, beside other tables, and does not close it", () =>
  inFolder(async (folder) => {
    const open = await runtimeDriver();
    for (const path of [":memory:", join(folder, "a.db")]) {
      const database = open(path);
      database.exec("CREATE TABLE inst(mine TEXT); INSERT INTO inst VALUES('mine')");
      const store = await sqlite({ database }).open();
      const inFile = path !== ":memory:";
      assertEquals(
        [store.caps.durability, store.caps.writers],
        inFile ? ["fsync", "fenced"] : ["none", "single-process"],
      );
      assertEquals((await store.acquire(0, "me", 1))?.epoch, 1);
      assertEquals(existsSync(`${path}.lock`), inFile);
      await store.commit("b1", [batch(1, { heads: [head("1")] })]);
      await store.close();
      assertEquals((database.prepare("SELECT mine FROM inst").get() as { mine: string }).mine, "mine");
      const again = await sqlite({ database }).open();
      assertEquals((await again.acquire(0, "me", 1))?.epoch, 2);
      assertEquals((await again.find({ tenant: "acme", limit: 9 })).length, 1);
      await again.close();
      database.close();
    }
  }));

test("sqlite() takes the lock file that it is told to", () =>
  inFolder(async (folder) => {
    const open = await runtimeDriver();
    const lockPath = join(folder, "owner.lock");
    const [one, two] = [open(":memory:"), open(":memory:")];
    const [first, second] = [
      await sqlite({ database: one, lockPath }).open(),
      await sqlite({ database: two, lockPath }).open(),
    ];
    assertEquals(first.caps.writers, "fenced");
    assertEquals((await first.acquire(0, "me", 1))?.epoch, 1);
    assertEquals(await second.acquire(0, "me", 1), null);
    assertEquals(readdirSync(folder), ["owner.lock"]);
    await first.close();
    assertEquals((await second.acquire(0, "me", 1))?.epoch, 1);
    await second.close();
    await refuses(
      async () =>
        (await sqlite({ database: one, lockPath: join(folder, "none", "x.lock") }).open()).acquire(0, "me", 1),
      "storage_unavailable",
      /^Cannot lock ".*": it cannot be opened or created$/,
    );
    one.close();
    two.close();
  }));

test("sqlite() says what it promises", () =>
  inFolder(async (folder) => {
    const store = await sqlite({ path: join(folder, "a.db"), durability: "process" }).open();
    assertEquals([store.caps.durability, store.caps.writers], ["process", "fenced"]);
    await store.close();
  }));

test("sqlite() refuses a journal with a gap or an overlap, also after others wrote", () =>
  inFolder(async (folder) => {
    const path = join(folder, "a.db");
    const [one, two] = [await sqlite({ path }).open(), await sqlite({ path }).open()];
    await one.acquire(0, "one", 1);
    await one.commit("b1", [batch(1, { heads: [head("1")], appends: [append("1", 0)] })]);
    await one.release(0, 1);
    await two.acquire(0, "two", 1);
    await two.commit("b2", [batch(2, { appends: [append("1", 1), append("1", 2)] })]);
    await two.release(0, 2);
    await one.acquire(0, "one", 1);
    const gap = () => one.commit("b3", [batch(3, { heads: [head("2")], appends: [append("1", 1)] })]);
    await refuses(gap, "corrupt", /^The journal continues at 3, not at 1$/);
    assertEquals(await one.load(0, key("2")), null);
    await refuses(() => one.commit("b3", [batch(3, { appends: [append("1", 4)] })]), "corrupt", /at 3, not at 4/);
    assertEquals(await one.commit("b3", [batch(3, { appends: [append("1", 3)] })]), "ok");
    assertEquals((await one.load(0, key("1")))?.journal, ["r0", "r1", "r2", "r3"]);
    await one.close();
    await two.close();
  }));

test("sqlite() does not read a journal that lost a row", async () => {
  const database = (await runtimeDriver())(":memory:");
  const store = await sqlite({ database }).open();
  await store.acquire(0, "me", 1);
  const appends = [0, 1, 2].map((seq) => append("1", seq));
  await store.commit("b1", [batch(1, { heads: [head("1")], appends })]);
  database.exec("DELETE FROM tenure_journal WHERE seq = 1");
  await refuses(() => store.load(0, key("1")), "corrupt", /^The journal continues at 2, not at 1$/);
  await store.close();
  database.close();
});

test("sqlite() forgets outcomes that are older than a day, in steps", async () => {
  const store = await sqlite({ path: ":memory:" }).open();
  await store.acquire(0, "me", 1);
  const acks = (name: string, count: number, at: number) =>
    batch(1, { acks: Array.from({ length: count }, (_, i) => ({ key: `${name}-${i}`, outcome: "o", at })) });
  await store.commit("b1", [acks("old", 40, 1_000)]);
  const kept = async () =>
    (await Promise.all(Array.from({ length: 40 }, (_, i) => store.outcome(0, `old-${i}`)))).filter((o) => o !== null)
      .length;
  await store.commit("b2", [acks("next", 1, 86_401_000)]);
  assertEquals(await kept(), 40);
  await store.commit("b3", [acks("late", 1, 86_401_001)]);
  assertEquals(await kept(), 22);
  await store.commit("b4", [acks("later", 2, 86_401_002)]);
  await store.commit("b5", [acks("latest", 2, 86_401_003)]);
  assertEquals(await kept(), 0);
  await store.close();
});

test("sqlite() warns of a SQLite that is too old for several processes", () =>
  inFolder(async (folder) => {
    const open = await runtimeDriver();
    const warnings: string[] = [];
    for (const version of ["3.46.1", "3.51.2", "3.51.3", "3.52.0", "4.0.0"]) {
      const database = open(join(folder, `${version}.db`));
      const aged: SqliteDatabase = {
        exec: (sql) => database.exec(sql),
        prepare: (sql) => database.prepare(sql.replace("sqlite_version()", `'${version}'`)),
        close: () => database.close(),
      };
      const store = await sqlite({ database: aged, warn: (message) => warnings.push(message) }).open();
      await store.close();
      database.close();
    }
    assertEquals(warnings.map((message) => message.slice(0, 13)), ["SQLite 3.46.1", "SQLite 3.51.2"]);
  }));

test("sqlite() takes the handles of this runtime without a cast", async () => {
  // Types are what is tested; Bun's class is not among them.
  const use = (database: import("node:sqlite").DatabaseSync): Promise<Store> => sqlite({ database }).open();
  assertEquals(typeof use, "function");
  await (await sqlite({ path: ":memory:" }).open()).close();
});
