/** Rollback: what is undone, in which order, how often, and what a crash does to it. */
import { assertEquals, assertRejects } from "@std/assert";
import { onEach } from "./_world.ts";

/** A step that notes what it does, and what undoes it. */
const HELPERS = `
  const made = (name, options = {}) => step.do(name, { retries: { limit: 0, delay: 0 } }, async () => {
    await T.note("do " + name);
    if (options.fails) throw new RangeError(name + " failed");
    return name.toUpperCase();
  }, {
    rollback: async ({ output, error, stepName }) => { await T.note(["undo", stepName, output ?? null, error.message]); },
    ...options.undo,
  });
`;

onEach("a run that fails", (test) => {
  test("undoes what it did, the last step first, and keeps its error", async ({ run, notes, until }) => {
    const order = await run(`${HELPERS}
      await made("a"); await made("b"); await step.do("no handler", async () => 1);
      throw new TypeError("gone");
    `);
    const error = await assertRejects(() => order.result(), Error, "gone");
    assertEquals(error.name, "TypeError");
    await until(order, "errored");
    assertEquals(notes, ["do a", "do b", ["undo", "b-1", "B", "gone"], ["undo", "a-1", "A", "gone"]]);
    assertEquals(await order.status(), { status: "errored", output: null, error: { name: "TypeError", message: "gone" }, rollback: "complete" });
  });

  test("undoes the step that failed, too, which has no output", async ({ run, notes }) => {
    const order = await run(`${HELPERS} await made("a"); await made("b", { fails: true });`);
    await assertRejects(() => order.result(), Error, "b failed");
    assertEquals(notes, ["do a", "do b", ["undo", "b-1", null, "b failed"], ["undo", "a-1", "A", "b failed"]]);
  });

  test("undoes parallel steps in reverse order of their start", async ({ run, notes }) => {
    const order = await run(`${HELPERS} await Promise.all([made("a"), made("b"), made("c")]); throw new Error("gone");`);
    await assertRejects(() => order.result());
    assertEquals(notes.slice(3).map((note) => (note as string[])[1]), ["c-1", "b-1", "a-1"]);
  });

  test("lets a step that runs come to its end before it undoes it", async ({ run, notes, open, when }) => {
    const order = await run(`
      step.do("slow", async () => await T.gate("slow"), { rollback: async ({ output }) => { await T.note("undo " + output); } });
      await step.do("fast", async () => { await T.note("fast"); }); 
      throw new Error("gone");
    `);
    await when("it rolls back", async () => (await order.status()).status === "rollingBack");
    assertEquals(notes, ["fast"]);
    open("slow", 7);
    await assertRejects(() => order.result(), Error, "gone");
    assertEquals(notes, ["fast", "undo 7"]);
  });

  test("undoes nothing when it does not fail in the end", async ({ run, notes }) => {
    const order = await run(`${HELPERS} await made("a"); try { await made("b", { fails: true }); } catch {} return 1;`);
    assertEquals(await order.result(), 1);
    assertEquals(notes, ["do a", "do b"]);
  });
});

