import { assertEquals, assertMatch } from "@std/assert";
import type { WorkflowInstance } from "../../mod.ts";
import { refused } from "./_errors.ts";
import { onEach, type World } from "./_world.ts";

/** Brings an instance of `Flow` into each state that there is. */
const STATES: { readonly [state: string]: (world: World) => Promise<WorkflowInstance> } = {
  async complete(world) {
    const order = await begin(world, "complete");
    await order.result();
    return order;
  },
  async errored(world) {
    const order = await begin(world, "errored");
    await order.result().catch(() => {});
    return order;
  },
  async terminated(world) {
    const order = await (STATES.waiting as typeof STATES[string])(world);
    await order.terminate();
    return order;
  },
  async running(world) {
    const order = await begin(world, "running");
    await world.when("it runs", () => world.calls.length > 0);
    return order;
  },
  async waiting(world) {
    const order = await begin(world, "waiting");
    await world.until(order, "waiting");
    return order;
  },
  async paused(world) {
    const order = await (STATES.waiting as typeof STATES[string])(world);
    await order.pause();
    await world.until(order, "paused");
    return order;
  },
  async waitingForPause(world) {
    const order = await begin(world, "running");
    await world.when("it runs", () => world.calls.length > 0);
    await order.pause();
    return order;
  },
};

/** Only in its first life it comes to that state; later it completes. */
function begin({ run }: World, state: string): Promise<WorkflowInstance> {
  return run(`
    const life = await step.do("life", () => this.env.LIFE.next());
    if (life > 1) return [life, event.payload, event.instanceId];
    switch (event.payload) {
      case "errored": throw new Error("no");
      case "running": return await step.do("a", () => T.gate("never"));
      case "waiting": await step.sleep("s", "1 day");
    }
  `, { id: "order-1", params: state });
}

/** A binding that counts lives. */
const lives = () => {
  let n = 0;
  return () => ({ LIFE: { next: () => ++n } });
};

onEach("restart()", (test) => {
  for (const [state, bring] of Object.entries(STATES)) {
    test(`begins anew, with id and params, from ${state}`, async (world) => {
      await world.reopen({ env: lives() });
      const order = await bring(world);
      await order.restart();
      const [life, , id] = await order.result() as [number, unknown, string];
      assertEquals([life, id], [2, "order-1"]);
      assertEquals((await order.history()).entries.filter(({ type }) => type === "created").length, 1);
    });
  }

  test("forgets events", async ({ run, rest, until }) => {
    const order = await run(`await step.do("a", () => T.gate("never")); `);
    await order.sendEvent({ type: "t", payload: "old" });
    await rest();
    const again = await run(`return (await step.waitForEvent("w", { type: "t" })).payload`, { id: "other" });
    await again.sendEvent({ type: "t", payload: "first" });
    assertEquals(await again.result(), "first");
    await again.restart();
    await until(again, "waiting");
    await again.sendEvent({ type: "t", payload: "second" });
    assertEquals(await again.result(), "second");
  });

  test("takes no result of the life before", async ({ run, open, when, calls }) => {
    const order = await run(`return await step.do("a", async () => [await T.gate("g" + this.env.none), "done"])`);
    await when("it runs", () => calls.length === 1);
    await order.restart();
    await when("it runs again", () => calls.length === 2);
    open("gundefined", 1);
    assertEquals(await order.result(), [1, "done"]);
    assertEquals((await order.history()).entries.filter(({ type }) => type === "settled").length, 1);
  });

  test("gives calls another idempotency key than in the life before", async ({ run, calls }) => {
    const order = await run(`return await step.do("a", async () => { await T.note(1); return 1; })`);
    await order.result();
    await order.restart();
    await order.result();
    assertEquals(new Set(calls.map(({ idempotencyKey }) => idempotencyKey)).size, 2);
  });

  test("of an id, deleted and made again, gives calls another idempotency key, too", async ({ run, calls, flows }) => {
    const first = await run(`return await step.do("a", async () => { await T.note(1); return 1; })`, { id: "again" });
    await first.result();
    await first.delete();
    await (await flows().create({ id: "again" })).result();
    assertEquals(new Set(calls.map(({ idempotencyKey }) => idempotencyKey)).size, 2);
  });

  test("of a paused instance lets go what the pause held", async (world) => {
    await world.reopen({ env: lives() });
    const order = await (STATES.paused as typeof STATES[string])(world);
    await order.restart();
    await order.result();
    assertEquals((await order.status()).status, "complete");
  });
});

