import { assertEquals } from "@std/assert";
import { refused } from "./_errors.ts";
import { onEach, type World } from "./_world.ts";

const DAY = 86_400_000;

async function ids(world: World): Promise<string[]> {
  return (await world.flows().list({ limit: 1_000 })).instances.map(({ id }) => id);
}

const does = `
  switch (event.payload) {
    case "fails": throw new TypeError("no");
    case "waits": return (await step.waitForEvent("w", { type: "go", timeout: "300 days" })).payload;
    default: return event.payload;
  }
`;

for (const storage of ["memory", "sqlite"] as const) {
  onEach("limits.retention", (test) => {
    test("is how long an instance that has ended is kept; then its id is free", async (world) => {
      const flows = await world.flow(does);
      for (const id of ["ends", "fails"]) await flows.create({ id, params: id });
      const waits = await flows.create({ id: "waits", params: "waits" });
      await world.until(await flows.get("fails"), "errored");
      await world.pass(30 * DAY - 1);
      assertEquals(await ids(world), ["ends", "fails", "waits"]);
      assertEquals(await (await flows.get("ends")).result(), "ends");
      await world.pass(1_001);
      assertEquals(await ids(world), ["waits"]);
      await refused(() => flows.get("ends"), "instance.not_found");
      assertEquals(await (await flows.create({ id: "ends", params: "again" })).result(), "again");
      await world.pass(200 * DAY);
      assertEquals((await waits.status()).status, "waiting");
      await waits.sendEvent({ type: "go", payload: 7 });
      assertEquals(await waits.result(), 7);
    });

    for (const end of ["reopen", "crash"] as const) {
      test(`is kept through a ${end} of the engine, also of what ended long before it`, async (world) => {
        const flows = await world.flow(does);
        await (await flows.create({ id: "ends" })).result();
        await (await flows.create({ id: "waits", params: "waits" })).terminate();
        await world.pass(10 * DAY);
        await world[end]();
        await world.rest();
        assertEquals((await ids(world)).length, 2);
        await world.pass(20 * DAY + 1_001);
        assertEquals(await ids(world), []);
        await (await world.flows().create({ id: "ends" })).result();
        await world.close();
        world.clock.jump(40 * DAY);
        await world.reopen();
        await world.rest();
        assertEquals(await ids(world), []);
      });
    }

    test("begins anew with a restart, and does not touch one that was restarted", async (world) => {
      const flows = await world.flow(does);
      const order = await flows.create({ id: "order", params: "waits" });
      await order.sendEvent({ type: "go", payload: 1 });
      await order.result();
      await world.pass(20 * DAY);
      await order.restart();
      await world.until(order, "waiting");
      await world.pass(20 * DAY);
      assertEquals((await order.status()).status, "waiting");
      await order.sendEvent({ type: "go", payload: 2 });
      assertEquals(await order.result(), 2);
      await world.pass(20 * DAY);
      assertEquals((await order.status()).output, 2);
      await world.pass(11 * DAY);
      assertEquals(await ids(world), []);
    });

    test("is of the tenant, and may be for ever", async (world) => {
      await world.reopen({ limits: (tenant) => ({ retention: tenant === "acme" ? Infinity : DAY }) });
      await world.flow(does);
      await world.flow(does, { tenant: "other" });
      await (await world.flows().create({ id: "a" })).result();
      await (await world.flows("other").create({ id: "a" })).result();
      await world.pass(400 * DAY);
      assertEquals(await ids(world), ["a"]);
      await refused(() => world.flows("other").get("a"), "instance.not_found");
    });

    test("sweeps hundreds in its turn, and leaves what ends later", async (world) => {
      await world.reopen({ limits: { createsPerSecond: 10_000 } });
      const flows = await world.flow(does);
      const make = (from: number): Promise<unknown> =>
        Promise.all(Array.from({ length: 100 }, async (_, n) => (await flows.create({ id: `i${from + n}` })).result()));
      await make(0);
      await make(100);
      await world.pass(DAY);
      await make(200);
      await world.pass(29 * DAY + 1_001);
      assertEquals((await ids(world)).length, 100);
    });
  }, { storage });
}

onEach("create({ retention })", (test) => {
  test("is one duration, or one for each end, and at most the tenant's", async (world) => {
    await world.reopen({ limits: { retention: 10 * DAY } });
    const flows = await world.flow(does);
    const keep = { successRetention: "1 day", errorRetention: 2 * DAY } as const;
    await (await flows.create({ id: "ends", retention: keep })).result();
    await (await flows.create({ id: "short", retention: "1 hour" })).result();
    await (await flows.create({ id: "long", retention: "1 year" })).result();
    await (await flows.create({ id: "default", retention: { errorRetention: 1 } })).result();
    const fails = await flows.create({ id: "fails", params: "fails", retention: keep });
    await (await flows.create({ id: "stopped", params: "waits", retention: keep })).terminate();
    await flows.createBatch({ count: 1, retention: "1 hour" });
    await world.until(fails, "errored");
    await world.pass(2 * 3_600_000);
    assertEquals((await ids(world)).sort(), ["default", "ends", "fails", "long", "stopped"]);
    await world.pass(DAY);
    assertEquals((await ids(world)).sort(), ["default", "fails", "long", "stopped"]);
    await world.pass(DAY);
    assertEquals((await ids(world)).sort(), ["default", "long"]);
    await world.pass(8 * DAY);
    assertEquals(await ids(world), []);
  });

  test("is kept by a restart", async (world) => {
    const flows = await world.flow(does);
    const order = await flows.create({ id: "order", retention: "1 day" });
    await order.result();
    await order.restart();
    await order.result();
    await world.pass(DAY + 1_001);
    assertEquals(await ids(world), []);
  });

  test("is refused when it is no duration", async (world) => {
    const flows = await world.flow(does);
    // deno-lint-ignore no-explicit-any
    for (const retention of ["soon", -1, { successRetention: "soon" }] as any[]) {
      await refused(() => flows.create({ retention }), "invalid_argument", "retention");
    }
  });
});
