import { assertEquals, assertMatch } from "@std/assert";
import { refused } from "./_errors.ts";
import { onEach, type World } from "./_world.ts";

const loop = (n: number) => `
  for (let i = 0; i < ${n}; i++) await step.do("s" + i, async () => i);
  return "all";
`;
/** A text of which the encoding has so many bytes. */
const text = (bytes: number): string => "x".repeat(bytes - 3);

onEach("limits.steps", (test) => {
  test("lets exactly so many steps through", async ({ run }) => {
    assertEquals(await (await run(loop(5))).result(), "all");
  });

  test("refuses the next, and the run fails with it", async ({ run, until }) => {
    const order = await run(loop(6));
    await until(order, "errored");
    assertEquals((await order.status()).error, {
      name: "WorkflowFatalError",
      message: "The limit of 5 steps has been reached",
    });
  });

  test("is a refusal that the run may catch, and that a replay meets again under a higher limit", async (world) => {
    const order = await world.run(`
      for (let i = 0; i < 5; i++) await step.do("s", async () => i);
      const refused = await step.do("s", async () => "ran").catch((error) => error.message);
      await step.sleep("s", "1 day");
      return [refused, await step.do("more", async () => "ran").catch((error) => error.message)];
    `);
    await world.until(order, "waiting");
    await world.reopen({ limits: { steps: 100 } });
    await world.pass("1 day");
    const again = await world.flows().get(order.id);
    assertEquals(await again.result(), ["The limit of 5 steps has been reached", "ran"]);
  });

  test("counts steps within steps, and no replay counts twice", async (world) => {
    const order = await world.run(`
      await step.do("outer", async () => await step.do("inner", async () => 1));
      await step.sleep("s", "1 day");
      await step.do("c", async () => 1);
      await step.do("d", async () => 1);
      await step.do("e", async () => 1);
      return await step.do("f", async () => 1).catch(() => "refused");
    `);
    await world.until(order, "waiting");
    await world.reopen();
    await world.pass("1 day");
    assertEquals(await (await world.flows().get(order.id)).result(), "refused");
  });

  test("holds for each life anew", async ({ run }) => {
    const order = await run(loop(5));
    await order.result();
    await order.restart();
    assertEquals(await order.result(), "all");
  });
}, { limits: { steps: 5 } });

onEach("limits of bytes", (test) => {
  test("a result of 1 MiB is stored, one more byte fails its step, once, catchably", async ({ run, notes }) => {
    const order = await run(`
      const make = async (n) => { await T.note(n); return "x".repeat(n - 3); };
      const fits = await step.do("fits", () => make(2 ** 20));
      const refused = await step.do("too large", () => make(2 ** 20 + 1)).catch((error) => [error.name, error.message]);
      return [fits.length, ...refused];
    `);
    const [length, name, message] = await order.result();
    assertEquals([length, name], [2 ** 20 - 3, "WorkflowFatalError"]);
    assertMatch(message, /"too large".*1048577 bytes.*1048576/);
    assertEquals(notes, [2 ** 20, 2 ** 20 + 1]);
  });

  test("counts bytes, not characters", async ({ run }) => {
    const order = await run(`
      return await step.do("a", async () => "ä".repeat(2 ** 19)).catch((error) => error.name);
    `);
    assertEquals(await order.result(), "WorkflowFatalError");
  });

  test("an output of 1 MiB is stored, one more byte is the run's error", async ({ run, until }) => {
    assertEquals((await (await run(`return "x".repeat(2 ** 20 - 3)`)).result()).length, 2 ** 20 - 3);
    const order = await run(`return "x".repeat(2 ** 20 - 2)`);
    await until(order, "errored");
    assertMatch((await order.status()).error?.message ?? "", /output: 1048577 bytes/);
  });

  test("a too large error keeps its name and message", async ({ run }) => {
    const order = await run(`
      return await step.do("a", { retries: { limit: 0, delay: 0 } }, async () => {
        throw Object.assign(new RangeError("far"), { attachment: "x".repeat(2 ** 20) });
      }).catch((error) => [error.name, error.message]);
    `);
    assertEquals(await order.result(), ["RangeError", "far"]);
  });

  test("params of 1 MiB are taken, one more byte is refused", async ({ flow }) => {
    const flows = await flow(`return event.payload.length`);
    assertEquals(await (await flows.create({ params: text(2 ** 20) })).result(), 2 ** 20 - 3);
    await refused(() => flows.create({ params: text(2 ** 20 + 1) }), "too_large", "params");
  });

  test("a history that has grown to its limit refuses commands, and the run fails", async (world) => {
    await world.reopen({ limits: { journalBytes: 10_000 } });
    const order = await world.run(`for (let i = 0; ; i++) await step.do("s", async () => "x".repeat(1000))`);
    await world.until(order, "errored");
    assertMatch((await order.status()).error?.message ?? "", /limit of 10000 bytes of history/);
  });
});

