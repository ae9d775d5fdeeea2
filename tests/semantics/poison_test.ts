import { assertEquals, assertMatch } from "@std/assert";
import type { WorkflowInstance } from "../../mod.ts";
import { onEach, type World } from "./_world.ts";

/** Healthy instances, and how many. */
async function healthy(world: World, count: number): Promise<WorkflowInstance[]> {
  const flows = await world.flow(`
    const a = await step.do("a", () => T.gate(event.instanceId));
    await step.sleep("s", "1 hour");
    return [a, await step.do("b", async () => event.payload)];
  `);
  return Promise.all(Array.from({ length: count }, (_, i) => flows.create({ id: `h${i}`, params: i })));
}

async function expectAll(world: World, ids: readonly string[], tenant: string = "acme"): Promise<void> {
  for (const [i, id] of ids.entries()) {
    assertEquals(await (await world.flows(tenant).get(id)).result(), ["went", i]);
  }
}

onEach("an instance that takes its process with it", (test) => {
  test("is parked after limits.crashes, with a reason, and those that ran beside it are unharmed", async (world) => {
    await world.reopen({ limits: { crashes: 5 } });
    const ids = (await healthy(world, 40)).map(({ id }) => id);
    const poison = await world.run(`await step.do("kill", () => T.gate("never"))`, { id: "poison", tenant: "hostile" });
    let deaths = 0, since = 0;
    const state = async () => (await (await world.flows("hostile").get(poison.id)).status()).status;
    // the process dies as soon as its body runs; the others' bodies take longer than that, and less than for ever
    while (await state() !== "paused") {
      await world.rest();
      const ran = world.calls.slice(since).map(({ instance }) => instance);
      if (!ran.includes(poison.id)) {
        for (const id of ran) world.open(id, "went");
        continue;
      }
      deaths++;
      since = world.calls.length;
      await world.crash();
    }
    assertEquals(deaths, 6);
    assertEquals((await (await world.flows("hostile").get(poison.id)).status()).paused, {
      code: "crash_limit",
      message: "6 crashes without progress",
    });
    for (const id of ids) world.open(id, "went");
    await world.when("they sleep", async () => {
      const found = await Promise.all(ids.map(async (id) => (await (await world.flows().get(id)).status()).status));
      assertEquals(found.filter((status) => status === "paused"), []);
      return found.every((status) => status === "waiting");
    });
    await world.pass("1 hour");
    await expectAll(world, ids);
  });

  test("does not make others wait for longer than it takes them to make progress", async (world) => {
    const ids = (await healthy(world, 10)).map(({ id }) => id);
    await world.when("they run", () => world.calls.length === 10);
    for (let i = 0; i < 4; i++) {
      await world.crash();
      await world.rest();
    }
    for (const id of ids) world.open(id, "went");
    await world.when("they sleep", async () => {
      const found = await Promise.all(ids.map(async (id) => (await (await world.flows().get(id)).status()).status));
      return found.every((status) => status === "waiting");
    });
    await world.pass("1 hour");
    await expectAll(world, ids);
  });

  test("does not count for what only waits for its turn", async (world) => {
    await world.reopen({ limits: { concurrency: 1, crashes: 1 } });
    const flows = await world.flow(`return await step.do("a", () => T.gate(event.instanceId))`);
    for (const id of ["a", "b"]) await flows.create({ id });
    await world.when("the first runs", () => world.calls.length === 1);
    await world.crash();
    await world.when("it runs again", () => world.calls.length === 2);
    await world.crash();
    const of = async (id: string) => (await (await world.flows().get(id)).status()).status;
    await world.when("the first is parked", async () => await of("a") === "paused");
    world.open("b", "b");
    assertEquals(await (await world.flows().get("b")).result(), "b");
  });
});

onEach("an instance that kills its guest", (test, sandbox) => {
  test("is failed or parked, with a reason, and its neighbours are unharmed", async (world) => {
    const ids = (await healthy(world, 20)).map(({ id }) => id);
    for (const id of ids) world.open(id, "went");
    const source = sandbox.caps.memoryCap ? `const kept = []; for (;;) kept.push(new Uint8Array(2 ** 20));` : `throw new Error("no cap on memory");`;
    const flows = await world.flow(`await step.do("grow", { retries: { limit: 3, delay: 0 } }, async () => { ${source} })`, { tenant: "hostile" });
    const poison = await Promise.all(Array.from({ length: 5 }, () => flows.create()));
    for (const one of poison) {
      await world.until(one, "errored");
      assertMatch((await one.status()).error?.message ?? "", /memory/);
    }
    await world.when("they sleep", async () => {
      const found = await Promise.all(ids.map(async (id) => (await (await world.flows().get(id)).status()).status));
      return found.every((status) => status === "waiting");
    });
    await world.pass("1 hour");
    await expectAll(world, ids);
  });
});
