/** restart() at a step, and in another version. */
import { assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { onEach } from "./_world.ts";

const kinds = async (order: { history(): Promise<{ entries: readonly { type: string }[] }> }): Promise<string[]> =>
  (await order.history()).entries.map((entry) => entry.type);

onEach("restart({ from })", (test, sandbox) => {
  const FLOW = `
    const out = [];
    for (const name of ["a", "b", "c"]) out.push(await step.do(name, async () => await T.count(name)));
    return out;
  `;
  test("keeps what was issued before the step, and makes the rest anew", async ({ run, notes }) => {
    const order = await run(FLOW);
    assertEquals(await order.result(), [1, 1, 1]);
    await order.restart({ from: { name: "b" } });
    assertEquals(await order.result(), [1, 2, 2]);
    assertEquals(notes, ["a", "b", "c", "b", "c"]);
  });

  if (sandbox.caps.boundary !== "none") {
    test("decides by chance as it did", async ({ run }) => {
      const order = await run(`return [Math.random(), await step.do("a", async () => 1), Math.random()]`);
      const before = await order.result();
      await order.restart({ from: { name: "a" } });
      assertEquals(await order.result(), before);
      await order.restart();
      assertNotEquals(await order.result(), before);
    });
  }

  test("makes new idempotency keys for what happens again", async ({ run, calls }) => {
    const order = await run(FLOW);
    await order.result();
    await order.restart({ from: { name: "c" } });
    await order.result();
    const [before, after] = calls.filter(({ step }) => step === "c").map(({ idempotencyKey }) => idempotencyKey);
    assertNotEquals(before, after);
  });

  test("finds the occurrence that is meant, by type", async ({ run, notes, until, pass }) => {
    const order = await run(`
      await step.do("x", async () => T.note("first"));
      await step.sleep("x", "1 hour");
      await step.do("x", async () => T.note("second"));
    `);
    await until(order, "waiting");
    await pass("1 hour");
    await order.result();
    await order.restart({ from: { name: "x", count: 2 } });
    await order.result();
    assertEquals(notes, ["first", "second", "second"]);
    await order.restart({ from: { name: "x", type: "sleep" } });
    await until(order, "waiting");
    await pass("1 hour");
    await order.result();
    assertEquals(notes, ["first", "second", "second", "second"]);
  });

  test("keeps the outcome of what was under way when the step was issued", async ({ run, notes, open, when }) => {
    const order = await run(`
      const slow = step.do("slow", async () => { await T.note("slow"); return await T.gate("slow"); });
      const failing = step.do("failing", { retries: { limit: 0, delay: 0 } }, async () => { await T.note("failing"); await T.gate("slow"); throw new RangeError("odd"); }).catch((error) => error.message);
      const b = await step.do("b", async () => await T.count("b"));
      return [await slow, b, await failing];
    `);
    await when("b is done", () => notes.includes("b"));
    open("slow", "done");
    assertEquals(await order.result(), ["done", 1, "odd"]);
    await order.restart({ from: { name: "b" } });
    assertEquals(await order.result(), ["done", 2, "odd"]);
    assertEquals(notes.filter((note) => note !== "b"), ["slow", "failing"]);
  });

  test("gives a wait that was under way its event again, and forgets later ones", async ({ run, notes, when, until, pass }) => {
    const order = await run(`
      const paid = step.waitForEvent("paid", { type: "paid" });
      const a = await step.do("a", async () => await T.count("a"));
      const { payload } = await paid;
      const late = await step.waitForEvent("late", { type: "late", timeout: "1 hour" }).then(({ payload }) => payload, () => "none");
      return [a, payload, late];
    `);
    await when("a is done", () => notes.length === 1);
    await until(order, "waiting");
    await order.sendEvent({ type: "paid", payload: 990, id: "evt-1" });
    await order.sendEvent({ type: "late", payload: 1 });
    assertEquals(await order.result(), [1, 990, 1]);
    await order.restart({ from: { name: "a" } });
    await until(order, "waiting");
    // the sender's id is still known
    await order.sendEvent({ type: "paid", payload: 991, id: "evt-1" });
    await pass("1 hour");
    assertEquals(await order.result(), [2, 990, "none"]);
  });

  for (const [state, act] of [["waiting", "until"], ["paused", "pause"], ["terminated", "terminate"], ["errored", "fail"]] as const) {
    test(`goes on from an instance that is ${state}`, async ({ run, until, notes, open }) => {
      const order = await run(`
        await step.do("a", async () => T.note("a"));
        const n = await step.do("b", async () => await T.count("b"));
        if (n === 1) { ${act === "fail" ? `throw new Error("gone")` : `await step.sleep("long", "1 day")`}; }
        return n;
      `);
      void open;
      await until(order, act === "fail" ? "errored" : "waiting");
      if (act === "pause" || act === "terminate") await order[act]();
      await until(order, state);
      await order.restart({ from: { name: "b" } });
      assertEquals(await order.result(), 2);
      assertEquals(notes, ["a", "b", "b"]);
    });
  }

  test("undoes nothing of what a failed run had begun, and can be rolled back later", async ({ run, notes, until }) => {
    const order = await run(`
      await step.do("a", async () => 1, { rollback: async () => T.note("undo a") });
      const n = await step.do("b", async () => await T.count("b"), { rollback: async () => T.note("undo b") });
      throw new Error("gone " + n);
    `);
    await until(order, "errored");
    await order.restart({ from: { name: "b" } });
    await until(order, "errored");
    assertEquals(notes, ["b", "undo b", "undo a", "b", "undo b", "undo a"]);
    await assertRejects(() => order.result(), Error, "gone 2");
  });

  test("survives a crash right after it", async ({ run, crash, flows, notes, until }) => {
    const order = await run(`
      const slow = step.do("slow", async () => { await T.note("slow"); return 7; });
      const a = await step.do("a", async () => await T.count("a"));
      await step.sleep("long", "1 day");
      return [await slow, a];
    `);
    await until(order, "waiting");
    await order.restart({ from: { name: "a" } });
    await crash();
    const again = await flows().get(order.id);
    await until(again, "waiting");
    assertEquals(notes.filter((note) => note === "slow"), ["slow"]);
    assertMatch((await kinds(again)).join(), /created,.*outcome/);
  });

  test("refuses a step that its history does not have", async ({ run }) => {
    const order = await run(FLOW);
    await order.result();
    for (const from of [{ name: "z" }, { name: "a", count: 2 }, { name: "a", type: "sleep" as const }]) {
      const error = await assertRejects(() => order.restart({ from }), Error, `(instance.cannot_restart) Step "${from.name}" not found`);
      assertEquals(error.name, "WorkflowError");
    }
    await assertRejects(() => order.restart({ from: { name: "a", count: 0 } }), Error, "Cannot restart at the step");
    await assertRejects(() => order.restart({ from: { name: "a", type: "event" as "do" } }), Error, "Cannot restart at a step of type");
    assertEquals((await order.status()).status, "complete");
  });
});

onEach("restart({ version })", (test) => {
  const code = (n: number, extra = ""): string => `
    const a = await step.do("a", async () => await T.count("a"));
    ${extra}
    return [${n}, a, await step.do("b", async () => ${n})];
  `;
  test("begins anew in an older version", async ({ run, flow, tenure }) => {
    const order = await run(code(1));
    await order.result();
    const version = (await tenure().tenant("acme").versions())[0]?.version as string;
    await flow(code(2));
    await order.restart({ version });
    assertEquals(await order.result(), [1, 2, 1]);
    await order.restart();
    assertEquals(await order.result(), [2, 3, 2]);
    await assertRejects(() => order.restart({ version: "none" }), Error, "never deployed");
  });

  test("at a step keeps its own version, or goes on in one that keeps to its history", async ({ run, flow, tenure }) => {
    const order = await run(code(1));
    await order.result();
    await flow(code(2));
    await order.restart({ from: { name: "b" } });
    assertEquals(await order.result(), [1, 1, 1]);
    const versions = await tenure().tenant("acme").versions();
    await order.restart({ from: { name: "b" }, version: versions.find(({ active }) => active)?.version as string });
    assertEquals(await order.result(), [2, 1, 2]);
  });

  test("at a step refuses one that departs from it, and leaves the instance as it was", async ({ run, flow, tenure }) => {
    const order = await run(code(1));
    await order.result();
    await flow(`return await step.do("else", async () => 1)`);
    const version = (await tenure().tenant("acme").versions()).find(({ active }) => active)?.version as string;
    await assertRejects(() => order.restart({ from: { name: "b" }, version }), Error, `step "a"`);
    assertEquals(await order.result(), [1, 1, 1]);
  });
});
