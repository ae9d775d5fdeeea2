/** What `s3()` has to keep, against a server that can fail in every way. */
import { after, describe, it } from "node:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { s3, s3Blobs, type S3Client, type S3Options } from "../../../adapters/storage/s3.ts";
import type { ShardBatch, StorageAdapter, Store } from "../../../core/ports/store.ts";
import { createRandom } from "../../../testing/store_cases/random.ts";
import { storeCases } from "../../../testing/store_cases.ts";
import { blobCases } from "../_shared/blob_cases.ts";
import { figuresOf, tell } from "../_shared/figures.ts";
import { load } from "../_shared/load.ts";
import { type Fate, startS3 } from "./server.ts";

const HOUR = 3_600_000;
const { AwsClient } = await load<{ AwsClient: new (options: object) => S3Client }>(import.meta.url, "aws4fetch", (name) => import(name));
const client = new AwsClient({ accessKeyId: "key", secretAccessKey: "secret", service: "s3", region: "eu-1", retries: 0 });
const server = await startS3();
after(() => server.stop());

/** Gives a request up when the server will not answer it, and not only after a time. */
const waiting = new Map<string, AbortController>();
server.silent = (key) => waiting.get(key)?.abort();
const impatient: S3Client = {
  async fetch(url, init) {
    const key = decodeURIComponent(new URL(url).pathname.replace("/bucket/", ""));
    const controller = new AbortController();
    if (init.method === "PUT") waiting.set(key, controller);
    return await client.fetch(url, { ...init, signal: AbortSignal.any([init.signal, controller.signal]) });
  },
};

let made = 0;
/** A place of its own in the bucket, with a clock that the test moves. */
function place(options: Partial<S3Options> = {}): { adapter: StorageAdapter; clock: { now: number }; prefix: string } {
  const clock = { now: 1_000 };
  const prefix = `case-${made++}/`;
  return { adapter: s3({ url: server.url, client, prefix, now: () => clock.now, ...options }), clock, prefix };
}

const batch = (epoch: number, names: string[] = []): ShardBatch => ({
  ...{ shard: 0, epoch, drops: [], heads: [], appends: [], acks: [] },
  cells: names.map((key) => ({ key, value: "v" })),
});
const cellsOf = async (store: Store) => (await store.cells(0, { prefix: "", limit: 9_999 })).map(({ key }) => key);

