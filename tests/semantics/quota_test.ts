import { assert, assertEquals, assertMatch } from "@std/assert";
import type { WorkflowInstance } from "../../mod.ts";
import { refused } from "./_errors.ts";
import { onEach, type World } from "./_world.ts";

const asleep = `await step.waitForEvent("w", { type: "go" }); return "done"`;

/** How many were made of so many that were asked for at once; the others were refused for this reason. */
async function made(asked: Promise<unknown>[], code: string): Promise<number> {
  const settled = await Promise.allSettled(asked);
  const others = settled.flatMap((one) => one.status === "rejected" ? [one.reason] : []);
  for (const { code: found } of others) assertEquals(found, code);
  return settled.length - others.length;
}

onEach("limits.instances", (test) => {
  const limits = { limits: { instances: 3 } };

  async function full(world: World): Promise<WorkflowInstance[]> {
    await world.reopen(limits);
    const flows = await world.flow(asleep);
    return await Promise.all([1, 2, 3].map((n) => flows.create({ id: `i${n}` })));
  }

  test("refuses one too many, saying which limit, and leaves nothing of it", async (world) => {
    await full(world);
    const flows = world.flows();
    await refused(() => flows.create({ id: "i4" }), "quota_exceeded", "the limit of 3 instances that have not ended");
    await refused(() => flows.create(), "quota_exceeded");
    await refused(() => flows.get("i4"), "instance.not_found");
    assertEquals((await flows.list()).instances.map(({ id }) => id), ["i1", "i2", "i3"]);
  });

  test("lets in as many as have ended: by themselves, terminated, deleted", async (world) => {
    const [a, b, c] = await full(world) as [WorkflowInstance, WorkflowInstance, WorkflowInstance];
    await a.sendEvent({ type: "go" });
    await a.result();
    await b.terminate();
    await c.delete();
    const flows = world.flows();
    assertEquals(await made([4, 5, 6, 7].map((n) => flows.create({ id: `i${n}` })), "quota_exceeded"), 3);
    // what has ended counts no more, whatever becomes of it
    await a.delete();
    await refused(() => flows.create(), "quota_exceeded");
  });

  test("counts what runs, sleeps, is queued or paused, and nothing twice for a restart", async (world) => {
    const [a, b] = await full(world) as [WorkflowInstance, WorkflowInstance];
    await a.pause();
    await b.restart();
    await b.restart();
    await refused(() => world.flows().create(), "quota_exceeded");
    await b.terminate();
    await world.flows().create();
    await refused(() => b.restart(), "quota_exceeded");
    assertEquals((await b.status()).status, "terminated");
  });

  for (const end of ["reopen", "crash"] as const) {
    test(`counts on after a ${end} of the engine`, async (world) => {
      const [a, b] = await full(world) as [WorkflowInstance, WorkflowInstance];
      await a.terminate();
      await world[end]();
      const flows = world.flows();
      assertEquals(await made([4, 5].map((n) => flows.create({ id: `i${n}` })), "quota_exceeded"), 1);
      await (await flows.get(b.id)).sendEvent({ type: "go" });
      await (await flows.get(b.id)).result();
      await world[end]();
      assertEquals(await made([6, 7].map((n) => world.flows().create({ id: `i${n}` })), "quota_exceeded"), 1);
    });
  }

  test("is a limit of the tenant", async (world) => {
    await full(world);
    await world.flow(asleep, { tenant: "other" });
    assertEquals(await made([1, 2, 3].map(() => world.flows("other").create()), "quota_exceeded"), 3);
  });

  test("holds for who asks through another process, too", async (world) => {
    await world.reopen(limits);
    await world.flow(asleep);
    const api = await world.join({ engine: false });
    const flows = api.tenant("acme").workflow("Flow");
    let count: number | undefined;
    made([1, 2, 3, 4, 5].map(() => flows.create()), "quota_exceeded").then((found) => count = found);
    await world.when("all are answered", () => {
      world.clock.jump(50);
      return count !== undefined;
    });
    assertEquals(count, 3);
  });

  test("makes what fits of a batch and names what does not", async (world) => {
    await world.reopen(limits);
    const flows = await world.flow(asleep);
    const { created, errors } = await flows.createBatch({ count: 5 });
    assertEquals([created.length, errors.map(({ index, code }) => [index, code])], [3, [[3, 10_001], [4, 10_001]]]);
    assertMatch(errors[0]?.message ?? "", /limit of 3 instances/);
  });
});

