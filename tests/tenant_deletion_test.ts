/** `tenant.delete()`: what is left of a tenant, looked for in all that its store holds. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { quickjs } from "../adapters/sandbox/quickjs.ts";
import { openFolder } from "../adapters/storage/folder/node_fs.ts";
import { createLogStorage } from "../adapters/storage/log_store/mod.ts";
import { memory } from "../adapters/storage/memory.ts";
import { runtimeDriver } from "../adapters/storage/sqlite/database.ts";
import { sqlite } from "../adapters/storage/sqlite.ts";
import type { StorageAdapter } from "../core/ports/store.ts";
import { createTenure, type Tenure } from "../mod.ts";
import { GONE, KEPT, live, SOURCE, traces } from "./_deletion.ts";

async function deletes(storage: StorageAdapter, all: (tenure: Tenure, when: "before" | "after") => Promise<readonly string[]>): Promise<void> {
  const tenure = await createTenure({ storage, sandbox: quickjs() });
  try {
    await live(tenure, GONE);
    await live(tenure, KEPT);
    const before = await all(tenure, "before");
    assert(traces(before, GONE).length > 0, "nothing of the tenant was to be found");
    const kept = (await tenure.tenant(KEPT).workflow("Work").list()).instances.length;
    await tenure.tenant(GONE).delete();
    const after = await all(tenure, "after");
    assertEquals(traces(after, GONE), []);
    const work = tenure.tenant(KEPT).workflow("Work");
    assertEquals([(await work.list()).instances.length, (await work.schedules.list()).schedules.length, kept], [4, 2, 4]);
    assert(traces(after, KEPT).length > 0, "the search finds nothing");
    assertEquals((await tenure.tenants()).tenants, [KEPT]);
    assertEquals((await tenure.tenant(GONE).usage()).kept, 0);
    // it can begin anew
    await tenure.tenant(GONE).deploy(SOURCE);
    const again = await tenure.tenant(GONE).workflow("Work").create({ id: `${GONE}-again`, params: { wait: false } });
    assertEquals(await again.result(), "done");
    await tenure.tenant(GONE).delete();
    await tenure.tenant(GONE).delete();
    assertEquals(traces(await all(tenure, "after"), GONE), []);
  } finally {
    await tenure.close({ timeout: 0 });
  }
}

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tenure-deletion-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("tenant.delete() leaves nothing of the tenant", () => {
  it("in memory()", () => {
    const storage = memory();
    let blobs: string[] = [];
    return deletes({
      name: "memory",
      async open() {
        const store = await storage.open();
        const { put, delete: remove } = store.blobs;
        return {
          ...store,
          blobs: {
            ...store.blobs,
            put: (tenant, hash, bytes) => (blobs.push(`${tenant} ${hash}`), put(tenant, hash, bytes)),
            delete: (tenant, hash) => (blobs = blobs.filter((one) => one !== `${tenant} ${hash}`), remove(tenant, hash)),
          },
        };
      },
    }, async () => {
      const store = await storage.open();
      const texts = [...blobs];
      for (const { key, value } of await store.cells(0, { prefix: "", limit: 1e6 })) texts.push(`${key} ${value}`);
      for (const tenant of [GONE, KEPT]) for (const head of await store.find({ tenant, limit: 1e6 })) texts.push(JSON.stringify(await store.load(0, head)));
      for (const message of await store.inbox(0, 1e6)) texts.push(JSON.stringify(message));
      return texts;
    });
  });

  it("in a SQLite file", () =>
    inFolder(async (folder) => {
      const path = join(folder, "tenure.db");
      const open = await runtimeDriver();
      await deletes(sqlite({ path }), async () => {
        const database = open(path);
        try {
          const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[];
          return tables.flatMap(({ name }) => (database.prepare(`SELECT * FROM "${name}"`).all() as Record<string, unknown>[]).map(textOf));
        } finally {
          database.close();
        }
      });
    }));

  it("in a folder, when what a snapshot replaces has been collected", () =>
    inFolder(async (path) => {
      const storage = createLogStorage({
        name: "folder",
        open: () => openFolder(path),
        shards: 1,
        defaultShards: 1,
        caps: { durability: "fsync", writers: "fenced" },
        hints: false,
        times: { grace: 200, snapshot: { least: 1, most: 1 } },
      });
      await deletes(storage, async (tenure, when) => {
        let texts: string[] = [];
        // each commit may write a snapshot, and collects what older ones have replaced for long enough
        for (let n = 0; n < 40; n++) {
          await tenure.tenant(KEPT).activate((await tenure.tenant(KEPT).versions())[0]?.version ?? "");
          await new Promise((done) => setTimeout(done, 50));
          texts = filesIn(path).map((file) => `${file} ${new TextDecoder().decode(readFileSync(file))}`);
          if (when === "before" || traces(texts, GONE).length === 0) break;
        }
        return texts;
      });
    }));
});

function filesIn(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function textOf(row: Record<string, unknown>): string {
  return Object.values(row).map((value) => value instanceof Uint8Array ? new TextDecoder().decode(value) : String(value)).join(" ");
}
