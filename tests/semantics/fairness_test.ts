import { assert, assertEquals } from "@std/assert";
import { createRunQueue } from "../../core/shard/run_queue.ts";
import { describe, it } from "node:test";
import { refused } from "./_errors.ts";
import { onEach } from "./_world.ts";

describe("the queue of turns", () => {
  it("gives a tenant its turn after at most one of each other tenant", () => {
    const queue = createRunQueue<string>();
    for (let i = 0; i < 1_000; i++) queue.push("loud", `loud ${i}`);
    queue.push("quiet", "quiet 0");
    assertEquals([queue.shift(), queue.shift(), queue.emptied(), queue.long()], ["loud 0", "quiet 0", true, true]);
    assertEquals([queue.has("quiet"), queue.has("loud"), queue.size()], [false, true, 999]);
  });

  it("calls queues long by what a tenant has on an average", () => {
    const queue = createRunQueue<string>();
    for (let i = 0; i < 15; i++) for (let t = 0; t < 20; t++) queue.push(`t${t}`, `${t} ${i}`);
    assert(!queue.long());
    for (let i = 0; i < 20; i++) queue.push("t0", `more ${i}`);
    assert(queue.long());
  });
});

onEach("a tenant beside one that floods", (test) => {
  test("runs although the other fills all places of the process", async (world) => {
    await world.reopen({ maxRunning: 4 });
    const loud = await world.flow(`return await step.do("a", () => T.gate(event.instanceId))`, { tenant: "loud" });
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => loud.create({ id: `l${i}` })));
    await world.when("they run", () => world.calls.length === 4);
    const quiet = await world.run(`return await step.do("q", async () => { await T.note("quiet"); return 1; })`, { tenant: "quiet" });
    await world.rest();
    assertEquals((await quiet.status()).status, "queued");
    // the first place that becomes free may be another's of the many, the next one is not
    world.open("l0", 0);
    world.open("l1", 1);
    assertEquals(await quiet.result(), 1);
    assert(world.calls.length <= 7, String(world.calls.length));
    for (let i = 2; i < 20; i++) world.open(`l${i}`, i);
    for (const [i, one] of all.entries()) assertEquals(await one.result(), i);
  });

  test("wakes in time although thousands of the other's sleeps are due before its own", async (world) => {
    await world.reopen({ limits: (tenant) => tenant === "loud" ? { concurrency: 20, createsPerSecond: 1e6 } : {} });
    const herd = await world.flow(`await step.sleep("s", 1000); return await step.do("a", () => T.gate("held"))`, { tenant: "loud" });
    // more than are remembered: the rest is left in the store, and found again
    const all = [];
    for (let i = 0; i < 11; i++) all.push(...(await herd.createBatch({ count: 100 })).created);
    const quiet = await world.run(`await step.sleep("s", 1001); return "awake"`, { tenant: "quiet" });
    await world.until(quiet, "waiting");
    await world.rest();
    await world.pass(1_001);
    assertEquals(await quiet.result(), "awake");
    world.open("held", 1);
    assertEquals(new Set(await Promise.all(all.map((one) => one.result()))), new Set([1]));
  });

  test("is answered although the other sends more events than an instance may hold", async (world) => {
    await world.reopen({ limits: { bufferedEvents: 50 } });
    const loud = await world.run(`await step.waitForEvent("w", { type: "never" })`, { tenant: "loud" });
    await world.until(loud, "waiting");
    const opened = world.calls.length;
    const sent = Promise.allSettled(Array.from({ length: 1_000 }, (_, i) => loud.sendEvent({ type: "t", payload: i })));
    assertEquals(await (await world.run(`return 1`, { tenant: "quiet" })).result(), 1);
    const answers = await sent;
    assertEquals(answers.filter(({ status }) => status === "fulfilled").length, 50);
    await refused(() => loud.sendEvent({ type: "t" }), "quota_exceeded", "the limit of 50 events that wait");
    // nothing in it waits for such an event
    assertEquals([(await loud.status()).status, world.calls.length], ["waiting", opened]);
  });

  test("has its lines although the other's log is cut off at its limit, which says so once", async (world) => {
    const lines: string[] = [];
    const keep = (text: string, { tenantId }: { tenantId: string }) => void lines.push(`${tenantId} ${text.slice(0, 48)}`);
    await world.reopen({ limits: { logBytes: 100 }, logger: { debug: keep, info: keep, warn: keep, error: keep } });
    const loud = await world.run(`
      for (let i = 0; i < 30; i++) console.log("");
      for (let i = 0; i < 30; i++) { console.log("line"); await step.do("s" + i, async () => { console.log("body"); }); }
      await step.sleep("s", "1 day");
      for (let i = 0; i < 30; i++) console.log("after");
    `, { tenant: "loud" });
    await world.until(loud, "waiting");
    const before = lines.length;
    assertEquals(lines.filter((line) => line.includes("limit")), ["loud The limit of 100 bytes of logs has been reached"]);
    assert(before < 60, String(before));
    await world.crash();
    await world.pass("1 day");
    await (await world.flows("loud").get(loud.id)).result();
    // what was said before the sleep is counted, and not shown again
    assertEquals(lines.slice(before), []);
    await (await world.run(`console.log("hello")`, { tenant: "quiet" })).result();
    assertEquals(lines.at(-1), "quiet hello");
  });
});
