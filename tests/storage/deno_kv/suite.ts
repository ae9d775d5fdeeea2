/** What `denoKv()` has to keep: `Deno.openKv` on Deno, `@deno/kv` on Node, each with a file that it syncs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { denoKv, type DenoKvLike, type KvAtomicLike } from "../../../adapters/storage/deno_kv.ts";
import { createLogBlobs } from "../../../adapters/storage/log_store/blobs.ts";
import { openKvObjects } from "../../../adapters/storage/objects/deno_kv.ts";
import { unstorage } from "../../../adapters/storage/unstorage.ts";
import type { Store } from "../../../core/ports/store.ts";
import { storeCases } from "../../../testing/store_cases.ts";
import { blobCases } from "../_shared/blob_cases.ts";
import { canCount, countSyncs, crash } from "../_shared/crash.ts";
import { figuresOf, tell } from "../_shared/figures.ts";
import { load } from "../_shared/load.ts";

const HOUR = 3_600_000;
const { Deno: deno } = globalThis as unknown as { Deno?: { openKv(path: string): Promise<DenoKvLike> } };
const { openKv } = deno ?? await load<{ openKv(path: string): Promise<DenoKvLike> }>(import.meta.url, "@deno/kv", (name) => import(name));

async function fresh(): Promise<{ kv: DenoKvLike; path: string; remove(): void }> {
  const folder = mkdtempSync(join(tmpdir(), "tenure-deno-kv-"));
  const path = join(folder, "a.kv");
  const kv = await openKv(path);
  return { kv, path, remove: () => (kv.close(), rmSync(folder, { recursive: true, force: true })) };
}

async function all(kv: DenoKvLike): Promise<unknown[][]> {
  const keys: unknown[][] = [];
  for await (const { key } of kv.list({ prefix: [] })) keys.push([...key]);
  return keys;
}

const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => i * 31);

describe("denoKv()", () => {
  const cases = storeCases(async ({ shards }) => {
    const { kv, remove } = await fresh();
    let time = 1_000;
    return {
      adapter: denoKv({ kv, shards, now: () => time }),
      cleanup: () => Promise.resolve(remove()),
      takeover: () => Promise.resolve(void (time += HOUR)),
    };
  });
  for (const { name, run } of cases) it(name, run);

  const places: (() => void)[] = [];
  for (const { name, run } of blobCases(async () => {
    const { kv, remove } = await fresh();
    places.push(remove);
    return createLogBlobs(await openKvObjects(kv, ["code"]), "deno-kv");
  })) {
    it(name, async () => {
      await run();
      for (const remove of places.splice(0)) remove();
    });
  }

  it("is opened by the client of the driver of unstorage, under its base", async () => {
    const { kv, remove } = await fresh();
    const driver = { name: "deno-kv", options: { base: "app:one" }, getInstance: () => Promise.resolve(kv) };
    const store = await unstorage({ driver, shards: 2 }).open();
    assertEquals([store.caps.writers, store.shards, (await store.acquire(1, "me", HOUR))?.epoch], ["fenced", 2, 1]);
    assert((await all(kv)).every(([app, one, tenure]) => `${app}:${one}:${tenure}` === "app:one:tenure"));
    remove();
  });

  it("keeps stores of two prefixes apart", async () => {
    const { kv, remove } = await fresh();
    const stores = await Promise.all([["a"], ["a", "b"]].map((prefix) => denoKv({ kv, prefix }).open()));
    for (const store of stores) assertEquals((await store.acquire(0, "me", HOUR))?.epoch, 1);
    remove();
  });

  it("writes objects of any size whole, and takes all of their pieces away", async () => {
    const { kv, remove } = await fresh();
    const objects = await openKvObjects(kv, ["t"]);
    for (const length of [0, 1, 59_999, 60_000, 60_001, 720_000, 720_001, 5_000_000]) {
      const key = `a/${length}`;
      assertEquals(await objects.putIfAbsent(key, bytes(length)), true);
      assertEquals(await objects.putIfAbsent(key, bytes(length + 1)), false);
      assertEquals(await objects.get(key), bytes(length), `${length} bytes`);
    }
    const names = await objects.list("a/");
    assertEquals(names.length, 8);
    for (const key of names) await objects.delete(key);
    await objects.delete("a/none");
    assertEquals([await objects.list("a/"), await all(kv)], [[], []]);
    remove();
  });

  it("lets one of ten writers of a large object have its name, and leaves nothing of the others", async () => {
    const { kv, remove } = await fresh();
    const objects = await openKvObjects(kv, ["t"]);
    const won = await Promise.all(Array.from({ length: 10 }, (_, i) => objects.putIfAbsent("a/b", bytes(800_000 + i))));
    assertEquals(won.filter((one) => one).length, 1);
    assertEquals((await objects.get("a/b"))?.length, 800_000 + won.indexOf(true));
    assertEquals((await all(kv)).length, 1 + 14);
    remove();
  });

  it("removes the pieces of a writer that died, and refuses one that slept for so long", async () => {
    const { kv, remove } = await fresh();
    let time = 1_000_000_000;
    const now = (): number => time;
    // A writer of five transactions dies before each of them, and another one sleeps before its last.
    for (let die = 1; die <= 5; die++) {
      const dead = await openKvObjects(failing(kv, die), ["t"], now);
      await assertRejects(() => dead.putIfAbsent("a/b", bytes(2_000_000)), Error, "died");
      assertEquals(await (await openKvObjects(kv, ["t"], now)).get("a/b"), null, `after ${die}`);
    }
    assert((await all(kv)).length > 30);
    let wake = (): void => {};
    const slept = new Promise<void>((done) => wake = done);
    const sleeper = await openKvObjects(failing(kv, 5, slept), ["t"], now);
    const late = sleeper.putIfAbsent("a/b", bytes(2_000_000));
    while ((await all(kv)).filter(([, kind]) => kind === "draft").length < 5) await new Promise((done) => setImmediate(done));
    time += 2 * HOUR;
    await openKvObjects(kv, ["t"], now);
    wake();
    const outcome = await late.catch((error) => (error as { code?: string }).code);
    assert(outcome === false || outcome === "storage_unavailable", `it was answered with ${outcome}`);
    const objects = await openKvObjects(kv, ["t"], now);
    assertEquals([await objects.get("a/b"), await all(kv)], [null, []]);
    remove();
  });

  it("has all that was acknowledged when its process is killed, whole batches, and nothing that was not sent", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tenure-deno-kv-"));
    const path = join(folder, "a.kv");
    async function open(): Promise<Store> {
      const kv = await openKv(path);
      const store = await denoKv({ kv }).open();
      return { ...store, close: () => store.close().then(() => kv.close()) };
    }
    await crash(new URL("./committer.ts", import.meta.url), [path], { name: "deno-kv", open }, 4);
    rmSync(folder, { recursive: true, force: true });
  });

  // Linux alone can be asked; `npm run test:storage` says so elsewhere.
  if (canCount()) {
    it("has the system sync each commit", () => {
      const folder = mkdtempSync(join(tmpdir(), "tenure-deno-kv-"));
      const count = (name: string, times: number) => countSyncs(new URL("./committer.ts", import.meta.url), [join(folder, name)], times);
      const [none, many] = [count("none", 0), count("many", 60)];
      rmSync(folder, { recursive: true, force: true });
      assert(many - none >= 60, `60 commits were synced ${many - none} times`);
    });
  }

  it("makes commits", async () => {
    const { kv, remove } = await fresh();
    tell(await figuresOf("`denoKv({ kv })`", denoKv({ kv })));
    remove();
  });

  it("opens a file by its path on Deno, and says so elsewhere", async () => {
    const { kv, path, remove } = await fresh();
    kv.close();
    const adapter = denoKv({ path });
    if (deno === undefined) {
      await assertRejects(() => adapter.open(), Error, "there is `Deno.openKv` on Deno only, so pass `kv`");
    } else {
      const store = await adapter.open();
      assertEquals([store.caps.durability, (await store.acquire(0, "me", HOUR))?.epoch], ["fsync", 1]);
      await store.close();
    }
    try {
      remove();
    } catch {
      // It was closed before.
      rmSync(join(path, ".."), { recursive: true, force: true });
    }
  });
});

/** A database whose `n`th transaction fails without having done anything, or waits. */
function failing(kv: DenoKvLike, n: number, until?: Promise<void>): DenoKvLike {
  let seen = 0;
  return {
    getMany: (keys) => kv.getMany(keys),
    list: (selector) => kv.list(selector),
    close() {},
    atomic() {
      const real = kv.atomic();
      const atomic: KvAtomicLike = {
        check: (check) => (real.check(check), atomic),
        set: (key, value) => (real.set(key, value), atomic),
        delete: (key) => (real.delete(key), atomic),
        async commit() {
          seen++;
          if (until === undefined && seen >= n) throw new Error("died");
          if (until !== undefined && seen === n) await until;
          return await real.commit();
        },
      };
      return atomic;
    },
  };
}
