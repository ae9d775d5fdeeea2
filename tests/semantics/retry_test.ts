import { assertEquals, assertMatch } from "@std/assert";
import { drive } from "./_drive.ts";
import { onEach } from "./_world.ts";

/** A step "a" that notes each attempt and fails, in a run that gives what it caught. */
const failing = (config: string, error: string = `new Error("no " + ctx.attempt)`) => `
  return await step.do("a", ${config}, async (ctx) => {
    await T.note(ctx.attempt);
    throw ${error};
  }).catch((error) => [error.name, error.message]);
`;
const retries = (limit: number, delay: string, backoff?: string) =>
  JSON.stringify({ retries: { limit, delay, ...(backoff !== undefined && { backoff }) } });

onEach("a step that fails", (test) => {
  test("has limit + 1 attempts, numbered from 1, and fails with the last error", async (world) => {
    const order = await world.run(failing(retries(2, "1 second")));
    await drive(world, order);
    assertEquals(world.notes, [1, 2, 3]);
    assertEquals(await order.result(), ["Error", "no 3"]);
  });

  test("succeeds with the first attempt that does", async (world) => {
    const order = await world.run(`
      return await step.do("a", async (ctx) => { if (ctx.attempt < 3) throw new Error("no"); return ctx.attempt; });
    `);
    assertEquals(await drive(world, order), [10_000, 20_000]);
    assertEquals(await order.result(), 3);
  });

  for (
    const [config, waits] of [
      ["{}", [10_000, 20_000, 40_000, 80_000, 160_000]],
      [retries(3, "2 seconds", "constant"), [2_000, 2_000, 2_000]],
      [retries(3, "2 seconds", "linear"), [2_000, 4_000, 6_000]],
      [retries(3, "2 seconds", "exponential"), [2_000, 4_000, 8_000]],
      [retries(3, "2 seconds"), [2_000, 4_000, 8_000]],
      [retries(1, "1.5 hours"), [5_400_000]],
      [retries(0, "1 second"), []],
    ] as const
  ) {
    test(`waits ${waits.join(", ") || "for nothing"} ms with the config ${config}`, async (world) => {
      assertEquals(await drive(world, await world.run(failing(config))), [...waits]);
      assertEquals(world.notes.length, waits.length + 1);
    });
  }

  test("is tried again at once with delay 0", async (world) => {
    const order = await world.run(failing(`{ retries: { limit: 3, delay: 0 } }`));
    assertEquals(await order.result(), ["Error", "no 4"]);
  });

  for (
    const [what, error] of [
      ["the class", `new NonRetryableError("no")`],
      ["the class with another name", `new NonRetryableError("no", "Refused")`],
      ["the name", `Object.assign(new Error("no"), { name: "NonRetryableError" })`],
      ["a message that begins so", `new Error("NonRetryableError: no")`],
      ["a class derived from it", `new (class Gone extends NonRetryableError {})("no")`],
      ["an empty message", `new NonRetryableError("")`],
    ]
  ) {
    test(`has one attempt when it throws a NonRetryableError, known by ${what}`, async ({ run, notes }) => {
      const order = await run(failing("{}", error));
      assertMatch((await order.result())[1], what === "an empty message" ? /^$/ : /no$/);
      assertEquals(notes, [1]);
    });
  }

  test("is retried also after an error with an empty message", async (world) => {
    await drive(world, await world.run(failing(retries(1, "1 second"), `new Error("")`)));
    assertEquals(world.notes, [1, 2]);
  });

  test("lets name and message of an uncaught NonRetryableError be the instance's error", async ({ run, until }) => {
    const order = await run(`await step.do("a", async () => { throw new NonRetryableError("card refused"); })`);
    await until(order, "errored");
    assertEquals((await order.status()).error, { name: "NonRetryableError", message: "card refused" });
  });

  test("rethrows to the run with the class kept", async ({ run }) => {
    const order = await run(`
      try { await step.do("a", { retries: { limit: 0, delay: 0 } }, async () => { throw new RangeError("far"); }); }
      catch (error) { return [error instanceof RangeError, error.name, error.message]; }
    `);
    assertEquals(await order.result(), [true, "RangeError", "far"]);
  });

  test("rethrows an error of a class of its own with its name and its message", async ({ run, until, notes }) => {
    const order = await run(`
      class Mine extends RangeError { name = "Mine"; }
      const own = async () => { throw new Mine("own"); };
      await step.do("a", { retries: { limit: 0, delay: 0 } }, own).catch(({ name, message }) => T.note([name, message]));
      await step.do("b", { retries: { limit: 0, delay: 0 } }, own);
    `);
    await until(order, "errored");
    assertEquals([notes, (await order.status()).error], [[["Mine", "own"]], { name: "Mine", message: "own" }]);
  });

  test("rethrows the same after a replay, without running again", async (world) => {
    const order = await world.run(`
      let caught;
      await step.do("a", async () => { await T.note("ran"); throw new NonRetryableError("no"); }).catch((e) => caught = e);
      let other;
      await step.do("b", { retries: { limit: 0, delay: 0 } }, async () => { throw new RangeError("far"); }).catch((e) => other = e);
      await step.sleep("s", "1 day");
      return [caught.name, caught.message, other instanceof RangeError];
    `);
    await world.until(order, "waiting");
    await world.crash();
    await world.pass("1 day");
    assertEquals(await (await world.flows().get(order.id)).result(), ["NonRetryableError", "no", true]);
    assertEquals(world.notes, ["ran"]);
  });

  test("in a try block does not fail the run, and the next step runs", async ({ run }) => {
    const order = await run(`
      try { await step.do("a", { retries: { limit: 0, delay: 0 } }, async () => { throw new Error("no"); }); } catch {}
      return await step.do("b", async () => "went on");
    `);
    assertEquals(await order.result(), "went on");
  });

  test("goes on being retried after the engine was restarted, with the next attempt number", async (world) => {
    const order = await world.run(failing(retries(2, "1 hour", "constant")));
    await world.until(order, "waiting");
    await world.reopen();
    await drive(world, await world.flows().get(order.id));
    assertEquals(world.notes, [1, 2, 3]);
  });

  for (const [thrown, told] of [["undefined", "undefined"], [`"text"`, `"text"`], ["{ code: 5 }", "object 5"], ["null", "null"]]) {
    test(`may throw ${thrown}`, async ({ run }) => {
      const order = await run(`
        try { await step.do("a", { retries: { limit: 0, delay: 0 } }, async () => { throw ${thrown}; }); }
        catch (e) { return typeof e === "object" && e !== null ? typeof e + " " + e.code : e === null ? "null" : e === undefined ? "undefined" : JSON.stringify(e); }
      `);
      assertEquals(await order.result(), told);
    });
  }
});