onEach("a rollback handler", (test) => {
  test("is tried again as its own config says", async ({ run, notes, calls, pass, when }) => {
    const order = await run(`
      await step.do("a", async () => 1, {
        rollback: async () => {
          if (await T.count("undo a") < 3) throw new Error("not yet");
        },
        rollbackConfig: { retries: { limit: 2, delay: "1 hour", backoff: "constant" } },
      });
      throw new Error("gone");
    `);
    await when("it has been tried", () => notes.length === 1);
    assertEquals((await order.status()).status, "rollingBack");
    await pass("1 hour");
    await pass("1 hour");
    await assertRejects(() => order.result(), Error, "gone");
    assertEquals(notes, ["undo a", "undo a", "undo a"]);
    assertEquals(calls.map(({ attempt }) => attempt), [1, 2, 3]);
  });

  test("is told of its step, as Cloudflare's is: its last attempt, and its config", async ({ run, notes, until }) => {
    const order = await run(`
      await step.do("a", { timeout: "1 hour", retries: { limit: 4, delay: 0, backoff: "linear" } }, async ({ attempt }) => { if (attempt < 3) throw new Error("not yet"); }, {
        rollback: async ({ ctx }) => {
          await T.note([ctx.attempt, ctx.step, ctx.config]);
          if (await T.count("undo a") < 2) throw new Error("not yet");
        },
        rollbackConfig: { retries: { limit: 2, delay: 0 } },
      });
      throw new Error("gone");
    `);
    await until(order, "errored");
    const told = [3, { name: "a", count: 1 }, { timeout: "1 hour", retries: { limit: 4, delay: 0, backoff: "linear" } }];
    assertEquals(notes, [told, "undo a", told, "undo a"]);
  });

  test("that fails for good stops the rollback, and the status says so", async ({ run, notes, until }) => {
    const order = await run(`${HELPERS}
      await made("a");
      await made("b", { undo: { rollback: async () => { throw new NonRetryableError("stuck"); } } });
      await made("c");
      throw new Error("gone");
    `);
    await until(order, "errored");
    assertEquals(notes.slice(3), [["undo", "c-1", "C", "gone"]]);
    assertEquals((await order.status()).rollback, { name: "NonRetryableError", message: "stuck" });
    await assertRejects(() => order.result(), Error, "gone");
  });

  test("is timed out", async ({ run, pass, when, until }) => {
    const order = await run(`
      await step.do("a", async () => 1, {
        rollback: async () => { await T.gate("never"); },
        rollbackConfig: { retries: { limit: 0, delay: 0 }, timeout: "1 minute" },
      });
      throw new Error("gone");
    `);
    await when("it rolls back", async () => (await order.status()).status === "rollingBack");
    await pass("1 minute");
    await until(order, "errored");
    assertEquals((await order.status()).rollback, { name: "Error", message: "WorkflowTimeoutError: Execution timed out after 60000ms" });
  });

  test("can run no steps", async ({ run, notes, until }) => {
    const order = await run(`
      await step.do("a", async () => 1, { rollback: async () => {
        for (const way of [() => step.do("x", async () => 1), () => step.sleep("x", 1), () => step.waitForEvent("x", { type: "x" })]) {
          await way().catch((error) => T.note(error.message));
        }
      } });
      throw new Error("gone");
    `);
    await until(order, "errored");
    assertEquals(notes, Array(3).fill("Cannot run a step in a rollback handler"));
  });

  test("of a step within a step is refused", async ({ run }) => {
    const order = await run(`
      return await step.do("outer", async () => {
        try { await step.do("inner", async () => 1, { rollback: async () => {} }); } catch (error) { return error.message; }
      });
    `);
    assertEquals(await order.result(), `Cannot run the step "inner": a step within a step can have no rollback handler`);
  });

  for (const options of ["7", "{}", "{ rollback: 1 }", "{ rollback() {}, else: 1 }", "{ rollback() {}, rollbackConfig: { sensitive: 'output' } }", "{ rollback() {}, rollbackConfig: { timeout: 0 } }"]) {
    test(`is refused with options ${options}`, async ({ run }) => {
      const order = await run(`return await step.do("a", async () => 1, ${options}).catch((error) => error.name)`);
      assertEquals(await order.result(), "WorkflowFatalError");
    });
  }
});

