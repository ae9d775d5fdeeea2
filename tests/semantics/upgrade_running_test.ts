import { assert, assertEquals } from "@std/assert";
import type { UpgradeReport, WorkflowInstance } from "../../mod.ts";
import { deploy, entriesOf, upgrade, whileTimePasses } from "./_upgrade.ts";
import { onEach } from "./_world.ts";

onEach("upgrade() of what runs", (test) => {
  test("waits for a body that runs: it ends in its own version, and is not run again", async (world) => {
    const order = await world.run(`
      const a = await step.do("a", () => T.gate("a"));
      return ["v1", a, await step.do("b", async () => "b1")];
    `);
    await world.when("a runs", () => world.calls.length === 1);
    const version = await deploy(world, `
      const a = await step.do("a", () => T.gate("never"));
      return ["v2", a, await step.do("b", () => T.gate("b"))];
    `);
    assertEquals((await world.tenure().tenant("acme").upgrade(version, { dryRun: true })).moved, 1);
    const upgrading = upgrade(world, version);
    await world.rest();
    world.open("a", "first");
    assertEquals(await upgrading, { moved: 1, broken: [], skipped: [] });
    await world.when("b runs", () => world.calls.length === 2);
    // it has run all the time: nothing but the version of its head has changed
    const store = await world.storage.open();
    const [head] = await store.find({ tenant: "acme", workflow: "Flow", id: order.id, limit: 1 });
    assertEquals(JSON.parse(head?.data ?? "{}").version, version);
    await store.close();
    world.open("b", "b2");
    assertEquals(await order.result(), ["v2", "first", "b2"]);
    assertEquals(world.calls.map(({ step, attempt }) => [step, attempt]), [["a", 1], ["b", 1]]);
  });

  test("skips one whose body does not end in time: it goes on where it is, with all that was held up", async (world) => {
    const order = await world.run(`
      const both = Promise.all([step.do("a", () => T.gate("a")), step.sleep("s", 1).then(() => step.do("next", async () => T.note("next")))]);
      return ["v1", (await both)[0]];
    `);
    await world.when("a runs", () => world.calls.length === 1);
    const version = await deploy(world, `return "v2"`);
    const { moved, broken, skipped } = await upgrade(world, version);
    assertEquals([moved, broken, skipped.map(({ id, code }) => [id, code])], [0, [], [[order.id, "busy"]]]);
    await world.when("what was held up goes on", () => world.notes.includes("next"));
    world.open("a", 1);
    assertEquals(await order.result(), ["v1", 1]);
  });

  test("does not look for one whose turn to run comes meanwhile before it is through", async (world) => {
    let look = (): void => {};
    const looking = new Promise<void>((done) => look = done);
    let reads = 0, next = "";
    const { open } = world.storage;
    Object.assign(world.storage, { open: async () => {
      const store = await open.call(world.storage);
      return new Proxy(store, { get: (target, name) => name === "due" ? (...args: Parameters<typeof store.due>) => (reads++, target.due(...args)) : Reflect.get(target, name) });
    } });
    await world.reopen({ limits: { concurrency: 1 }, env: async ({ version, instanceId }) => {
      if (version === next && instanceId === "waits") await looking;
      return {};
    } });
    const runs = await world.run(`return ["v1", await step.do("a", () => T.gate(event.instanceId))];`, { id: "runs" });
    await world.when("a runs", () => world.calls.length === 1);
    const waits = await world.flows().create({ id: "waits" });
    await world.until(waits, "queued");
    // who was asked for something is kept in memory, as one that waits
    await waits.sendEvent({ type: "t" });
    next = await deploy(world, `return ["v2", await step.do("a", () => T.gate(event.instanceId))];`);
    const moving = world.tenure().tenant("acme").upgrade(next);
    await world.rest();
    world.open("runs", 1);
    assertEquals(await runs.result(), ["v1", 1]);
    for (let n = 0; n < 200; n++) await new Promise((done) => setImmediate(done));
    assert(reads < 20, `what is due was read ${reads} times`);
    look();
    assertEquals((await whileTimePasses(world, 100, moving)).moved, 1);
    world.open("waits", 2);
    assertEquals(await waits.result(), ["v2", 2]);
  });

  test("finds its moment in a run that never sleeps", async (world) => {
    const loop = (version: string): string => `
      const seen = [];
      for (let n = 0; n < 40; n++) seen.push(await step.do("s", async () => { await T.note(n); return "${version}"; }));
      return seen;
    `;
    // both are there before it begins: deploying may take longer than all of the run
    const [version, next] = [await deploy(world, loop("v1")), await deploy(world, loop("v2"))];
    const order = await world.flows().create({ version });
    await world.when("some have run", () => world.notes.length > 2);
    assertEquals((await upgrade(world, next)).moved, 1);
    const seen: string[] = await order.result();
    const first = seen.indexOf("v2");
    assert(first > 0, `${seen}`);
    assertEquals(seen, [...Array(first).fill("v1"), ...Array(40 - first).fill("v2")]);
    assertEquals(world.notes, Array.from({ length: 40 }, (_, n) => n));
  });

  test("moves many back and forth while they run, pause and wait: each goes on, and no body runs twice", async (world) => {
    const versions: string[] = [];
    for (const name of ["v1", "v2", "v3"]) {
      versions.push(await deploy(world, `
        for (let n = 0; n < 8; n++) {
          await step.do("s", async () => { await T.note(event.instanceId + "/" + n); return "${name}"; });
          if (n % 3 === 0) await step.sleep("z", 1000);
          if (n % 4 === 1) await Promise.all([step.do("p", async () => 1), step.waitForEvent("e", { type: "e", timeout: 700 }).catch(() => 0)]);
        }
        return "${name}";
      `));
    }
    const orders: WorkflowInstance[] = [];
    for (let n = 0; n < 6; n++) orders.push(await world.flows().create({ id: `order-${n}`, version: versions[n % 3] as string }));
    const upgrades: Promise<UpgradeReport>[] = [];
    for (let n = 0; n < 60; n++) {
      const order = orders[n * 5 % 6]!;
      if (n % 3 === 0) upgrades.push(world.tenure().tenant("acme").upgrade(versions[n * 7 % 5 % 3] as string, { dryRun: n % 9 === 0 }));
      else await (n % 5 === 0 ? order.pause() : n % 7 === 0 ? order.sendEvent({ type: "e" }).catch(() => {}) : order.resume());
      await new Promise((done) => setImmediate(done));
      world.clock.jump(n * 37 % 300);
    }
    await world.when("all have ended", async () => {
      for (const order of orders) await order.resume();
      world.clock.jump(500);
      return (await world.flows().list()).instances.every(({ status }) => status === "complete");
    });
    for (const report of await Promise.all(upgrades)) assertEquals(report.broken, []);
    const moves = await Promise.all(orders.map(async (order) => (await entriesOf(order)).filter(({ type }) => type === "upgraded").length));
    assert(moves.reduce((sum, n) => sum + n) > 6, `${moves}`);
    assertEquals([...world.notes].sort(), orders.flatMap(({ id }) => Array.from({ length: 8 }, (_, n) => `${id}/${n}`)).sort());
  });

  test("gives the next attempt of a step that failed to the new version", async (world) => {
    const flow = (body: string): string => `return await step.do("a", { retries: { limit: 3, delay: "1 hour" } }, async (ctx) => { ${body} });`;
    const order = await world.run(flow(`await T.note("bad"); throw new Error("bug");`));
    await world.when("it has failed", async () => (await entriesOf(order)).some(({ type }) => type === "attempt_failed"));
    assertEquals((await upgrade(world, await deploy(world, flow(`return "fixed in " + ctx.attempt;`)))).moved, 1);
    await world.pass("1 hour");
    assertEquals(await order.result(), "fixed in 2");
    assertEquals(world.notes, ["bad"]);
  });
});
