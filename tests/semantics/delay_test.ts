import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { drive } from "./_drive.ts";
import { onEach } from "./_world.ts";

/** A run whose step "a" has this function for a delay, notes each attempt and fails. */
const failing = (delay: string, { limit = 2, backoff = "constant", error = `new Error("no " + ctx.attempt)`, timeout = "10 minutes" } = {}) => `
  return await step.do("a", { retries: { limit: ${limit}, backoff: "${backoff}", delay: ${delay} }, timeout: "${timeout}" }, async (ctx) => {
    await T.note(ctx.attempt);
    throw ${error};
  }).catch((error) => [error.name, error.message]);
`;

onEach("a delay that is a function", (test) => {
  for (const [what, delay] of [["at once", `({ ctx }) => ctx.attempt * 1000`], ["later", `async ({ ctx }) => { await T.now(); return ctx.attempt + " seconds"; }`]]) {
    test(`that answers ${what} is asked for each failure, and the step waits as long`, async (world) => {
      const order = await world.run(failing(delay as string));
      assertEquals(await drive(world, order), [1_000, 2_000]);
      assertEquals(await order.result(), ["Error", "no 3"]);
      assertEquals(world.notes, [1, 2, 3]);
    });
  }

  for (const [backoff, waits] of [["constant", [1_000, 1_000, 1_000]], ["linear", [1_000, 2_000, 3_000]], ["exponential", [1_000, 2_000, 4_000]]] as const) {
    test(`has its answer go through the backoff ${backoff}`, async (world) => {
      assertEquals(await drive(world, await world.run(failing("() => 1000", { limit: 3, backoff }))), [...waits]);
    });
  }

  test("is told of the step, the attempt, the config without itself, and of the very error", async (world) => {
    const order = await world.run(`
      class Busy extends Error { constructor() { super("busy"); this.retryAfter = 7; } }
      const config = { retries: { limit: 1, async delay({ ctx, error }) { await T.note([ctx, error instanceof Busy, error.retryAfter]); return 0; } }, timeout: "1 hour" };
      await step.do("a", config, async (ctx) => { await T.note(ctx.config); throw new Busy(); }).catch(() => {});
    `);
    await order.result();
    const config = { retries: { limit: 1, backoff: "exponential" }, timeout: "1 hour" };
    assertEquals(world.notes, [config, [{ step: { name: "a", count: 1 }, attempt: 1, config }, true, 7], config]);
  });

  test("is given an error also when something else was thrown", async (world) => {
    const order = await world.run(`
      const config = { retries: { limit: 1, async delay({ error }) { await T.note([error instanceof Error, error.message]); return 0; } } };
      await step.do("a", config, async () => { throw "a text"; }).catch(() => {});
    `);
    await order.result();
    assertEquals(world.notes, [[true, "a text"]]);
  });

  test("is asked with the time-out's error when an attempt takes too long", async (world) => {
    const order = await world.run(`
      const config = { retries: { limit: 1, async delay({ error }) { await T.note(error.message); return "3 seconds"; } }, timeout: "1 minute" };
      return await step.do("a", config, async (ctx) => {
        await T.note(ctx.attempt);
        if (ctx.attempt === 1) await T.gate("never");
        return "second";
      });
    `);
    await world.when("it runs", () => world.notes.length === 1);
    await world.pass("1 minute");
    await world.until(order, "waiting");
    await world.pass(2_999);
    assertEquals(world.notes, [1, "WorkflowTimeoutError: Execution timed out after 60000ms"]);
    await world.pass(1);
    assertEquals([await order.result(), world.notes[2]], ["second", 2]);
  });

  test("is not asked when no retry is left, nor when none may follow", async (world) => {
    for (const options of [{ limit: 0 }, { error: `new NonRetryableError("never")` }]) {
      const order = await world.run(failing(`() => { T.note("asked"); return 0; }`, options));
      await order.result();
    }
    assertEquals(world.notes, [1, 1]);
  });

  for (
    const [what, delay, text] of [
      ["throws", `() => { throw new RangeError("far"); }`, /RangeError: far \(after Error: no 1\)/],
      ["rejects", `async () => { throw new RangeError("far"); }`, /RangeError: far/],
      ["answers with a negative number", `() => -1`, /-1/],
      ["answers with NaN", `() => NaN`, /NaN/],
      ["answers with no duration", `() => "soon"`, /"soon"/],
      ["answers with nothing", `() => {}`, /undefined/],
      ["answers with an object", `() => ({ valueOf: () => 1 })`, /of type object/],
      ["begins a step", `async () => { await step.do("in", async () => T.note("in")); return 0; }`, /what it stands in has ended/],
    ] as const
  ) {
    test(`that ${what} fails the step for good, which the run may catch`, async (world) => {
      const order = await world.run(failing(delay));
      const [name, message] = await order.result();
      assertEquals(name, "NonRetryableDelayError");
      assertMatch(message, text);
      assertEquals(world.notes, [1]);
    });
  }

  test("that does not answer has 5 seconds", async (world) => {
    const order = await world.run(failing(`() => T.gate("never")`));
    await world.when("it is asked", () => world.calls.length === 2);
    await world.pass(4_999);
    assertEquals((await order.status()).status, "running");
    await world.pass(1);
    const [name, message] = await order.result();
    assertEquals([name, world.notes], ["NonRetryableDelayError", [1]]);
    assertMatch(message, /within 5 seconds/);
  });

  test("that answers too late is not heard", async (world) => {
    const order = await world.run(failing(`async () => { await T.gate("late"); return 0; }`));
    await world.when("it is asked", () => world.calls.length === 2);
    await world.pass("5 seconds");
    world.open("late");
    assertEquals((await order.result())[0], "NonRetryableDelayError");
    await world.rest();
    assertEquals(world.notes, [1]);
  });

  test("waits at most a year", async (world) => {
    const order = await world.run(failing(`() => "3 years"`, { limit: 1 }));
    assertEquals(await drive(world, order), [365 * 86_400_000]);
  });

  test("is not asked again after a crash in the wait: when that ends is recorded", async (world) => {
    const order = await world.run(failing(`() => { T.note("asked"); return "1 hour"; }`, { limit: 1 }));
    await world.until(order, "waiting");
    await world.crash();
    await world.pass("59 minutes");
    assertEquals(world.notes, [1, "asked"]);
    await world.pass("1 minute");
    assertEquals(await (await world.flows().get(order.id)).result(), ["Error", "no 2"]);
    assertEquals(world.notes, [1, "asked", 2]);
  });

  test("that a crash cuts off was asked by an attempt that has not ended: another is made, and no retry is consumed", async (world) => {
    const order = await world.run(failing(`() => T.gate("answer")`, { limit: 1 }));
    await world.when("it is asked", () => world.calls.length === 2);
    await world.crash();
    await world.when("the next attempt has failed, too", () => world.calls.length === 4);
    world.open("answer", 0);
    assertEquals(await (await world.flows().get(order.id)).result(), ["Error", "no 3"]);
    assertEquals(world.notes, [1, 2, 3]);
  });

  test("makes calls with keys that are none of the body's", async (world) => {
    const order = await world.run(failing(`async () => (await T.now(), 0)`, { limit: 1 }));
    await order.result();
    const keys = world.calls.map(({ idempotencyKey }) => idempotencyKey);
    assertEquals(keys.length, 3);
    assertEquals(keys[0], keys[2]);
    assertNotEquals(keys[0], keys[1]);
  });

  test("may use a timer, the time and chance: nothing of it is replayed", async (world) => {
    const order = await world.run(failing(`async () => { await new Promise((done) => setTimeout(done, 5)); return Math.random() * 0; }`, { limit: 1 }));
    let ended = false;
    const result = order.result().finally(() => ended = true);
    await world.when("it ends", async () => {
      await world.pass(5);
      return ended;
    });
    assertEquals(await result, ["Error", "no 2"]);
  });

  test("has a pause wait for its answer", async (world) => {
    const order = await world.run(failing(`() => T.gate("answer")`, { limit: 1 }));
    await world.when("it is asked", () => world.calls.length === 2);
    await order.pause();
    assertEquals((await order.status()).status, "waitingForPause");
    world.open("answer", 0);
    await world.until(order, "paused");
    assertEquals(world.notes, [1]);
    await order.resume();
    assertEquals(await order.result(), ["Error", "no 2"]);
  });

  test("is asked when the attempt is over: what its body has begun does not begin any more", async (world) => {
    const order = await world.run(`
      return await step.do("out", { retries: { limit: 1, delay: () => T.gate("answer") } }, async ({ attempt }) => {
        const inner = step.do("in", async () => T.note("in " + attempt)).catch(() => {});
        if (attempt === 1) throw new Error("no");
        await inner;
        return attempt;
      });
    `);
    await world.when("it is asked", () => world.calls.length === 1);
    await world.rest();
    assertEquals(world.notes, []);
    world.open("answer", 0);
    assertEquals(await order.result(), 2);
    assertEquals(world.notes, ["in 2"]);
  });

  test("of a rollback handler is asked for its failures", async (world) => {
    const order = await world.run(`
      const delay = async ({ ctx, error }) => { await T.note([ctx.step, ctx.attempt, error.message]); return ctx.attempt * 1000; };
      const rollback = async () => { const n = await T.count("tried"); if (n < 3) throw new Error("not undone " + n); await T.note("undone"); };
      await step.do("other", async () => 1);
      await step.do("a", async () => 1, { rollback, rollbackConfig: { retries: { limit: 3, delay, backoff: "linear" } } });
      throw new RangeError("the end");
    `);
    let ended = false;
    const result = order.result().then(() => {}, (error) => error.message).finally(() => ended = true);
    const from = world.clock.now();
    await world.when("it ends", async () => {
      await world.pass(500);
      return ended;
    });
    assertEquals(await result, "the end");
    const of = { name: "a", count: 1 };
    assertEquals(world.notes, ["tried", [of, 1, "not undone 1"], "tried", [of, 2, "not undone 2"], "tried", "undone"]);
    assertEquals(world.clock.now() - from >= 5_000, true);
  });

  test("of a rollback handler that throws stops the rollback", async (world) => {
    const order = await world.run(`
      const retries = { limit: 3, delay: () => { throw new Error("no delay"); } };
      await step.do("a", async () => 1, { rollback: async () => { throw new Error("not undone"); }, rollbackConfig: { retries } });
      throw new RangeError("the end");
    `);
    await world.until(order, "errored");
    const last = (await order.history()).entries.at(-1);
    assertEquals((last?.rollback as { name: string }).name, "NonRetryableDelayError");
  });

  test("may stand in a step within a step", async (world) => {
    const order = await world.run(`
      return await step.do("outer", async () => {
        return await step.do("inner", { retries: { limit: 2, delay: ({ ctx }) => ctx.attempt } }, async (ctx) => {
          if (ctx.attempt < 3) throw new Error("no");
          return ctx.attempt;
        });
      });
    `);
    let ended = false;
    const result = order.result().finally(() => ended = true);
    await world.when("it ends", async () => {
      await world.pass(2);
      return ended;
    });
    assertEquals(await result, 3);
  });
});
