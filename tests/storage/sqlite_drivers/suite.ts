/** What `sqlite({ database })` has to keep with handles of better-sqlite3 and libSQL. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { sqlite, type SqliteDatabase } from "../../../adapters/storage/sqlite.ts";
import { storeCases } from "../../../testing/store_cases.ts";
import { figuresOf, tell } from "../_shared/figures.ts";

const require = createRequire(import.meta.url);
type Driver = new (path: string) => SqliteDatabase;
const DRIVERS = ["better-sqlite3", "libsql"];

for (const name of DRIVERS) {
  const Database = require(name) as Driver;

  /** A file, which each connection opens by a handle of its own. */
  const fresh = (shards?: number) => {
    const folder = mkdtempSync(join(tmpdir(), "tenure-sqlite-driver-"));
    const path = join(folder, "a.db");
    const handles: SqliteDatabase[] = [];
    return {
      path,
      adapter: {
        name,
        open() {
          const database = new Database(path);
          handles.push(database);
          return sqlite({ database, ...(shards !== undefined && { shards }) }).open();
        },
      },
      takeover: () => Promise.resolve(rmSync(`${path}.lock`)),
      cleanup() {
        for (const handle of handles) handle.close();
        return Promise.resolve(rmSync(folder, { recursive: true }));
      },
    };
  };

  describe(`sqlite() with a handle of ${name}`, () => {
    for (const { name: title, run } of storeCases(({ shards }) => Promise.resolve(fresh(shards)))) it(title, run);

    it("gives blobs as bytes, and not as what its driver makes of them", async () => {
      const { adapter, cleanup } = fresh();
      const store = await adapter.open();
      await store.blobs.put("acme", "h", new Uint8Array([1, 2, 3]));
      const found = await store.blobs.get("acme", "h");
      assertEquals([found?.constructor, found], [Uint8Array, new Uint8Array([1, 2, 3])]);
      await store.close();
      await cleanup();
    });

    it("says in words what is wrong, without what it knows", async () => {
      const { adapter, path, cleanup } = fresh();
      const store = await adapter.open();
      const epoch = (await store.acquire(0, "me", 1))?.epoch ?? 0;
      const other = new Database(path);
      other.exec("DROP TABLE tenure_journal");
      const key = { tenant: "acme", workflow: "flow", id: "1" };
      const head = { ...key, status: "waiting", wake: null, created: 1, ended: null, data: "{}" };
      const batch = { shard: 0, epoch, drops: [], heads: [head], appends: [{ key, seq: 0, count: 1, text: "r" }], cells: [], acks: [] };
      const error = await assertRejects(() => store.commit("b", [batch]), Error);
      assertEquals((error as Error & { code?: string }).code, "storage_unavailable");
      assertEquals(/tenure_journal|INSERT/.test(error.message), false, error.message);
      other.close();
      await store.close();
      await cleanup();
    });

    it("says what went wrong as SQLite named it", async () => {
      const folder = mkdtempSync(join(tmpdir(), "tenure-sqlite-driver-"));
      const path = join(folder, "a.db");
      writeFileSync(path, "no database, but a text that is long enough to be read as the head of one. ".repeat(20));
      const database = new Database(path);
      const error = await assertRejects(() => sqlite({ database }).open(), Error);
      assertEquals(error.message, 'Cannot open "sqlite": it is not a SQLite database');
      database.close();
      rmSync(folder, { recursive: true });
    });

    it("waits for another process that writes", async () => {
      const { adapter, path, cleanup } = fresh();
      const store = await adapter.open();
      const other = new Database(path);
      other.exec("BEGIN IMMEDIATE");
      const posted = store.post(0, { key: "k", body: "b" });
      await new Promise((done) => setImmediate(done));
      other.exec("COMMIT");
      await posted;
      assertEquals(await store.inbox(0, 9), [{ key: "k", body: "b" }]);
      other.close();
      await store.close();
      await cleanup();
    });

    it("makes commits", async () => {
      const { adapter, cleanup } = fresh();
      tell(await figuresOf(`\`sqlite({ database })\` of ${name}`, adapter));
      await cleanup();
    });
  });
}