onEach("terminate()", (test) => {
  for (const state of ["running", "waiting", "paused", "waitingForPause"]) {
    test(`ends an instance that is ${state}`, async (world) => {
      await world.reopen({ env: lives() });
      const order = await (STATES[state] as typeof STATES[string])(world);
      await order.terminate();
      assertEquals(await order.status(), { status: "terminated", output: null });
      await world.pass("2 days");
      assertEquals(await order.status(), { status: "terminated", output: null });
    });
  }

  for (const state of ["complete", "errored", "terminated"]) {
    test(`is refused when the instance is ${state}`, async (world) => {
      await world.reopen({ env: lives() });
      const order = await (STATES[state] as typeof STATES[string])(world);
      const before = await order.status();
      const error = await refused(() => order.terminate(), "instance.cannot_terminate");
      assertMatch(error.message, /^\(instance\.cannot_terminate\)/);
      assertEquals(await order.status(), before);
    });
  }

  test("aborts what runs, and its result counts for nothing", async ({ run, open, when, calls, rest, notes }) => {
    const order = await run(`
      await step.do("a", async () => { await T.gate("a"); await T.note("after the gate"); });
      await step.do("b", async () => { await T.note("b"); });
    `);
    await when("it runs", () => calls.length === 1);
    await order.terminate();
    assertEquals(calls[0]?.signal.aborted, true);
    open("a");
    await rest();
    assertEquals(notes, []);
    assertEquals((await order.history()).entries.at(-1)?.type, "terminated");
  });

  test("holds over a restart of the engine", async (world) => {
    const order = await world.run(`await step.sleep("s", "1 hour"); await T.note("woke")`);
    await world.until(order, "waiting");
    await order.terminate();
    await world.crash();
    await world.pass("1 hour");
    assertEquals((await (await world.flows().get(order.id)).status()).status, "terminated");
    assertEquals(world.notes, []);
  });
});

onEach("delete()", (test) => {
  for (const [state, bring] of Object.entries(STATES)) {
    test(`forgets an instance that is ${state}`, async (world) => {
      await world.reopen({ env: lives() });
      const order = await bring(world);
      await order.delete();
      await refused(() => world.flows().get("order-1"), "instance.not_found");
      assertEquals((await world.flows().list()).instances, []);
      await world.crash();
      await world.pass("2 days");
      await refused(() => world.flows().get("order-1"), "instance.not_found");
    });
  }

  test("leaves handles behind whose every verb answers instance.not_found", async ({ run }) => {
    const order = await run(`await step.sleep("s", "1 day")`);
    await order.delete();
    const verbs: (() => Promise<unknown>)[] = [
      () => order.status(),
      () => order.result(),
      () => order.history(),
      () => order.pause(),
      () => order.resume(),
      () => order.terminate(),
      () => order.restart(),
      () => order.delete(),
      () => order.sendEvent({ type: "t" }),
    ];
    for (const verb of verbs) await refused(verb, "instance.not_found");
  });

  test("stops what runs", async ({ run, open, when, calls, rest, notes }) => {
    const order = await run(`await step.do("a", async () => { await T.gate("a"); await T.note("after"); }); await T.note("b")`);
    await when("it runs", () => calls.length === 1);
    await order.delete();
    assertEquals(calls[0]?.signal.aborted, true);
    open("a");
    await rest();
    assertEquals(notes, []);
  });

  test("lets the id be taken again at once, by an instance that starts from nothing", async ({ run, flows, until }) => {
    const order = await run(`await step.sleep("s", "1 day"); return event.payload`, { id: "a", params: 1 });
    await until(order, "waiting");
    const [, again] = await Promise.all([order.delete(), flows().create({ id: "a", params: 2 })]);
    await until(again, "waiting");
    assertEquals((await again.history()).entries[0]?.value, 2);
  });

  test("from within its own step stops the run", async (world) => {
    await world.reopen({ env: () => ({ SELF: { delete: async () => (await world.flows().get("me")).delete() } }) });
    await world.run(`await step.do("a", () => this.env.SELF.delete()); await T.note("went on")`, { id: "me" });
    await world.when("it is gone", () => world.flows().get("me").then(() => false, () => true));
    await world.rest();
    assertEquals(world.notes, []);
  });
});
