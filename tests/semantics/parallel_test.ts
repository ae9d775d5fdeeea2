import { assertEquals, assertMatch } from "@std/assert";
import { onEach } from "./_world.ts";

onEach("steps in parallel", (test) => {
  test("are numbered in the order in which they are started", async ({ run }) => {
    const order = await run(`return await Promise.all([1, 2, 3].map((n) => step.do("same", async (ctx) => [n, ctx.step.count])))`);
    assertEquals(await order.result(), [[1, 1], [2, 2], [3, 3]]);
  });

  test("may be many", async ({ run }) => {
    const order = await run(`
      const all = await Promise.all(Array.from({ length: 300 }, (_, n) => step.do("s", async () => n)));
      return all.every((value, n) => value === n) && all.length;
    `);
    assertEquals(await order.result(), 300);
  });

  test("each fail on their own", async ({ run }) => {
    const order = await run(`
      const once = { retries: { limit: 0, delay: 0 } };
      const all = await Promise.allSettled([
        step.do("a", once, async () => { throw new Error("no"); }),
        step.do("b", once, async () => 2),
        step.sleep("s", 0),
      ]);
      return all.map(({ status, value, reason }) => [status, value, reason?.message]);
    `);
    assertEquals(await order.result(), [
      ["rejected", undefined, "no"],
      ["fulfilled", 2, undefined],
      ["fulfilled", undefined, undefined],
    ]);
  });

  test("that nobody awaits fail without failing the run", async ({ run, open, until }) => {
    const order = await run(`
      step.do("lost", { retries: { limit: 0, delay: 0 } }, async () => { throw new Error("no"); });
      await step.do("a", () => T.gate("a"));
      return "done";
    `);
    open("a");
    await until(order, "complete");
    assertEquals(await order.result(), "done");
  });

  test("mix with sleeps and waits", async ({ run, until, pass }) => {
    const order = await run(`
      const [a, , b] = await Promise.all([
        step.do("a", async () => 1), step.sleep("s", "1 hour"), step.waitForEvent("w", { type: "t" }),
      ]);
      return [a, b.payload];
    `);
    await until(order, "waiting");
    await pass("1 hour");
    await until(order, "waiting");
    await order.sendEvent({ type: "t", payload: 2 });
    assertEquals(await order.result(), [1, 2]);
  });
});

onEach("a race", (test) => {
  test("has the same winner after a replay", async (world) => {
    const order = await world.run(`
      const winner = await Promise.race(["first", "second"].map((n) => step.do(n, () => T.gate(n))));
      await step.do("both", () => T.gate("both"));
      await step.sleep("s", "1 day");
      return winner;
    `);
    await world.when("both run", () => world.calls.length === 2);
    world.open("second", "second");
    await world.when("the race is over", () => world.calls.length === 3);
    world.open("first", "first");
    await world.rest();
    world.open("both");
    await world.until(order, "waiting");
    await world.crash();
    await world.pass("1 day");
    assertEquals(await (await world.flows().get(order.id)).result(), "second");
  });

  test("has the same winner after a replay, however long its chains of promises are", async (world) => {
    const order = await world.run(`
      const late = (promise, n) => n === 0 ? promise : late(promise.then((value) => value), n - 1);
      const winner = await Promise.race([late(step.do("long", () => T.gate("long")), 50), step.do("short", () => T.gate("short"))]);
      await step.do("wait", () => T.gate("wait"));
      await step.sleep("s", "1 day");
      return winner;
    `);
    await world.when("both run", () => world.calls.length === 2);
    world.open("long", "long");
    await world.when("the race is over", () => world.calls.length === 3);
    world.open("short", "short");
    await world.rest();
    world.open("wait");
    await world.until(order, "waiting");
    await world.reopen();
    await world.pass("1 day");
    assertEquals(await (await world.flows().get(order.id)).result(), "long");
  });

  test("between an event and a sleep is won by what came first, for ever", async (world) => {
    const order = await world.run(`
      const winner = await Promise.race([
        step.waitForEvent("w", { type: "t" }).then(() => "event"),
        step.sleep("s", "1 hour").then(() => "sleep"),
      ]);
      await step.sleep("then", "1 day");
      return winner;
    `);
    await world.until(order, "waiting");
    await world.pass("59 minutes");
    await order.sendEvent({ type: "t" });
    await world.rest();
    await world.pass("2 hours");
    await world.crash();
    await world.pass("1 day");
    assertEquals(await (await world.flows().get(order.id)).result(), "event");
  });

  test("leaves its loser running, and keeps what that comes to", async (world) => {
    const order = await world.run(`
      const slow = step.do("slow", () => T.gate("slow"));
      const quick = await Promise.race([slow, step.do("quick", async () => "quick")]);
      return [quick, await slow];
    `);
    await world.when("slow runs", () => world.calls.length === 1);
    world.open("slow", "slow");
    assertEquals(await order.result(), ["quick", "slow"]);
  });

  test("by Promise.any is won by the first success", async ({ run }) => {
    const order = await run(`
      const once = { retries: { limit: 0, delay: 0 } };
      return await Promise.any([step.do("a", once, async () => { throw new Error("no"); }), step.do("b", once, async () => "b")]);
    `);
    assertEquals(await order.result(), "b");
  });
});

