import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { memory } from "../adapters/storage/memory.ts";
import { createSorted } from "../adapters/storage/image/sorted.ts";
import { createRandom } from "../testing/store_cases/random.ts";
import { storeCases } from "../testing/store_cases.ts";

const cases = storeCases(({ shards }) => {
  let time = 1_000;
  return Promise.resolve({
    adapter: memory({ shards, now: () => time }),
    cleanup: () => Promise.resolve(),
    takeover: () => {
      time += 3_600_000;
      return Promise.resolve();
    },
  });
});
for (const { name, run } of cases) test(`memory() ${name}`, run);

test("memory() hands a shard over when its lease ran out, not before", async () => {
  let time = 0;
  const adapter = memory({ now: () => time });
  const [one, two] = [await adapter.open(), await adapter.open()];
  assertEquals((await one.acquire(0, "one", 100))?.epoch, 1);
  time = 99;
  assertEquals(await two.acquire(0, "two", 100), null);
  assertEquals(await one.renew(0, 1, 100), true);
  time = 198;
  assertEquals(await two.acquire(0, "two", 100), null);
  time = 199;
  assertEquals(await two.acquire(0, "two", 100), { epoch: 2, lastBatch: "", clean: false });
  assertEquals(await one.renew(0, 1, 100), false);
});

test("memory() forgets outcomes that are older than a day", async () => {
  const store = await memory().open();
  await store.acquire(0, "me", 1_000);
  const ack = (key: string, at: number) => ({
    shard: 0,
    epoch: 1,
    drops: [],
    heads: [],
    appends: [],
    cells: [],
    acks: [{ key, outcome: "o", at }],
  });
  await store.commit("b1", [ack("old", 1_000)]);
  await store.commit("b2", [ack("young", 86_401_001)]);
  assertEquals([await store.outcome(0, "old"), await store.outcome(0, "young")], [null, "o"]);
});

test("memory() refuses a number of shards that cannot be", () => {
  for (const shards of [0, -1, 1.5, NaN]) assertThrows(() => memory({ shards }), Error, "Cannot make a store");
});

test("createSorted() keeps order through inserts, replacements and removals", () => {
  const random = createRandom(7);
  const sorted = createSorted<{ n: number; tag: number }>((a, b) => a.n - b.n);
  const wanted = new Map<number, number>();
  for (let tag = 0; tag < 20_000; tag++) {
    const n = random.int(3_000);
    if (random.once(3)) {
      sorted.remove({ n, tag });
      wanted.delete(n);
    } else {
      sorted.insert({ n, tag });
      wanted.set(n, tag);
    }
  }
  const all = [...wanted].map(([n, tag]) => ({ n, tag })).sort((a, b) => a.n - b.n);
  assertEquals([...sorted.from(() => false)], all);
  assertEquals([...sorted.from((e) => e.n < 1_500)], all.filter((e) => e.n >= 1_500));
  for (const { n, tag } of all) sorted.remove({ n, tag });
  assertEquals([...sorted.from(() => false)], []);
});
