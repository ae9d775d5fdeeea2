/** What `unstorage()` has to keep, with drivers that are there everywhere, and by Redis where one was started. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, describe, it } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { unstorage, unstorageBlobs, type UnstorageDriverLike, type UnstorageLike } from "../../../adapters/storage/unstorage.ts";
import { redisDurability } from "../../../adapters/storage/objects/redis.ts";
import { storeCases } from "../../../testing/store_cases.ts";
import { crash } from "../_shared/crash.ts";
import { figuresOf, tell } from "../_shared/figures.ts";
import { blobCases } from "../_shared/blob_cases.ts";
import { load } from "../_shared/load.ts";
import { redisDriver } from "./redis_driver.ts";

type Driver = (options: object) => UnstorageDriverLike;

const from = import.meta.url;
const bring = (name: string): Promise<unknown> => import(name);
const { createStorage } = await load<{ createStorage(options: object): UnstorageLike & { dispose(): Promise<void> } }>(from, "unstorage", bring);

async function driver(name: string): Promise<Driver> {
  return (await load<{ default: Driver }>(from, `unstorage/drivers/${name}`, bring)).default;
}

const memory = await driver("memory");
const url = process.env.TENURE_REDIS_URL ?? "";
const redis = url === "" ? undefined : await redisDriver();
const committer = new URL("./committer.ts", import.meta.url);
const HOUR = 3_600_000;

/** Drivers that need nothing. */
const DRIVERS: Record<string, () => Promise<UnstorageDriverLike>> = {};
const folders: string[] = [];
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "tenure-unstorage-"));
  folders.push(path);
  return path;
}
for (const name of ["memory", "fs-lite", "fs"]) {
  const make = await driver(name);
  DRIVERS[name] = () => Promise.resolve(make(name === "memory" ? {} : { base: folder() }));
}

for (const [name, make] of Object.entries(DRIVERS)) {
  describe(`unstorage() in a storage of the driver ${name}`, () => {
    const cases = storeCases(async ({ shards }) => {
      const storage = createStorage({ driver: await make() });
      let time = 1_000;
      return {
        adapter: unstorage({ storage, shards, now: () => time }),
        async cleanup() {
          await storage.dispose();
          for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
        },
        takeover: () => Promise.resolve(void (time += HOUR)),
      };
    });
    for (const { name, run } of cases) it(name, run);
    for (const { name, run } of blobCases(async () => unstorageBlobs({ storage: createStorage({ driver: await make() }) }))) it(name, run);

    it("makes commits", async () => {
      tell(await figuresOf(`\`unstorage({ storage })\` of ${name}`, unstorage({ storage: createStorage({ driver: await make() }) })));
    });

    if (name !== "memory") {
      it("has all that was acknowledged when its process is killed, whole batches, and nothing that was not sent", async () => {
        const path = folder();
        const make = await driver(name);
        const reader = { name, open: () => unstorage({ storage: createStorage({ driver: make({ base: path }) }) }).open() };
        await crash(committer, [name, path], reader, 4);
      });
    }
  });
}

describe("unstorage()", () => {
  it("says that it is for one process, and what it survives", async () => {
    const store = await unstorage({ storage: createStorage({ driver: memory({}) }) }).open();
    assertEquals([store.caps.writers, store.caps.durability], ["single-process", "none"]);
    const path = folder();
    const kept = await unstorage({ storage: createStorage({ driver: (await driver("fs-lite"))({ base: path }) }) }).open();
    assertEquals([kept.caps.writers, kept.caps.durability], ["single-process", "process"]);
    rmSync(path, { recursive: true });
  });

  it("refuses drivers that forget, or that show late what is written", async () => {
    const lru = await driver("lru-cache");
    assertThrows(() => unstorage({ storage: createStorage({ driver: lru({}) }) }), Error, 'the driver "lru-cache": it forgets');
    assertThrows(() => unstorage({ driver: memory({}) }), Error, 'the driver "memory": it has no client with a compare-and-swap');
    assertThrows(() => unstorage({ storage: createStorage({ driver: memory({}) }), prefix: "a//b" }), Error, 'under "a//b"');
  });

  it("keeps stores of two prefixes in one storage apart, and what is not its own", async () => {
    const storage = createStorage({ driver: memory({}) });
    await storage.setItemRaw("tenure:s:0:log:theirs", new Uint8Array([1]));
    const [one, two] = await Promise.all(["a", "a:b"].map((prefix) => unstorage({ storage, prefix }).open()));
    const lease = await one?.acquire(0, "me", HOUR);
    assertEquals((await two?.acquire(0, "me", HOUR))?.epoch, lease?.epoch);
    await one?.commit("b", [{ shard: 0, epoch: lease?.epoch ?? 0, drops: [], heads: [], appends: [], cells: [{ key: "k", value: "v" }], acks: [] }]);
    assertEquals([await one?.cell(0, "k"), await two?.cell(0, "k")], ["v", null]);
  });

  it("takes half a value for none, as a crash of a driver that writes in place leaves it", async () => {
    const storage = createStorage({ driver: memory({}) });
    const make = () => unstorage({ storage, now: () => 0 }).open();
    const store = await make();
    const { epoch } = await store.acquire(0, "me", HOUR) ?? { epoch: 0 };
    const put = (id: string) => store.commit(id, [{ shard: 0, epoch, drops: [], heads: [], appends: [], cells: [{ key: id, value: id }], acks: [] }]);
    assertEquals([await put("whole"), await put("half")], ["ok", "ok"]);
    const names = (await storage.getKeys("tenure:s:0:log")).sort();
    const last = names.at(-1) ?? "";
    const bytes = await storage.getItemRaw(last) as Uint8Array;
    for (const length of [0, 3, 4, bytes.length >> 1, bytes.length - 1]) {
      await storage.setItemRaw(last, bytes.slice(0, length));
      const next = await make();
      assertEquals([await next.cell(0, "whole"), await next.cell(0, "half")], ["whole", null], `${length} bytes`);
    }
    const next = await make();
    assertEquals((await next.acquire(0, "me", HOUR))?.lastBatch, "whole");
    assertEquals(await next.cell(0, "half"), null);
  });

  it("reads code only as it was written", async () => {
    const storage = createStorage({ driver: memory({}) });
    const blobs = unstorageBlobs({ storage });
    await blobs.put("acme", "one", new Uint8Array([1, 2, 3]));
    await blobs.put("acme", "two", new Uint8Array([4]));
    const [one = "", two = ""] = (await storage.getKeys("tenure:blob")).sort();
    // Mixed up: each is whole, and neither is what its name says.
    const [first, second] = [await storage.getItemRaw(one), await storage.getItemRaw(two)];
    await storage.setItemRaw(one, second as Uint8Array);
    await storage.setItemRaw(two, first as Uint8Array);
    for (const hash of ["one", "two"]) {
      const error = await assertRejects(() => blobs.get("acme", hash), Error);
      assertEquals((error as Error & { code?: string }).code, "corrupt");
    }
  });
});