onEach("an unawaited step", (test) => {
  test("lets the run end first, and runs on to its end", async ({ run, open, when, calls, notes, rest }) => {
    const order = await run(`
      step.do("lost", async () => { await T.gate("lost"); await T.note("ended"); });
      await step.do("a", async () => 1);
      return "done";
    `);
    assertEquals(await order.result(), "done");
    await when("it runs", () => calls.length === 1);
    open("lost");
    await when("it ended", () => notes.length === 1);
    await rest();
    assertEquals((await order.status()).status, "complete");
    assertEquals((await order.history()).entries.at(-1)?.type, "completed");
  });

  test("is waited for by close()", async ({ run, open, when, calls, notes, close }) => {
    const order = await run(`step.do("lost", async () => { await T.gate("lost"); await T.note("ended"); }); return "done"`);
    await order.result();
    await when("it runs", () => calls.length === 1);
    const closing = close();
    open("lost");
    assertEquals([await closing, notes], [{ released: 0 }, ["ended"]]);
  });

  test("starts no further step when the run is over", async ({ run, open, when, calls, rest }) => {
    const order = await run(`
      step.do("lost", () => T.gate("lost")).then(() => step.do("never", () => T.note("never")));
      return "done";
    `);
    await order.result();
    await when("it runs", () => calls.length === 1);
    open("lost");
    await rest();
    assertEquals(calls.length, 1);
  });
});

onEach("a step within a step", (test) => {
  test("gives its result to the body", async ({ run }) => {
    const order = await run(`return await step.do("outer", async () => [await step.do("inner", async () => 1), "outer"])`);
    assertEquals(await order.result(), [1, "outer"]);
  });

  test("is not run again by the next attempt at the body", async ({ run, notes, until, pass }) => {
    const order = await run(`
      return await step.do("outer", async (ctx) => {
        const inner = await step.do("inner", async () => { await T.note("inner"); return 7; });
        if (ctx.attempt === 1) throw new Error("no");
        return [inner, ctx.attempt];
      });
    `);
    await until(order, "waiting");
    await pass("10 seconds");
    assertEquals([await order.result(), notes], [[7, 2], ["inner"]]);
  });

  test("is not run again after a crash in the body", async (world) => {
    const order = await world.run(`
      return await step.do("outer", async (ctx) => {
        const inner = await step.do("inner", async () => { await T.note("inner"); return 7; });
        await T.gate("after" + ctx.attempt);
        return [inner, ctx.attempt];
      });
    `);
    await world.when("inner is done", () => world.calls.length === 2);
    await world.crash();
    await world.when("the body runs again", () => world.calls.length === 3);
    world.open("after2");
    assertEquals(await (await world.flows().get(order.id)).result(), [7, 2]);
    assertEquals(world.notes, ["inner"]);
  });

  test("is counted within its body: bodies in parallel do not take each other's results", async ({ run, open, when, calls }) => {
    const order = await run(`
      const outer = (n) => step.do("outer", async () => {
        await T.gate("before" + n);
        const inner = await step.do("inner", async (ctx) => [n, ctx.step.count]);
        return [inner, await step.do("inner", async (ctx) => [n, ctx.step.count])];
      });
      return await Promise.all([outer("a"), outer("b")]);
    `);
    await when("both run", () => calls.length === 2);
    open("beforeb");
    open("beforea");
    assertEquals(await order.result(), [[["a", 1], ["a", 2]], [["b", 1], ["b", 2]]]);
  });

  test("fails into the body, which may catch it", async ({ run }) => {
    const order = await run(`
      return await step.do("outer", async () => {
        return await step.do("inner", { retries: { limit: 0, delay: 0 } }, async () => { throw new RangeError("no"); })
          .catch((error) => error instanceof RangeError);
      });
    `);
    assertEquals(await order.result(), true);
  });

  test("may sleep, and wait for an event", async ({ run, pass, when, notes }) => {
    const order = await run(`
      return await step.do("outer", async () => {
        await step.sleep("s", "1 minute");
        await T.note("awake");
        return (await step.waitForEvent("w", { type: "t" })).payload;
      });
    `);
    await pass("1 minute");
    await when("it woke", () => notes.length === 1);
    await order.sendEvent({ type: "t", payload: 5 });
    assertEquals(await order.result(), 5);
  });

  test("may hold another", async ({ run }) => {
    const order = await run(`
      return await step.do("1", async () => 1 + await step.do("2", async () => 10 + await step.do("3", async () => 100)));
    `);
    assertEquals(await order.result(), 111);
  });

  test("ends with its body when nobody awaits it", async ({ run, calls, when }) => {
    const order = await run(`
      await step.do("outer", async () => { step.do("lost", () => T.gate("never")); });
      return await step.do("next", async () => "done");
    `);
    await when("it runs", () => calls.length === 1);
    assertEquals(await order.result(), "done");
    assertMatch((await order.status()).status, /complete/);
  });
});
