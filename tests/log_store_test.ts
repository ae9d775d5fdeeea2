/** What is particular to a store that is a log of objects: snapshots, what is collected, answers that are lost. */
import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { createLogStorage } from "../adapters/storage/log_store/mod.ts";
import { numberOf, type Objects } from "../adapters/storage/log_store/objects.ts";
import type { ShardBatch, StorageAdapter, Store } from "../core/ports/store.ts";
import { createRandom } from "../testing/store_cases/random.ts";
import { storeCases } from "../testing/store_cases.ts";

const MINUTE = 60_000;

/** Objects in memory, with a clock that the test moves. */
function world(before: (act: string, key: string) => Promise<void> | void = () => {}) {
  const all = new Map<string, Uint8Array>();
  const clock = { now: 1_000_000 };
  let twice = false;
  let after: (act: string, key: string) => Promise<void> | void = () => {};
  const objects: Objects = {
    async putIfAbsent(key, bytes) {
      await before("put", key);
      let put = !all.has(key);
      if (put) all.set(key, bytes.slice());
      await after("put", key);
      if (twice) put = false;
      return put;
    },
    async get(key) {
      await before("get", key);
      return all.get(key)?.slice() ?? null;
    },
    async list(prefix) {
      await before("list", prefix);
      return [...all.keys()].filter((key) => key.startsWith(prefix)).sort();
    },
    async delete(key) {
      await before("delete", key);
      all.delete(key);
    },
  };
  function adapter(shards = 1): StorageAdapter {
    return createLogStorage({
      name: "log",
      open: () => Promise.resolve(objects),
      shards,
      defaultShards: 1,
      caps: { durability: "none", writers: "fenced" },
      hints: false,
      times: { now: () => clock.now, monotonic: () => clock.now, grace: 10 * MINUTE, snapshot: { least: 4, most: 16 } },
    });
  }
  return {
    all,
    clock,
    adapter,
    /** What happens before a call; it may throw. */
    set before(hook: typeof before) {
      before = hook;
    },
    /** What happens after a put was applied and before it is answered; it may throw. */
    set after(hook: typeof after) {
      after = hook;
    },
    /** Whether each put is sent twice, and the second answer is the one that counts. */
    set twice(value: boolean) {
      twice = value;
    },
  };
}

const key = (id: string) => ({ tenant: "acme", workflow: "flow", id });
const head = (id: string, data = "{}") => ({ ...key(id), status: "waiting", wake: 5, created: 1, ended: null, data });
const batch = (epoch: number, parts: Partial<ShardBatch> = {}): ShardBatch => ({
  ...{ shard: 0, epoch, drops: [], heads: [], appends: [], cells: [], acks: [] },
  ...parts,
});

/** Commits `count` batches, each of which puts one cell; lets go of the event loop so that what is written behind them is. */
async function fill(store: Store, epoch: number, name: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    assertEquals(await store.commit(`${name}-${i}`, [batch(epoch, { cells: [{ key: `${name}-${i}`, value: "v" }] })]), "ok");
    await new Promise((done) => setImmediate(done));
  }
}

const numbers = (all: Map<string, Uint8Array>, kind: string) =>
  [...all.keys()].filter((name) => name.startsWith(`s/0/${kind}/`)).map(numberOf).sort((a, b) => a - b);