after(() => folders.forEach((path) => rmSync(path, { recursive: true, force: true })));

if (redis !== undefined) {
  /** What is used of ioredis beside what the adapter uses. */
  interface Client {
    flushall(): Promise<unknown>;
    config(act: "GET", name: string): Promise<unknown>;
    config(act: "SET", name: string, value: string): Promise<unknown>;
    disconnect(): void;
    exists(key: string): Promise<number>;
  }
  const make = redis;
  const admin = make({ url }).getInstance?.() as Client;
  const drivers: UnstorageDriverLike[] = [];
  let made = 0;
  const fresh = (base = `case-${process.pid}-${made++}`): UnstorageDriverLike => {
    const one = make({ url, base });
    drivers.push(one);
    return one;
  };
  const leave = (): void => {
    for (const one of drivers.splice(0)) (one.getInstance?.() as Client).disconnect();
  };
  after(() => admin.disconnect());

  describe("unstorage() by the client of the driver redis", () => {
    const cases = storeCases(({ shards }) => {
      let time = 1_000;
      return Promise.resolve({
        adapter: unstorage({ driver: fresh(), shards, now: () => time }),
        cleanup: () => Promise.resolve(leave()),
        takeover: () => Promise.resolve(void (time += HOUR)),
      });
    });
    for (const { name, run } of cases) it(name, run);

    it("is for any number of processes, and says what the server syncs", async () => {
      const store = await unstorage({ driver: fresh() }).open();
      assertEquals([store.caps.writers, store.caps.durability], ["fenced", "fsync"]);
      await admin.config("SET", "appendfsync", "everysec");
      assertEquals(await redisDurability(admin as never), "process");
      await admin.config("SET", "appendfsync", "always");
      assertEquals(await admin.exists("tenure"), 0);
      await store.close();
      leave();
    });

    it("makes commits", async () => {
      tell(await figuresOf("`unstorage({ driver })` of redis", unstorage({ driver: fresh() })));
      leave();
    });

    it("has all that was acknowledged when its process is killed, whole batches, and nothing that was not sent", async () => {
      await crash(committer, ["redis", url], unstorage({ driver: fresh("killed") }), 4);
      leave();
    });

    it("refuses a server that throws away what it has no room for", async () => {
      await admin.config("SET", "maxmemory-policy", "allkeys-lru");
      try {
        await assertRejects(() => unstorage({ driver: fresh() }).open(), Error, 'its maxmemory-policy is "allkeys-lru"');
      } finally {
        await admin.config("SET", "maxmemory-policy", "noeviction");
        leave();
      }
    });

    it("lets one of forty writers of twenty connections have each number", async () => {
      const base = `race-${process.pid}`;
      const stores = await Promise.all(Array.from({ length: 20 }, () => unstorage({ driver: fresh(base) }).open()));
      const leases = await Promise.all(stores.flatMap((store, i) => [store.acquire(0, `a${i}`, HOUR), store.acquire(0, `b${i}`, HOUR)]));
      assertEquals(leases.filter((lease) => lease !== null).length, 1);
      assert(leases.some((lease) => lease?.epoch === 1));
      for (const store of stores) await store.close();
      leave();
    });
  });
}