onEach("terminate({ rollback: true })", (test) => {
  test("undoes what was done and ends as terminated", async ({ run, notes, until }) => {
    const order = await run(`${HELPERS} await made("a"); await made("b"); await step.sleep("long", "30 days");`);
    await until(order, "waiting");
    await order.terminate({ rollback: true });
    await until(order, "terminated");
    assertEquals(notes.slice(2), [["undo", "b-1", "B", "The instance was terminated"], ["undo", "a-1", "A", "The instance was terminated"]]);
    assertEquals((await order.status()).rollback, "complete");
    const error = await assertRejects(() => order.terminate({ rollback: true }), Error, "instance.cannot_terminate");
    assertEquals(error.name, "WorkflowError");
  });

  test("ends at once what has nothing to undo", async ({ run, until }) => {
    const order = await run(`await step.do("a", async () => 1); await step.sleep("long", "30 days");`);
    await until(order, "waiting");
    await order.terminate({ rollback: true });
    assertEquals((await order.status()).status, "terminated");
  });

  test("undoes one that is paused", async ({ run, notes, until }) => {
    const order = await run(`${HELPERS} await made("a"); await step.sleep("long", "30 days");`);
    await until(order, "waiting");
    await order.pause();
    await until(order, "paused");
    await order.terminate({ rollback: true });
    await until(order, "terminated");
    assertEquals(notes.length, 2);
  });

  test("takes no notice of a second one, of pause and of resume; terminate() ends it", async ({ run, until, open, when }) => {
    const order = await run(`
      await step.do("a", async () => 1, { rollback: async () => { await T.gate("undo"); } });
      await step.sleep("long", "30 days");
    `);
    await until(order, "waiting");
    await order.terminate({ rollback: true });
    await when("it rolls back", async () => (await order.status()).status === "rollingBack");
    await order.terminate({ rollback: true });
    await order.pause();
    await order.resume();
    assertEquals((await order.status()).status, "rollingBack");
    await order.terminate();
    assertEquals((await order.status()).status, "terminated");
    open("undo");
  });
});

onEach("a rollback after a crash", (test) => {
  const body = `${HELPERS}
    await made("a");
    await made("b", { fails: true }).catch(() => {});
    await made("c", { undo: { rollback: async ({ output }) => { await T.note(["undo c", output]); if (await T.count("undone") === 1) await T.gate("c"); } } });
    await step.sleep("a while", "1 hour");
    throw new Error("gone");
  `;
  test("finds its handlers by replay, and begins again the one that ran", async ({ run, notes, pass, crash, when, flows, until }) => {
    const { id } = await run(body);
    await pass("1 hour");
    await when("it undoes c", () => notes.length === 5);
    await crash();
    const order = await flows().get(id);
    await until(order, "errored");
    assertEquals(notes, [
      "do a",
      "do b",
      "do c",
      ["undo c", "C"],
      "undone",
      ["undo c", "C"],
      "undone",
      ["undo", "b-1", null, "gone"],
      ["undo", "a-1", "A", "gone"],
    ]);
  });

  test("fails when the code does not reach a step any more", async ({ run, notes, reopen, when, flows, until, clock }) => {
    await reopen({ env: () => ({ CODE: "old" }) });
    const { id } = await run(`
      await step.do("a", async () => 1, { rollback: async () => { await T.note("undo a"); } });
      if (env.CODE === "old") await step.do("b", async () => 2, { rollback: async () => { await T.note("undo b"); await T.gate("b"); } });
      throw new Error("gone");
    `);
    await when("it undoes b", () => notes.length === 1);
    await reopen({ env: () => ({ CODE: "new" }) });
    const order = await flows().get(id);
    await when("it is over", async () => {
      // a guest that acts by itself is given time to reach it
      clock.jump(1_000);
      return (await order.status()).status === "errored";
    });
    assertEquals(notes, ["undo b"]);
    const message = `Cannot roll back the step "b": the code does not reach it any more`;
    assertEquals((await order.status()).rollback, { name: "WorkflowFatalError", message });
    await until(order, "errored");
  });

  test("goes on in a run that is let go in good order", async ({ run, notes, open, reopen, when, flows, until }) => {
    const { id } = await run(`
      await step.do("a", async () => 1, { rollback: async () => { await T.note("undo a"); } });
      await step.do("b", async () => 2, { rollback: async () => { await T.note("undo b"); await T.gate("b"); } });
      throw new Error("gone");
    `);
    await when("it undoes b", () => notes.length === 1);
    open("b");
    await reopen();
    const order = await flows().get(id);
    await until(order, "errored");
    assertEquals(notes, ["undo b", "undo a"]);
    assertEquals((await order.status()).rollback, "complete");
  });
});