onEach("limits.createsPerSecond", (test) => {
  const limits = { limits: { createsPerSecond: 4 } };
  const several = (world: World, count: number) => Array.from({ length: count }, () => world.flows().create());

  test("lets so many through at once, then as many as time brings", async (world) => {
    await world.reopen(limits);
    await world.flow(`return 1`);
    assertEquals(await made(several(world, 6), "quota_exceeded"), 4);
    await refused(() => world.flows().create(), "quota_exceeded", "the limit of 4 creations a second");
    await world.pass(500);
    assertEquals(await made(several(world, 6), "quota_exceeded"), 2);
    await world.pass("1 minute");
    assertEquals(await made(several(world, 6), "quota_exceeded"), 4);
  });

  test("counts each of a batch, and restarts", async (world) => {
    await world.reopen(limits);
    const flows = await world.flow(`return 1`);
    const { created, errors } = await flows.createBatch({ count: 3 });
    assertEquals([created.length, errors.length], [3, 0]);
    await created[0]?.result();
    await created[0]?.restart();
    await refused(() => flows.create(), "quota_exceeded");
    await refused(() => created[1]?.restart() as Promise<void>, "quota_exceeded");
  });

  test("is not used up by what is refused for another reason", async (world) => {
    await world.reopen(limits);
    const flows = await world.flow(`return 1`);
    await flows.create({ id: "one" });
    for (let i = 0; i < 9; i++) await refused(() => flows.create({ id: "one" }), "instance.already_exists");
    assertEquals(await made(several(world, 4), "quota_exceeded"), 3);
  });

  test("is the tenant's own", async (world) => {
    await world.reopen({ limits: (tenant) => tenant === "acme" ? { createsPerSecond: 1 } : { createsPerSecond: 3 } });
    await world.flow(`return 1`);
    await world.flow(`return 1`, { tenant: "other" });
    assertEquals(await made(several(world, 5), "quota_exceeded"), 1);
    assertEquals(await made([1, 2, 3, 4].map(() => world.flows("other").create()), "quota_exceeded"), 3);
  });
});

onEach("limits.journalBytes", (test) => {
  const limits = { limits: { journalBytes: 10_000 } };
  const big = (n: number) => "x".repeat(n);

  test("refuses events that would not fit, which say so, and the instance goes on", async (world) => {
    await world.reopen(limits);
    const order = await world.run(`return (await step.waitForEvent("w", { type: "go" })).payload`);
    await world.until(order, "waiting");
    for (let i = 0; i < 4; i++) await order.sendEvent({ type: "other", payload: big(2_000) });
    await refused(() => order.sendEvent({ type: "other", payload: big(2_000) }), "quota_exceeded", "10000 bytes of history");
    await order.sendEvent({ type: "go", payload: "small" });
    assertEquals(await order.result(), "small");
  });

  test("refuses a pause when it is full, and no end", async (world) => {
    await world.reopen(limits);
    const order = await world.run(`await step.waitForEvent("w", { type: "go" })`);
    await world.until(order, "waiting");
    await world.when("it is full", () => order.pause().then(() => order.resume()).then(() => false, () => true));
    await refused(() => order.pause(), "quota_exceeded", "bytes of history");
    await order.terminate();
    assertEquals((await order.status()).status, "terminated");
  });

  test("fails results that would not fit, however many steps run at once", async (world) => {
    await world.reopen(limits);
    const order = await world.run(`
      const all = await Promise.all(Array.from({ length: 20 }, (_, i) =>
        step.do("s" + i, async () => "x".repeat(1000)).then(() => "ok", (error) => error.name + ": " + error.message)));
      return [all.filter((one) => one === "ok").length, ...new Set(all.filter((one) => one !== "ok"))];
    `);
    const [fitted, ...why] = await order.result();
    assert(fitted > 0 && fitted < 10, String(fitted));
    assertEquals(why, ["WorkflowFatalError: The limit of 10000 bytes of history has been reached"]);
  });

  test("ends what would be tried again for ever", async (world) => {
    await world.reopen(limits);
    const order = await world.run(`
      return await step.do("s", { retries: { limit: 10_000, delay: 0 } }, async () => { throw new Error("no"); }).catch((error) => error.message);
    `);
    assertEquals(await order.result(), "no");
    const { entries } = await order.history({ limit: 1_000 });
    assert(entries.length < 500, String(entries.length));
  });
});

onEach("a run that goes on after refusals", (test) => {
  test("is ended after a thousand, so that its history ends, too", async (world) => {
    await world.reopen({ limits: { steps: 1 } });
    const order = await world.run(`for (;;) await step.do("s", async () => 1).catch(() => {})`);
    await world.until(order, "errored");
    assertEquals((await order.status()).error?.message, "The limit of 1 steps has been reached");
    const { entries } = await order.history({ limit: 1 });
    assertEquals(entries.length, 1);
  });
});
