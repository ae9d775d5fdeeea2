import { assertEquals, assertMatch } from "@std/assert";
import { onEach } from "./_world.ts";

/** Runs `step.do` with these arguments and tells what came of it. */
const told = (args: string) => `
  try { return ["result", await step.do(${args})]; }
  catch (error) { return [error.name, error.message]; }
`;

onEach("step.do()", (test) => {
  test("runs a body once and gives its result to the run", async ({ run, notes }) => {
    const order = await run(`return await step.do("a", async () => { await T.note("ran"); return { n: 1 }; })`);
    assertEquals([await order.result(), notes], [{ n: 1 }, ["ran"]]);
  });

  test("takes a body that is not async", async ({ run }) => {
    assertEquals(await (await run(`return await step.do("a", () => 5)`)).result(), 5);
  });

  for (const [what, name] of [["empty", ""], ["of 256 characters", "x".repeat(256)], ["of any script", "Grüße 🙂 \u007f/*#"]]) {
    test(`takes a name that is ${what}`, async ({ run }) => {
      const order = await run(`return await step.do(event.payload, async (ctx) => ctx.step.name)`, { params: name });
      assertEquals(await order.result(), name);
    });
  }

  for (const [what, name] of [["of 257 characters", "x".repeat(257)], ["with \\x00", "a\0b"], ["with \\n", "a\n"], ["with \\x1f", "\x1f"]]) {
    test(`refuses a name ${what}, catchably`, async ({ run }) => {
      const order = await run(told(`event.payload, async () => 1`), { params: name });
      const [error, message] = await order.result();
      assertEquals(error, "WorkflowFatalError");
      assertMatch(message, /as a step's name/);
    });
  }

  for (const args of [`7, async () => 1`, `undefined, async () => 1`, `"a"`, `"a", 5`, `"a", {}`, `"a", {}, "body"`]) {
    test(`refuses step.do(${args}), catchably`, async ({ run }) => {
      assertEquals((await (await run(told(args))).result())[0], "WorkflowFatalError");
    });
  }

  test("an uncaught refusal is the run's error", async ({ run, until }) => {
    const order = await run(`await step.do("a\\nb", async () => 1)`);
    await until(order, "errored");
    assertEquals((await order.status()).error?.name, "WorkflowFatalError");
  });

  test("counts steps of one name and keeps their results apart, also after a replay", async (world) => {
    const order = await world.run(`
      const seen = [];
      for (let i = 0; i < 3; i++) seen.push(await step.do("same", async (ctx) => [ctx.step.count, i]));
      seen.push(await step.do("other", async (ctx) => [ctx.step.count, "o"]));
      await step.sleep("s", "1 day");
      return seen;
    `);
    await world.until(order, "waiting");
    await world.reopen();
    await world.pass("1 day");
    const again = await world.flows().get(order.id);
    assertEquals(await again.result(), [[1, 0], [2, 1], [3, 2], [1, "o"]]);
  });

  test("a sleep, a wait and a step may share a name", async ({ run, pass, until }) => {
    const order = await run(`
      await step.sleep("x", "1 day");
      const wait = step.waitForEvent("x", { type: "t" });
      return [await step.do("x", async (ctx) => ctx.step.count), (await wait).payload];
    `);
    await until(order, "waiting");
    await pass("1 day");
    await order.sendEvent({ type: "t", payload: 2 });
    assertEquals(await order.result(), [1, 2]);
  });

  test("gives the body a context with the defaults", async ({ run }) => {
    const order = await run(`return await step.do("a", async ({ step, attempt, config }) => ({ step, attempt, config }))`);
    assertEquals(await order.result(), {
      step: { name: "a", count: 1 },
      attempt: 1,
      config: { retries: { limit: 5, delay: "10 seconds", backoff: "exponential" }, timeout: "10 minutes" },
    });
  });

  test("gives the body a context with what was configured, as it was written", async ({ run }) => {
    const order = await run(`
      const config = { retries: { limit: 1, delay: 50, backoff: "linear" }, timeout: "2 hours" };
      return await step.do("a", config, async (ctx) => ctx.config);
    `);
    assertEquals(await order.result(), { retries: { limit: 1, delay: 50, backoff: "linear" }, timeout: "2 hours" });
  });

  test("fills in the backoff of retries that have none", async ({ run }) => {
    const order = await run(`return await step.do("a", { retries: { limit: 1, delay: 5 } }, async (ctx) => ctx.config.retries)`);
    assertEquals(await order.result(), { limit: 1, delay: 5, backoff: "exponential" });
  });

  test("is not moved by a body that changes its context", async ({ run, notes }) => {
    const order = await run(`
      return await step.do("a", { retries: { limit: 1, delay: 0 } }, async (ctx) => {
        await T.note([ctx.attempt, ctx.config.retries.limit, ctx.step.name]);
        ctx.config.retries.limit = 99; ctx.config.timeout = 1; ctx.step.name = "b"; ctx.attempt = 7;
        throw new Error("no");
      }).catch((error) => error.message);
    `);
    assertEquals(await order.result(), "no");
    assertEquals(notes, [[1, 1, "a"], [2, 1, "a"]]);
  });

  for (
    const config of [
      `null`,
      `[]`,
      `"config"`,
      `{ unknown: 1 }`,
      `{ retries: {} }`,
      `{ retries: { limit: 1 } }`,
      `{ retries: { delay: 1 } }`,
      `{ retries: { limit: -1, delay: 1 } }`,
      `{ retries: { limit: 1.5, delay: 1 } }`,
      `{ retries: { limit: "1", delay: 1 } }`,
      `{ retries: { limit: Infinity, delay: 1 } }`,
      `{ retries: { limit: 10_001, delay: 1 } }`,
      `{ retries: { limit: 1, delay: "soon" } }`,
      `{ retries: { limit: 1, delay: -1 } }`,
      `{ retries: { limit: 1, delay: 1, backoff: "none" } }`,
      `{ retries: { limit: 1, delay: 1, jitter: true } }`,
      `{ timeout: 0 }`,
      `{ timeout: "0 seconds" }`,
      `{ timeout: "5ms" }`,
      `{ timeout: null }`,
      `{ sensitive: "all" }`,
      `{ sensitive: true }`,
    ]
  ) {
    test(`refuses the config ${config}, catchably, and runs nothing`, async ({ run, notes }) => {
      const order = await run(told(`"a", ${config}, async () => { await T.note("ran"); }`));
      const [error, message] = await order.result();
      assertEquals([error, notes], ["WorkflowFatalError", []]);
      assertMatch(message, /^Cannot use/);
    });
  }

  for (
    const config of [`{}`, `{ retries: { limit: 0, delay: 0 } }`, `{ retries: { limit: 10_000, delay: 0 } }`, `{ retries: undefined, timeout: undefined }`, `{ timeout: 1 }`, `{ sensitive: "output" }`]
  ) {
    test(`takes the config ${config}`, async ({ run }) => {
      assertEquals(await (await run(told(`"a", ${config}, async () => 1`))).result(), ["result", 1]);
    });
  }

  test("keeps what a body saw to itself: each settlement is a copy", async ({ run }) => {
    const order = await run(`
      let inside;
      const outside = await step.do("a", async () => inside = { list: [1] });
      outside.list.push(2);
      return [inside, outside, inside === outside];
    `);
    assertEquals(await order.result(), [{ list: [1] }, { list: [1, 2] }, false]);
  });

  test("runs steps that are started together at once", async ({ run, open, when, calls }) => {
    const order = await run(`return await Promise.all(["a", "b", "c"].map((n) => step.do(n, () => T.gate(n))))`);
    await when("all three run", () => calls.length === 3);
    open("c", 3);
    open("a", 1);
    open("b", 2);
    assertEquals(await order.result(), [1, 2, 3]);
  });

  test("shows as sensitive output nothing else than it gives on", async ({ run }) => {
    const order = await run(`return await step.do("a", { sensitive: "output" }, async () => "secret")`);
    assertEquals(await order.result(), "secret");
  });
});
