/** Instances whose journal is damaged: what the store holds is changed behind the engine's back. */
import { assertEquals, assertRejects } from "@std/assert";
import { TenureError } from "../../mod.ts";
import { onEach, source, type World } from "./_world.ts";

/** Damages the journal of an instance of `acme` while nobody runs it: by a line that is no record. */
async function damage(world: World, id: string): Promise<void> {
  await world.crash({ engine: false });
  const store = await world.storage.open();
  const lease = await store.acquire(0, "vandal", 1);
  const key = { tenant: "acme", workflow: "Flow", id };
  const next = (await store.load(0, key))?.journal.join("\n").split("\n").length ?? 0;
  const append = { key, seq: next, count: 1, text: '{"k":"nonsense","t":1}' };
  await store.commit(`damage ${id}`, [{ shard: 0, epoch: lease?.epoch ?? 0, drops: [], heads: [], appends: [append], cells: [], acks: [] }]);
  await store.release(0, lease?.epoch ?? 0);
  await store.close();
  await world.crash({ engine: true });
}

/** Takes the damage back, as a copy that is restored does. */
async function mend(world: World, id: string): Promise<void> {
  await world.crash({ engine: false });
  const store = await world.storage.open();
  const lease = await store.acquire(0, "mender", 1);
  const key = { tenant: "acme", workflow: "Flow", id };
  const image = await store.load(0, key);
  if (image === null) throw new Error("It is gone");
  const lines = image.journal.join("\n").split("\n").slice(0, -1);
  const append = { key, seq: 0, count: lines.length, text: lines.join("\n") };
  await store.commit(`mend ${id}`, [{ shard: 0, epoch: lease?.epoch ?? 0, drops: [key], heads: [image.head], appends: [append], cells: [], acks: [] }]);
  await store.release(0, lease?.epoch ?? 0);
  await store.close();
  await world.crash({ engine: true });
}

const SLEEPS = `await step.sleep("s", "1 hour"); return "slept"`;

onEach("an instance whose journal is damaged", (test) => {
  test("is paused with that reason when its time has come, and whoever waits for its result is told", async (world) => {
    const order = await world.run(SLEEPS);
    await world.until(order, "waiting");
    const before = (await world.tenure().tenant("acme").usage()).instances;
    await damage(world, order.id);
    const again = await world.flows().get(order.id);
    const waiting = assertRejects(() => again.result(), TenureError, "Cannot read the journal");
    await world.pass("1 hour");
    const { status, paused } = await again.status();
    assertEquals([status, paused?.code], ["paused", "corrupt"]);
    assertEquals((await waiting as TenureError).code, "corrupt");
    assertEquals((await assertRejects(() => again.result(), TenureError) as TenureError).code, "corrupt");
    assertEquals((await world.flows().list({ status: "paused" })).instances.map(({ id }) => id), [order.id]);
    assertEquals((await world.tenure().tenant("acme").usage()).instances, before, "it is there, and counted");
    assertEquals((await assertRejects(() => again.resume(), TenureError) as TenureError).code, "corrupt");
  });

  test("is paused at once by whoever asks something of it", async (world) => {
    const order = await world.run(SLEEPS);
    await world.until(order, "waiting");
    await damage(world, order.id);
    const again = await world.flows().get(order.id);
    assertEquals((await assertRejects(() => again.sendEvent({ type: "t" }), TenureError) as TenureError).code, "corrupt");
    await world.until(again, "paused");
  });

  test("can be deleted, and its id is free", async (world) => {
    const order = await world.run(SLEEPS, { id: "order" });
    await world.until(order, "waiting");
    await damage(world, "order");
    const again = await world.flows().get("order");
    await Promise.all([again.delete(), assertRejects(() => again.sendEvent({ type: "t" }))]);
    await world.rest();
    await assertRejects(() => world.flows().get("order"), Error, "not_found");
    await assertRejects(() => again.delete(), Error, "not_found");
    const { instances, kept, journalBytes } = await world.tenure().tenant("acme").usage();
    assertEquals([instances, kept, journalBytes], [0, 0, 0]);
    const anew = await world.flows().create({ id: "order" });
    await world.until(anew, "waiting");
    await world.pass("1 hour");
    assertEquals(await anew.result(), "slept");
  });

  test("can be deleted although it has been paused for it, and when it had ended", async (world) => {
    const order = await world.run(SLEEPS, { id: "order" });
    const ended = await world.flows().create({ id: "ended" });
    await world.pass("1 hour");
    await ended.result();
    await order.restart();
    await world.until(order, "waiting");
    await damage(world, "order");
    await damage(world, "ended");
    await world.pass("1 hour");
    await world.until(await world.flows().get("order"), "paused");
    assertEquals(await (await world.flows().get("ended")).result(), "slept");
    await world.flows().deleteBatch(["order", "ended"]);
    assertEquals((await world.flows().list()).instances, []);
  });

  test("goes on when it has been mended and resumed", async (world) => {
    const order = await world.run(SLEEPS);
    await world.until(order, "waiting");
    await damage(world, order.id);
    await world.pass("1 hour");
    await world.until(await world.flows().get(order.id), "paused");
    await mend(world, order.id);
    const again = await world.flows().get(order.id);
    await again.resume();
    assertEquals(await again.result(), "slept");
  });

  test("runs the step again that ran when its owner died", async (world) => {
    const order = await world.run(`return await step.do("a", async ({ attempt }) => attempt === 1 ? T.gate("never") : attempt);`);
    await world.when("a runs", () => world.calls.length === 1);
    await damage(world, order.id);
    await world.until(await world.flows().get(order.id), "paused");
    await mend(world, order.id);
    const again = await world.flows().get(order.id);
    // whoever finds it, for whatever: it goes on
    const { version } = await world.tenure().tenant("acme").deploy(source(`return 1;`));
    await world.tenure().tenant("acme").upgrade(version, { dryRun: true });
    assertEquals(await again.result(), 2);
  });

  test("is told to its parent as deleted when it is, and ends its own children", async (world) => {
    const flow = await world.flow(`
      if (event.payload === "leaf") { await step.sleep("s", "1 day"); return "leaf"; }
      if (event.payload === "middle") return await step.invoke("leaf", { workflow: "Flow", id: "leaf", params: "leaf" });
      return await step.invoke("middle", { workflow: "Flow", id: "middle", params: "middle" }).catch((error) => error.message);`);
    await flow.create({ id: "root", params: "root" });
    await world.rest();
    await world.until(await flow.get("leaf"), "waiting");
    await damage(world, "middle");
    await (await world.flows().get("middle")).delete();
    assertEquals(await (await world.flows().get("root")).result(), 'The child "middle" was deleted');
    await world.until(await world.flows().get("leaf"), "terminated");
  });
});