describe("s3()", () => {
  const cases = storeCases(({ shards }) => {
    const { adapter, clock, prefix } = place({ shards, client: impatient });
    return Promise.resolve({
      adapter,
      fail(when) {
        server.fate = (method, key) => {
          if (method !== "PUT" || !key.includes("/log/")) return "ok";
          server.fate = () => "ok";
          return when === "before" ? 503 : "unanswered";
        };
      },
      cleanup: () => Promise.resolve([...server.objects.keys()].filter((key) => key.startsWith(prefix)).forEach((key) => server.objects.delete(key))),
      takeover: () => Promise.resolve(void (clock.now += HOUR)),
    });
  });
  for (const { name, run } of cases) it(name, run);
  for (const { name, run } of blobCases(() => Promise.resolve(s3Blobs({ url: server.url, client, prefix: `blobs-${made++}/` })))) it(name, run);

  it("reads lists of many pages whole", async () => {
    const { adapter } = place();
    const store = await adapter.open();
    for (let n = 0; n < 20; n++) await store.post(0, { key: `m${n}`, body: `${n}` });
    const before = server.lists;
    assertEquals((await store.inbox(0, 99)).map(({ body }) => body), Array.from({ length: 20 }, (_, n) => `${n}`));
    assertEquals(server.lists - before, 7);
    await store.close();
  });

  it("keeps what was acknowledged, and all or nothing of the rest, whatever the network does", async () => {
    const random = createRandom(5);
    const { adapter } = place({ client: impatient });
    const store = await adapter.open();
    let epoch = (await store.acquire(0, "one", HOUR))?.epoch ?? 0;
    const outcomes = new Map<number, string>();
    const seen = new Set<Fate>();
    const answered = new Set<Fate>();
    for (let n = 0; n < 80; n++) {
      const fate = random.pick<Fate>(["ok", "ok", 503, 500, 409, "lost", "unanswered", "broken"]);
      server.fate = (method, key) => {
        // Snapshots are written when it suits the store.
        if (method !== "PUT" || !key.includes("/log/")) return "ok";
        server.fate = () => "ok";
        return fate;
      };
      seen.add(fate);
      try {
        assertEquals(await store.commit(`b${n}`, [batch(epoch, [`${n}-a`, `${n}-b`])]), "ok");
        answered.add(fate);
        outcomes.set(n, "there");
      } catch (error) {
        assertEquals((error as { code?: string }).code, "storage_unavailable");
        server.fate = () => "ok";
        const lease = await store.acquire(0, "one", HOUR);
        epoch = lease?.epoch ?? 0;
        assertEquals(lease?.lastBatch === `b${n}`, fate === "unanswered" || fate === "broken", `after ${fate}`);
        outcomes.set(n, lease?.lastBatch === `b${n}` ? "there" : "nothing");
      }
    }
    assertEquals(seen.size, 7);
    // Deno sends again by itself what a broken connection did not answer; the store then finds what it put.
    assertEquals([...answered].filter((fate) => fate !== "broken").sort(), [409, "ok"]);
    server.fate = () => "ok";
    const there = new Set(await cellsOf(await adapter.open()));
    for (const [n, outcome] of outcomes) {
      assertEquals([there.has(`${n}-a`), there.has(`${n}-b`)], Array(2).fill(outcome === "there"), `batch ${n}`);
    }
  });

  it("fences a put that was on its way while somebody took over", async () => {
    const { adapter, clock } = place();
    const [zombie, next] = [await adapter.open(), await adapter.open()];
    const old = (await zombie.acquire(0, "zombie", HOUR))?.epoch ?? 0;
    await zombie.commit("b1", [batch(old, ["b1"])]);
    let arrives = (): void => {};
    const late = new Promise<void>((done) => arrives = done);
    const onItsWay = new Promise<void>((done) => {
      server.fate = (method) => {
        if (method !== "PUT") return "ok";
        server.fate = () => "ok";
        done();
        return late;
      };
    });
    const commit = zombie.commit("late", [batch(old, ["late"])]);
    await onItsWay;
    clock.now += 2 * HOUR;
    const lease = await next.acquire(0, "next", HOUR);
    assertEquals([lease?.lastBatch, await next.commit("b2", [batch(lease?.epoch ?? 0, ["b2"])])], ["b1", "ok"]);
    arrives();
    assertEquals(await commit, { fenced: [0] });
    assertEquals([await cellsOf(next), await cellsOf(zombie)], [["b1", "b2"], ["b1", "b2"]]);
    await zombie.close();
  });

  it("counts a put that arrived before the fence, though its writer had given it up", async () => {
    const { adapter, clock } = place({ client: impatient });
    const [zombie, next] = [await adapter.open(), await adapter.open()];
    const old = (await zombie.acquire(0, "zombie", HOUR))?.epoch ?? 0;
    let arrives = (): void => {};
    const late = new Promise<void>((done) => arrives = done);
    server.fate = (method, key) => {
      if (method !== "PUT") return "ok";
      server.fate = () => "ok";
      server.silent(key);
      return late;
    };
    await assertRejects(() => zombie.commit("late", [batch(old, ["late"])]), Error, "the place of its objects failed");
    arrives();
    while (![...server.objects.keys()].some((key) => key.endsWith("log/0000000000000002"))) await new Promise((done) => setImmediate(done));
    clock.now += 2 * HOUR;
    assertEquals((await next.acquire(0, "next", HOUR))?.lastBatch, "late");
    assertEquals(await cellsOf(next), ["late"]);
  });

  it("has one winner of forty that take a shard over at one time, and of what each of them posts", async () => {
    const { adapter } = place();
    const stores = await Promise.all(Array.from({ length: 20 }, () => adapter.open()));
    const leases = await Promise.all(stores.flatMap((store, i) => [store.acquire(0, `a${i}`, HOUR), store.acquire(0, `b${i}`, HOUR)]));
    assertEquals(leases.filter((lease) => lease !== null).length, 1);
    await Promise.all(stores.map((store, i) => store.post(0, { key: "one", body: `${i}` })));
    assertEquals((await stores[0]?.inbox(0, 9))?.length, 1);
    for (const store of stores) await store.close();
  });

  it("makes commits", async () => {
    tell(await figuresOf("`s3(…)`, a server of the test's on the same machine", place({ now: Date.now }).adapter));
  });

  it("refuses a server that overwrites whatever the condition is", async () => {
    server.conditions = false;
    try {
      await assertRejects(() => place().adapter.open(), Error, "it overwrites where `If-None-Match: *` forbids it");
    } finally {
      server.conditions = true;
    }
  });

  it("says nothing of an empty store where the server says that it cannot be reached", async () => {
    const { adapter } = place();
    await (await adapter.open()).close();
    for (const fate of [403, 500, 503] as const) {
      server.fate = () => fate;
      await assertRejects(() => adapter.open(), Error, 'Cannot open "s3": the place of its objects failed');
    }
    server.fate = () => "ok";
    const elsewhere = s3({ url: server.url.replace("bucket", "none"), client });
    await assertRejects(() => elsewhere.open(), Error, "the place of its objects failed");
  });

  it("gives a request up that is not answered in time", async () => {
    server.fate = () => "lost";
    try {
      await assertRejects(() => place({ timeout: 50 }).adapter.open(), Error, 'Cannot open "s3": the place of its objects failed');
    } finally {
      server.fate = () => "ok";
    }
  });

  it("refuses addresses and prefixes that are none", () => {
    for (const url of ["bucket", "ftp://host/bucket", "http://host/?x=1"]) assertThrows(() => s3({ url, client }), Error, "its `url` has to be");
    for (const prefix of ["a b/", "/a", "a//", "é/"]) assertThrows(() => s3({ url: server.url, client, prefix }), Error, `under "${prefix}"`);
  });

  it("signs with aws4fetch where it is installed, and says so where it is not", async () => {
    const adapter = s3({ url: server.url, client: { accessKeyId: "key", secretAccessKey: "secret", region: "eu-1" }, prefix: "signed/" });
    // Deno has it from its own configuration; Node and Bun look for it beside the adapter, where a user installs it.
    if ("Deno" in globalThis) assertEquals((await adapter.open()).caps.durability, "replicated");
    else await assertRejects(() => adapter.open(), Error, 'Cannot open "s3": the npm package "aws4fetch" is not installed');
  });
});