onEach("limits of one tenant", (test) => {
  const small = { limits: (tenant: string) => tenant === "small" ? { paramsBytes: 10, resultBytes: 10, eventBytes: 10, bufferedEvents: 2 } : {} };

  test("do not hold for another", async (world) => {
    await world.reopen(small);
    const body = `return await step.do("a", async () => "12345678901").catch((error) => error.name)`;
    await refused(() => world.run(body, { tenant: "small", params: "12345678901" }), "too_large");
    assertEquals(await (await world.run(body, { tenant: "small" })).result().catch((error) => error.name), "WorkflowFatalError");
    assertEquals(await (await world.run(body, { tenant: "large", params: "12345678901" })).result(), "12345678901");
  });

  test("bound the events that wait, until some are consumed", async (world) => {
    await world.reopen(small);
    const order = await world.run(`
      await step.do("a", () => T.gate("go"));
      const got = [];
      for (let i = 0; i < 3; i++) got.push((await step.waitForEvent("w", { type: "t" })).payload);
      return got;
    `, { tenant: "small" });
    await order.sendEvent({ type: "t", payload: 1, id: "1" });
    await order.sendEvent({ type: "t", payload: 2 });
    await refused(() => order.sendEvent({ type: "t", payload: 3 }), "quota_exceeded");
    await refused(() => order.sendEvent({ type: "other", payload: 3 }), "quota_exceeded");
    await order.sendEvent({ type: "t", payload: 1, id: "1" });
    await refused(() => order.sendEvent({ type: "t", payload: "12345678901" }), "too_large");
    world.open("go");
    await world.until(order, "waiting");
    await order.sendEvent({ type: "t", payload: 3 });
    assertEquals(await order.result(), [1, 2, 3]);
  });

  test("are shown by its handle", async (world) => {
    await world.reopen(small);
    const { tenure } = world;
    assertEquals([tenure().tenant("small").limits.paramsBytes, tenure().tenant("large").limits.paramsBytes], [10, 2 ** 20]);
  });
});

onEach("limits.sleep", (test) => {
  for (const wait of [`step.sleep("s", "366 days")`, `step.sleepUntil("s", Date.now() + 366 * 86400000)`, `step.waitForEvent("s", { type: "t", timeout: "366 days" })`]) {
    test(`refuses ${wait.slice(0, 17)}… of 366 days, catchably, and a replay meets the refusal again`, async (world) => {
      const order = await world.run(`
        const refused = await ${wait}.then(() => "slept", (error) => [error.name, error.message]);
        await step.sleep("s2", "1 day");
        return refused;
      `);
      await world.until(order, "waiting");
      await world.reopen({ limits: { sleep: 10 ** 12 } });
      await world.pass("1 day");
      const [name, message] = await (await world.flows().get(order.id)).result();
      assertEquals(name, "WorkflowFatalError");
      assertMatch(message, /"s": longer than/);
    });
  }

  test("lets 365 days through", async ({ run, until, pass }) => {
    const order = await run(`await step.sleep("s", "365 days"); return "awake"`);
    await until(order, "waiting");
    await pass("365 days");
    assertEquals(await order.result(), "awake");
  });
});

onEach("limits.concurrency", (test) => {
  const gated = `return await step.do("a", () => T.gate(event.instanceId))`;

  async function three(world: World) {
    const flows = await world.flow(gated);
    const [a, b, c] = await flows.createBatch([{ id: "a" }, { id: "b" }, { id: "c" }]);
    await world.when("one runs", () => world.calls.length === 1);
    await world.rest();
    return { a, b, c } as { a: NonNullable<typeof a>; b: NonNullable<typeof b>; c: NonNullable<typeof c> };
  }

  test("queues what is too much, and runs it in its order", async (world) => {
    const { a, b, c } = await three(world);
    assertEquals([(await a.status()).status, (await b.status()).status, (await c.status()).status], ["running", "queued", "queued"]);
    for (const instance of [a, b, c]) {
      await world.when(`${instance.id} runs`, () => world.calls.at(-1)?.instance === instance.id);
      world.open(instance.id, instance.id);
      assertEquals(await instance.result(), instance.id);
    }
  });

  for (const verb of ["terminate", "delete", "pause"] as const) {
    test(`is not used up by a queued instance that one ${verb}s`, async (world) => {
      const { a, b, c } = await three(world);
      await b[verb]();
      world.open("a");
      await a.result();
      world.open("c", "c");
      assertEquals(await c.result(), "c");
    });
  }

  test("does not count instances that sleep", async (world) => {
    const flows = await world.flow(`await step.sleep("s", "1 day"); return event.payload`);
    const [one, two] = await flows.createBatch([{ params: 1 }, { params: 2 }]);
    await world.until(one as NonNullable<typeof one>, "waiting");
    await world.until(two as NonNullable<typeof two>, "waiting");
    await world.pass("1 day");
    assertEquals(await Promise.all([one?.result(), two?.result()]), [1, 2]);
  });

  test("is a limit of the tenant: another one's instances run", async (world) => {
    await three(world);
    const other = await world.run(`return "other"`, { tenant: "other" });
    assertEquals(await other.result(), "other");
  });

  test("lets what was queued run after a restart of the engine", async (world) => {
    await three(world);
    await world.crash();
    for (const id of ["a", "b", "c"]) world.open(id, id);
    for (const id of ["a", "b", "c"]) assertEquals(await (await world.flows().get(id)).result(), id);
  });
}, { limits: { concurrency: 1 } });

onEach("limits.subrequests", (test) => {
  test("refuses further calls of a body", async ({ run, notes }) => {
    const order = await run(`
      return await step.do("a", { retries: { limit: 0, delay: 0 } }, async () => { for (let i = 0; i < 9; i++) await T.note(i); })
        .catch((error) => error.message);
    `);
    assertEquals(await order.result(), "The limit of 3 binding calls has been reached");
    assertEquals(notes, [0, 1, 2]);
  });

  test("refuses further calls of a run", async ({ run, notes }) => {
    const order = await run(`
      try { for (let i = 0; i < 9; i++) await T.note(i); } catch (error) { return error.message; }
    `);
    assertEquals(await order.result(), "The limit of 3 binding calls has been reached");
    assertEquals(notes, [0, 1, 2]);
  });
}, { limits: { subrequests: 3 } });
