import { assertEquals, assertMatch } from "@std/assert";
import { onEach } from "./_world.ts";

const TWO_STEPS = `
  const a = await step.do("a", () => T.gate("a"));
  return [a, await step.do("b", () => T.gate("b"))];
`;
const MINUTE = 60_000;

onEach("pause()", (test) => {
  test("lets a step that runs end, starts no other, and resume() goes on", async ({ run, open, when, calls, until, rest }) => {
    const order = await run(TWO_STEPS);
    await when("a runs", () => calls.length === 1);
    await order.pause();
    assertEquals((await order.status()).status, "waitingForPause");
    open("a", 1);
    await until(order, "paused");
    open("b", 2);
    await rest();
    assertEquals([calls.length, (await order.status()).status], [1, "paused"]);
    await order.resume();
    assertEquals(await order.result(), [1, 2]);
  });

  test("waits for all steps that run", async ({ run, open, when, calls, until, rest }) => {
    const order = await run(`
      const both = await Promise.all(["a", "b"].map((n) => step.do(n, () => T.gate(n))));
      return [...both, await step.do("c", async () => 3)];
    `);
    await when("both run", () => calls.length === 2);
    await order.pause();
    open("a", 1);
    await rest();
    assertEquals((await order.status()).status, "waitingForPause");
    open("b", 2);
    await until(order, "paused");
    await order.resume();
    assertEquals(await order.result(), [1, 2, 3]);
  });

  test("lets a run end that needs nothing more than the step that runs", async ({ run, open, when, calls }) => {
    const order = await run(`return await step.do("a", () => T.gate("a"))`);
    await when("a runs", () => calls.length === 1);
    await order.pause();
    open("a", 1);
    assertEquals(await order.result(), 1);
  });

  test("lets a step that runs come to its end through a sleep of its own", async (world) => {
    const order = await world.run(`
      await step.do("a", async () => { await T.note("began"); await step.sleep("inner", "1 minute"); });
      return await step.do("b", async () => "after");
    `);
    await world.when("a runs", () => world.notes.length === 1);
    await order.pause();
    await world.pass("1 minute");
    await world.until(order, "paused");
    await order.resume();
    assertEquals(await order.result(), "after");
  });

  test("is cancelled by resume() while it waits: what was held starts", async ({ run, open, when, calls, rest }) => {
    const order = await run(`
      const slow = step.do("slow", () => T.gate("slow"));
      await step.do("quick", () => T.gate("quick"));
      const held = ["x", "y"].map((n) => step.do(n, () => T.gate(n)));
      return await Promise.all([slow, ...held]);
    `);
    await when("two run", () => calls.length === 2);
    await order.pause();
    open("quick");
    await rest();
    assertEquals([calls.length, (await order.status()).status], [2, "waitingForPause"]);
    await order.resume();
    await when("the held ones run", () => calls.length === 4);
    assertEquals((await order.status()).status, "running");
    for (const n of ["slow", "x", "y"]) open(n, n);
    assertEquals(await order.result(), ["slow", "x", "y"]);
  });

  test("at once pauses an instance that sleeps, and its sleep is longer by the pause", async (world) => {
    const order = await world.run(`await step.sleep("s", "1 hour"); return "awake"`);
    await world.until(order, "waiting");
    await world.pass("20 minutes");
    await order.pause();
    assertEquals((await order.status()).status, "paused");
    await world.pass("3 hours");
    assertEquals((await order.status()).status, "paused");
    await order.resume();
    await world.pass(40 * MINUTE - 1);
    assertEquals((await order.status()).status, "waiting");
    await world.pass(1);
    assertEquals(await order.result(), "awake");
  });

  test("makes the time-out of a wait longer by the pause", async (world) => {
    const order = await world.run(`return await step.waitForEvent("w", { type: "t", timeout: "1 hour" }).catch((e) => e.message)`);
    await world.until(order, "waiting");
    await order.pause();
    await world.pass("2 hours");
    await order.resume();
    await world.pass(60 * MINUTE - 1);
    assertEquals((await order.status()).status, "waiting");
    await world.pass(1);
    assertMatch(await order.result(), /timed out after 3600000ms/);
  });

  test("makes the delay before a retry longer by the pause", async (world) => {
    const order = await world.run(`
      return await step.do("a", { retries: { limit: 1, delay: "1 hour" } }, async (ctx) => {
        if (ctx.attempt === 1) throw new Error("no");
        return ctx.attempt;
      });
    `);
    await world.until(order, "waiting");
    await world.pass("30 minutes");
    await order.pause();
    await world.pass("2 hours");
    await order.resume();
    await world.pass(30 * MINUTE - 1);
    assertEquals((await order.status()).status, "waiting");
    await world.pass(1);
    assertEquals(await order.result(), 2);
  });

  test("keeps an event that comes meanwhile for the wait", async (world) => {
    const order = await world.run(`return (await step.waitForEvent("w", { type: "t", timeout: "1 hour" })).payload`);
    await world.until(order, "waiting");
    await order.pause();
    await world.pass("2 hours");
    await order.sendEvent({ type: "t", payload: 1 });
    await world.rest();
    assertEquals((await order.status()).status, "paused");
    await order.resume();
    assertEquals(await order.result(), 1);
  });

  test("prolongs a sleep that begins while it waits for a step only by what is left of it", async (world) => {
    const order = await world.run(`
      await step.do("a", () => T.gate("a"));
      await step.sleep("s", "1 hour");
      return "awake";
    `);
    await world.when("a runs", () => world.calls.length === 1);
    await order.pause();
    await world.pass("8 minutes");
    world.open("a");
    await world.until(order, "paused");
    await world.pass("1 minute");
    await order.resume();
    await world.pass(60 * MINUTE - 1);
    assertEquals((await order.status()).status, "waiting");
    await world.pass(1);
    assertEquals(await order.result(), "awake");
  });

  test("does not prolong the delay of a retry that it began after, when it was cancelled", async (world) => {
    const order = await world.run(`
      await Promise.all([
        step.do("slow", () => T.gate("slow")),
        step.do("a", { retries: { limit: 1, delay: "1 minute" } }, async (ctx) => {
          await T.gate("a" + ctx.attempt);
          if (ctx.attempt === 1) throw new Error("no");
        }),
      ]);
    `);
    await world.when("both run", () => world.calls.length === 2);
    await order.pause();
    await world.pass("8 minutes");
    world.open("a1");
    await world.rest();
    await order.resume();
    await world.pass("1 minute");
    await world.when("a is tried again", () => world.calls.length === 3);
    world.open("a2");
    world.open("slow");
    await order.result();
  });

  test("and again, and resume() of what runs, do nothing", async (world) => {
    const order = await world.run(`await step.sleep("s", "1 hour"); return "awake"`);
    await world.until(order, "waiting");
    await order.resume();
    await order.pause();
    await world.pass("1 hour");
    await order.pause();
    await world.pass("1 hour");
    await order.resume();
    await order.resume();
    await world.pass("1 hour");
    assertEquals(await order.result(), "awake");
    await order.pause();
    await order.resume();
    assertEquals((await order.status()).status, "complete");
  });

  test("holds over a restart of the engine and a crash", async (world) => {
    const order = await world.run(`await step.sleep("s", "1 hour"); return "awake"`);
    await world.until(order, "waiting");
    await order.pause();
    await world.reopen();
    await world.pass("2 hours");
    await world.crash();
    await world.pass("2 hours");
    const again = await world.flows().get(order.id);
    assertEquals((await again.status()).status, "paused");
    await again.resume();
    await world.pass("1 hour");
    assertEquals(await again.result(), "awake");
  });

  test("that waited for a step when the engine crashed is reached by the next one", async (world) => {
    const order = await world.run(TWO_STEPS);
    await world.when("a runs", () => world.calls.length === 1);
    await order.pause();
    await world.crash();
    const again = await world.flows().get(order.id);
    await world.until(again, "paused");
    world.open("a", 1);
    world.open("b", 2);
    await again.resume();
    assertEquals(await again.result(), [1, 2]);
  });

  test("that its owner could not come to before it let go is reached when its turn comes", async (world) => {
    await world.run(`return await step.do("a", () => T.gate("first"));`, { id: "1-first" });
    const order = await world.run(`const a = await step.do("a", () => T.gate("a")); await step.sleep("s", 1); return a;`, { id: "2-order" });
    await world.when("both run", () => world.calls.length === 2);
    await order.pause();
    const again = world.reopen({ limits: { concurrency: 1 } });
    world.open("a", 1);
    await again;
    await world.when("the other one runs", () => world.calls.length === 3);
    await world.rest();
    world.open("first", 1);
    const [first, second] = [await world.flows().get("1-first"), await world.flows().get("2-order")];
    assertEquals(await first.result(), 1);
    await world.until(second, "paused");
    await second.resume();
    await world.pass(1);
    assertEquals(await second.result(), 1);
  });

  test("of an instance that has not begun to run holds it there", async (world) => {
    let ready = (): void => {};
    const granted = new Promise<Record<string, unknown>>((done) => ready = () => done({}));
    await world.reopen({ env: () => granted });
    const order = await world.run(`await T.note("ran")`);
    await order.pause();
    assertEquals((await order.status()).status, "paused");
    ready();
    await world.rest();
    assertEquals(world.notes, []);
    await order.resume();
    await order.result();
    assertEquals(world.notes, ["ran"]);
  });
});
