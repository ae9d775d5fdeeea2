import { assertEquals, assertMatch } from "@std/assert";
import { START } from "./_clock.ts";
import { refused } from "./_errors.ts";
import { onEach } from "./_world.ts";

const WAIT = `return await step.waitForEvent("w", { type: "paid" })`;

onEach("sendEvent()", (test) => {
  test("gives the step that waits payload, type and time", async ({ run, until, pass }) => {
    const order = await run(WAIT);
    await until(order, "waiting");
    await pass("1 hour");
    await order.sendEvent({ type: "paid", payload: { cents: 990 } });
    assertEquals(await order.result(), { payload: { cents: 990 }, type: "paid", timestamp: new Date(START + 3_600_000) });
  });

  test("may come before anybody waits", async ({ run, pass }) => {
    const order = await run(`await step.sleep("s", "1 day"); return (await step.waitForEvent("w", { type: "paid" })).payload`);
    await order.sendEvent({ type: "paid", payload: 1 });
    await pass("1 day");
    assertEquals(await order.result(), 1);
  });

  test("may come before the workflow has run at all", async ({ run }) => {
    const order = await run(WAIT);
    await order.sendEvent({ type: "paid" });
    assertEquals((await order.result()).payload, undefined);
  });

  test("keeps events of a type in order and gives each wait one", async ({ run }) => {
    const order = await run(`
      const got = [];
      for (let i = 0; i < 3; i++) got.push((await step.waitForEvent("w", { type: "t" })).payload);
      return got;
    `);
    for (const payload of ["a", "b", "c"]) await order.sendEvent({ type: "t", payload });
    assertEquals(await order.result(), ["a", "b", "c"]);
  });

  test("does not give a wait an event of another type", async ({ run, until }) => {
    const order = await run(WAIT);
    await order.sendEvent({ type: "unpaid", payload: 1 });
    await order.sendEvent({ type: "Paid", payload: 2 });
    await until(order, "waiting");
    await order.sendEvent({ type: "paid", payload: 3 });
    assertEquals((await order.result()).payload, 3);
  });

  test("types are apart, whatever order they come in", async ({ run }) => {
    const order = await run(`
      const b = await step.waitForEvent("b", { type: "b" });
      const a = await step.waitForEvent("a", { type: "a" });
      return [a.payload, b.payload];
    `);
    await order.sendEvent({ type: "a", payload: 1 });
    await order.sendEvent({ type: "b", payload: 2 });
    assertEquals(await order.result(), [1, 2]);
  });

  test("keeps twelve early events in order across a restart of the engine", async (world) => {
    const order = await world.run(`
      await step.sleep("s", "1 day");
      const got = [];
      for (let i = 0; i < 12; i++) got.push((await step.waitForEvent("w" + i, { type: "t" })).payload);
      return got;
    `);
    for (let payload = 0; payload < 12; payload++) await order.sendEvent({ type: "t", payload });
    await world.until(order, "waiting");
    await world.crash();
    await world.pass("1 day");
    assertEquals(await (await world.flows().get(order.id)).result(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  test("is consumed once, also across replays", async (world) => {
    const order = await world.run(`
      const first = await step.waitForEvent("one", { type: "t" });
      await step.sleep("s", "1 day");
      const second = await step.waitForEvent("two", { type: "t" });
      return [first.payload, second.payload];
    `);
    await order.sendEvent({ type: "t", payload: 1 });
    await world.until(order, "waiting");
    await world.reopen();
    await world.pass("1 day");
    const again = await world.flows().get(order.id);
    await world.until(again, "waiting");
    await again.sendEvent({ type: "t", payload: 2 });
    assertEquals(await again.result(), [1, 2]);
  });

  test("with an id is one event, however often it is sent", async (world) => {
    const order = await world.run(`
      const one = await step.waitForEvent("one", { type: "t" });
      await step.sleep("s", "1 day");
      const two = await step.waitForEvent("two", { type: "t" });
      return [one.payload, two.payload];
    `);
    await order.sendEvent({ type: "t", payload: "first", id: "evt-1" });
    await order.sendEvent({ type: "t", payload: "again", id: "evt-1" });
    await world.until(order, "waiting");
    await world.reopen();
    const again = await world.flows().get(order.id);
    await again.sendEvent({ type: "t", payload: "and again", id: "evt-1" });
    await again.sendEvent({ type: "t", payload: "second", id: "evt-2" });
    await world.pass("1 day");
    assertEquals(await again.result(), ["first", "second"]);
  });

  for (const [end, body] of [["complete", "return 1"], ["errored", `throw new Error("no")`], ["terminated", `await step.sleep("s", "1 day")`]]) {
    test(`to an instance that is ${end} is an error`, async ({ run, until }) => {
      const order = await run(body as string);
      if (end === "terminated") await order.terminate();
      await until(order, end as string);
      const error = await refused(() => order.sendEvent({ type: "t" }), "instance.ended", "has ended");
      assertMatch(error.message, /^\(instance\.ended\)/);
    });
  }

  test("to an instance that is not there is instance.not_found", async ({ run }) => {
    const order = await run(WAIT);
    await order.delete();
    await refused(() => order.sendEvent({ type: "t" }), "instance.not_found");
  });

  for (const type of ["", "x".repeat(101), "a\nb", "\0", 7, undefined, null, {}]) {
    test(`refuses the type ${JSON.stringify(type)?.slice(0, 9)}`, async ({ run }) => {
      const order = await run(WAIT);
      await refused(() => order.sendEvent({ type: type as string }), "invalid_event_type");
    });
  }

  for (const type of ["x".repeat(100), "a b", "order:paid/ä"]) {
    test(`takes the type "${type.slice(0, 12)}"`, async ({ run }) => {
      const order = await run(`return (await step.waitForEvent("w", { type: event.payload })).type`, { params: type });
      await order.sendEvent({ type });
      assertEquals(await order.result(), type);
    });
  }

  test("refuses a payload that cannot be stored, naming its place, and one that is too large", async ({ run, until }) => {
    const order = await run(`return (await step.waitForEvent("w", { type: "paid" })).payload.length`);
    await refused(() => order.sendEvent({ type: "paid", payload: { a: [() => {}] } }), "not_serialisable", "payload.a[0]");
    await refused(() => order.sendEvent({ type: "paid", payload: "x".repeat(2 ** 20) }), "too_large", "payload");
    await until(order, "waiting");
    await order.sendEvent({ type: "paid", payload: "x".repeat(2 ** 20 - 3) });
    assertEquals(await order.result(), 2 ** 20 - 3);
  });

  test("refuses an id that is no text, or too long", async ({ run }) => {
    const order = await run(WAIT);
    for (const id of [7, {}, "x".repeat(257)]) {
      await refused(() => order.sendEvent({ type: "paid", id: id as string }), "invalid_argument");
    }
  });
});

onEach("step.waitForEvent()", (test) => {
  test("throws when its time is over, in Cloudflare's words", async ({ run, until, pass }) => {
    const order = await run(`
      try { await step.waitForEvent("w", { type: "t", timeout: "1 hour" }); } catch (error) { return [error.name, error.message]; }
    `);
    await until(order, "waiting");
    await pass(3_599_999);
    await until(order, "waiting");
    await pass(1);
    assertEquals(await order.result(), ["Error", "WorkflowTimeoutError: Execution timed out after 3600000ms"]);
  });

  test("waits 24 hours by default", async ({ run, until, pass }) => {
    const order = await run(`try { await step.waitForEvent("w", { type: "t" }); } catch (error) { return error.message; }`);
    await until(order, "waiting");
    await pass(86_399_999);
    await until(order, "waiting");
    await pass(1);
    assertMatch(await order.result(), /timed out after 86400000ms/);
  });

  test("with a time-out of 0 takes an event that is there, and else times out at once", async ({ run, open }) => {
    const order = await run(`
      await step.do("a", () => T.gate("sent"));
      const got = (await step.waitForEvent("one", { type: "t", timeout: 0 })).payload;
      return [got, await step.waitForEvent("two", { type: "t", timeout: 0 }).catch((error) => error.message)];
    `);
    await order.sendEvent({ type: "t", payload: "early" });
    open("sent");
    assertEquals(await order.result(), ["early", "WorkflowTimeoutError: Execution timed out after 0ms"]);
  });

  test("has timed out for ever: a later event is for the next wait, also after a replay", async (world) => {
    const order = await world.run(`
      const first = await step.waitForEvent("one", { type: "t", timeout: "1 hour" }).catch((error) => error.message);
      await step.sleep("s", "1 day");
      const second = await step.waitForEvent("two", { type: "t" });
      return [first, second.payload];
    `);
    await world.until(order, "waiting");
    await world.pass("1 hour");
    await world.until(order, "waiting");
    await order.sendEvent({ type: "t", payload: "late" });
    await world.crash();
    await world.pass("1 day");
    const [first, second] = await (await world.flows().get(order.id)).result();
    assertMatch(first, /timed out/);
    assertEquals(second, "late");
  });

  test("of three on one type: got, timed out, got", async ({ run, until, pass }) => {
    const order = await run(`
      const told = [];
      for (const n of [1, 2, 3]) {
        told.push(await step.waitForEvent("w" + n, { type: "t", timeout: "1 hour" }).then((e) => e.payload, () => "timed out"));
      }
      return told;
    `);
    await order.sendEvent({ type: "t", payload: "a" });
    await until(order, "waiting");
    await pass("1 hour");
    await until(order, "waiting");
    await order.sendEvent({ type: "t", payload: "b" });
    assertEquals(await order.result(), ["a", "timed out", "b"]);
  });

  test("two on one type: the first registered gets the first event", async ({ run, until }) => {
    const order = await run(`
      const one = step.waitForEvent("one", { type: "t" }), two = step.waitForEvent("two", { type: "t" });
      return [(await one).payload, (await two).payload];
    `);
    await until(order, "waiting");
    await order.sendEvent({ type: "t", payload: "a" });
    await order.sendEvent({ type: "t", payload: "b" });
    assertEquals(await order.result(), ["a", "b"]);
  });

  test("an event that came before the time-out wins over it, however late both are seen", async (world) => {
    const order = await world.run(`
      return await step.waitForEvent("w", { type: "t", timeout: "1 hour" }).then((e) => e.payload, () => "timed out");
    `);
    await world.until(order, "waiting");
    await world.pass("59 minutes");
    await order.sendEvent({ type: "t", payload: "in time" });
    await world.close();
    world.clock.jump(86_400_000);
    await world.reopen();
    assertEquals(await (await world.flows().get(order.id)).result(), "in time");
  });

  for (const options of [`undefined`, `null`, `{}`, `{ type: "" }`, `{ type: 7 }`, `{ type: "${"x".repeat(101)}" }`, `{ type: "t", timeout: "soon" }`, `{ type: "t", timeout: -1 }`]) {
    test(`refuses ${options.slice(0, 34)}, catchably`, async ({ run }) => {
      const order = await run(`try { await step.waitForEvent("w", ${options}); } catch (error) { return error.name; }`);
      assertEquals(await order.result(), "WorkflowFatalError");
    });
  }
});