describe("a log store whose snapshots are many", () => {
  const cases = storeCases(({ shards }) => {
    const made = world();
    const { clock, adapter } = made;
    const fault = (act: string, name: string): void => {
      if (act !== "put" || !/^s\/\d+\/log\//.test(name)) return;
      made.before = made.after = () => {};
      throw new Error("the connection broke");
    };
    return Promise.resolve({
      adapter: adapter(shards),
      cleanup: () => Promise.resolve(),
      fail: (when: "before" | "after") => void (made[when] = fault),
      takeover: () => Promise.resolve(void (clock.now += 60 * MINUTE)),
    });
  });
  for (const { name, run } of cases) it(name, run);
});

describe("a log store", () => {
  it("goes on from its newest snapshot, with all that was in the log", async () => {
    const { all, adapter } = world();
    const before = await adapter().open();
    const epoch = (await before.acquire(0, "one", MINUTE))?.epoch ?? 0;
    const text = (seq: number) => ({ key: key("1"), seq, count: 1, text: `r${seq}` });
    await before.commit("b", [batch(epoch, { heads: [head("1"), head("2")], acks: [{ key: "m", outcome: "o", at: 1 }] })]);
    for (let seq = 0; seq < 40; seq++) {
      await before.commit(`b${seq}`, [batch(epoch, { appends: [text(seq)] })]);
      await new Promise((done) => setImmediate(done));
    }
    await before.close();
    const newest = numbers(all, "snap").at(-1) ?? 0;
    assert(newest > 20, `the newest snapshot is ${newest}`);
    // What the snapshot replaces is not needed.
    for (const name of [...all.keys()]) if (name.startsWith("s/0/log/") && numberOf(name) <= newest) all.delete(name);
    const next = await adapter().open();
    assertEquals((await next.load(0, key("1")))?.journal, Array.from({ length: 40 }, (_, seq) => `r${seq}`));
    assertEquals([await next.outcome(0, "m"), (await next.due(0, { after: 0, until: 9, limit: 9 })).length], ["o", 2]);
    assertEquals((await next.acquire(0, "two", MINUTE))?.lastBatch, "b39");
    assertEquals(await next.commit("c", [batch(epoch + 1, { appends: [text(40)] })]), "ok");
  });

  it("collects what a snapshot replaces when it is old enough, and never a fence", async () => {
    const { all, clock, adapter } = world();
    const store = await adapter().open();
    const epochs = [(await store.acquire(0, "one", MINUTE))?.epoch ?? 0];
    await fill(store, epochs[0] as number, "a", 10);
    epochs.push((await store.acquire(0, "one", MINUTE))?.epoch ?? 0);
    await fill(store, epochs[1] as number, "b", 10);
    assertEquals(numbers(all, "log").length, 22);
    clock.now += 11 * MINUTE;
    await fill(store, epochs[1] as number, "c", 12);
    await store.close();
    const [snapshot = 0] = numbers(all, "snap");
    const left = numbers(all, "log");
    assertEquals(left.filter((n) => n <= snapshot).slice(0, 2), [1, 12]);
    assert(left.length < 22, `${left.length} objects are left`);
    const reader = await adapter().open();
    assertEquals((await reader.cells(0, { prefix: "", limit: 99 })).length, 32);
  });

  it("refuses a writer that was paused through takeover, snapshot and collection", async () => {
    const { all, clock, adapter } = world();
    const [zombie, next] = [await adapter().open(), await adapter().open()];
    const old = (await zombie.acquire(0, "zombie", MINUTE))?.epoch ?? 0;
    await fill(zombie, old, "z", 3);
    clock.now += 2 * MINUTE;
    const { epoch } = await next.acquire(0, "next", MINUTE) ?? { epoch: 0 };
    await fill(next, epoch, "n", 30);
    clock.now += 11 * MINUTE;
    await fill(next, epoch, "m", 30);
    assert(numbers(all, "log").length < 40, "nothing was collected");
    assertEquals(await zombie.commit("late", [batch(old, { cells: [{ key: "late", value: "v" }] })]), { fenced: [0] });
    assertEquals(await zombie.renew(0, old, MINUTE), false);
    assertEquals([await zombie.cell(0, "late"), await next.cell(0, "late"), await zombie.cell(0, "m-29")], [null, null, "v"]);
    await zombie.close();
    await next.close();
  });

  it("does not take over where something was collected while it was paused", async () => {
    const made = world();
    const { clock, adapter } = made;
    const owner = await adapter().open();
    const { epoch } = await owner.acquire(0, "owner", MINUTE) ?? { epoch: 0 };
    await fill(owner, epoch, "a", 3);
    clock.now += 2 * MINUTE;
    const claimant = await adapter().open();
    let paused = false;
    // Between its look at the log and its fence an hour goes by, in which the owner works on.
    made.before = async (act, name) => {
      if (paused || act !== "put" || !name.startsWith("s/0/log/")) return;
      paused = true;
      await fill(owner, epoch, "b", 30);
      clock.now += 20 * MINUTE;
      await fill(owner, epoch, "c", 30);
      assertEquals(await owner.renew(0, epoch, 60 * MINUTE), true);
    };
    assertEquals(await claimant.acquire(0, "claimant", MINUTE), null);
    assertEquals(await owner.commit("on", [batch(epoch, { cells: [{ key: "on", value: "v" }] })]), "ok");
    assertEquals(await claimant.cell(0, "on"), "v");
  });

  it("is followed by readers that were away while what they had not read was collected", async () => {
    const { clock, adapter } = world();
    const [owner, reader] = [await adapter().open(), await adapter().open()];
    const { epoch } = await owner.acquire(0, "owner", 60 * MINUTE) ?? { epoch: 0 };
    await fill(owner, epoch, "a", 2);
    assertEquals((await reader.cells(0, { prefix: "", limit: 99 })).length, 2);
    await fill(owner, epoch, "b", 30);
    clock.now += 11 * MINUTE;
    await fill(owner, epoch, "c", 30);
    assertEquals((await reader.cells(0, { prefix: "", limit: 99 })).length, 62);
  });

  it("keeps what was acknowledged, and all or nothing of the rest, when answers are lost", async () => {
    const random = createRandom(11);
    const made = world();
    const { clock, adapter } = made;
    const store = await adapter().open();
    let { epoch } = await store.acquire(0, "one", MINUTE) ?? { epoch: 0 };
    const sent = new Map<string, "ok" | "unknown">();
    for (let n = 0; n < 300; n++) {
      const fate = random.int(6);
      const fault = (act: string, name: string): void => {
        if (act !== "put" || !name.startsWith("s/0/log/")) return;
        made.before = made.after = () => {};
        throw new Error("the connection broke");
      };
      if (fate === 0) made.before = fault;
      if (fate === 1) made.after = fault;
      const cells = [`${n}-a`, `${n}-b`].map((name) => ({ key: name, value: "v" }));
      try {
        assertEquals(await store.commit(`b${n}`, [batch(epoch, { cells })]), "ok");
        sent.set(`b${n}`, "ok");
      } catch {
        const lease = await store.acquire(0, "one", MINUTE);
        epoch = lease?.epoch ?? 0;
        sent.set(`b${n}`, lease?.lastBatch === `b${n}` ? "ok" : "unknown");
        assertEquals(sent.get(`b${n}`), fate === 1 ? "ok" : "unknown");
      }
      clock.now += random.int(MINUTE);
    }
    const reader = await adapter().open();
    const there = new Set((await reader.cells(0, { prefix: "", limit: 9_999 })).map((cell) => cell.key));
    for (const [id, outcome] of sent) {
      const n = id.slice(1);
      assertEquals([there.has(`${n}-a`), there.has(`${n}-b`)], [outcome === "ok", outcome === "ok"], id);
    }
  });

  it("finds its own record when a client sends again what was applied", async () => {
    const made = world();
    const store = await made.adapter().open();
    const { epoch } = await store.acquire(0, "one", MINUTE) ?? { epoch: 0 };
    made.twice = true;
    assertEquals(await store.commit("b1", [batch(epoch)]), "ok");
    assertEquals(await store.commit("b2", [batch(epoch)]), "ok");
    assertEquals((await store.acquire(0, "one", MINUTE))?.lastBatch, "b2");
  });

  it("says that an object is damaged, and reads what is before it", async () => {
    const { all, adapter } = world();
    const store = await adapter().open();
    const { epoch } = await store.acquire(0, "one", MINUTE) ?? { epoch: 0 };
    await store.commit("b1", [batch(epoch, { heads: [head("1")] })]);
    const name = [...all.keys()].filter((at) => at.startsWith("s/0/log/")).sort().at(-1) as string;
    const bytes = all.get(name) as Uint8Array;
    bytes[20] = (bytes[20] as number) ^ 1;
    const error = await assertRejects(async () => (await adapter().open()).find({ tenant: "acme", limit: 1 }), Error);
    assertEquals((error as Error & { code?: string }).code, "corrupt");
  });

  it("refuses another number of shards, and a newer format", async () => {
    const { all, adapter } = world();
    assertEquals((await adapter(3).open()).shards, 3);
    await assertRejects(() => adapter(2).open(), Error, "with 2 shards: it has 3");
    const { sealText } = await import("../adapters/storage/log_store/frame.ts");
    all.set("meta", sealText(JSON.stringify({ v: 99, shards: 3 })));
    const error = await assertRejects(() => adapter(3).open(), Error);
    assertEquals((error as Error & { code?: string }).code, "storage_newer");
  });
});