onEach("a step that takes too long", (test) => {
  test("is timed out after 10 minutes by default and tried again like any other", async ({ run, pass, when, notes, until, open }) => {
    const order = await run(`return await step.do("a", async (ctx) => { await T.note(ctx.attempt); return await T.gate("g" + ctx.attempt); })`);
    await when("it runs", () => notes.length === 1);
    await pass("9 minutes");
    await pass("1 minute");
    await until(order, "waiting");
    await pass("10 seconds");
    await when("it runs again", () => notes.length === 2);
    open("g2", "second");
    assertEquals(await order.result(), "second");
  });

  test("fails in the end with a WorkflowTimeoutError in its text", async ({ run, pass, when, notes }) => {
    const order = await run(`
      const config = { retries: { limit: 1, delay: 0 }, timeout: "30 seconds" };
      return await step.do("a", config, async () => { await T.note("ran"); await T.gate("never"); })
        .catch((error) => [error.name, error.message]);
    `);
    for (const attempt of [1, 2]) {
      await when("it runs", () => notes.length === attempt);
      await pass("30 seconds");
    }
    assertEquals(await order.result(), ["Error", "WorkflowTimeoutError: Execution timed out after 30000ms"]);
  });

  test("gives each attempt the whole time", async ({ run, pass, when, notes, open, until }) => {
    const order = await run(`
      return await step.do("a", { retries: { limit: 1, delay: "50 seconds" }, timeout: "1 minute" }, async (ctx) => {
        await T.note("ran");
        if (ctx.attempt === 1) { await T.gate("first"); throw new Error("no"); }
        return await T.gate("second");
      });
    `);
    await when("it runs", () => notes.length === 1);
    await pass("59 seconds");
    open("first");
    await until(order, "waiting");
    await pass("50 seconds");
    await when("it runs again", () => notes.length === 2);
    await pass("59 seconds");
    open("second", "in time");
    assertEquals(await order.result(), "in time");
  });

  test("is told by ctx.signal, and what it says afterwards is not heard", async ({ run, pass, when, notes, calls, open }) => {
    const order = await run(`
      const told = [];
      const outcome = await step.do("a", { retries: { limit: 0, delay: 0 }, timeout: "1 minute" }, async (ctx) => {
        ctx.signal.addEventListener("abort", () => told.push(ctx.signal.reason.name));
        await T.note(ctx.signal.aborted);
        await T.gate("late");
        return "late";
      }).catch((error) => error.message);
      await step.do("b", () => T.gate("end"));
      return [outcome, told];
    `);
    await when("it runs", () => notes.length === 1);
    await pass("1 minute");
    open("late");
    await when("the next step runs", () => calls.length === 3);
    open("end");
    assertEquals(await order.result(), ["WorkflowTimeoutError: Execution timed out after 60000ms", ["AbortError"]]);
    assertEquals(notes, [false]);
  });
});
