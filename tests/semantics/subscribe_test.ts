import { assert, assertEquals, assertMatch } from "@std/assert";
import type { WorkflowInstance, WorkflowInstanceEvent, WorkflowInstanceSubscription } from "../../mod.ts";
import { START } from "./_clock.ts";
import { refused } from "./_errors.ts";
import { onEach, type World } from "./_world.ts";

/** Reads to the end. */
async function rest(subscription: WorkflowInstanceSubscription): Promise<WorkflowInstanceEvent[]> {
  const events: WorkflowInstanceEvent[] = [];
  for await (const event of subscription) events.push(event);
  return events;
}

async function next(subscription: WorkflowInstanceSubscription): Promise<WorkflowInstanceEvent> {
  const { value, done } = await subscription.next();
  assert(done !== true, "it has ended");
  return value as WorkflowInstanceEvent;
}

/** Reads until an event of this type has come. */
async function until(subscription: WorkflowInstanceSubscription, type: string): Promise<string[]> {
  const types: string[] = [];
  while (types[types.length - 1] !== type) types.push((await next(subscription)).type);
  return types;
}

/** Reads on as time passes. */
async function passing(world: World, reading: Promise<WorkflowInstanceEvent[]>, ms = 60_000): Promise<WorkflowInstanceEvent[]> {
  let done = false;
  void reading.finally(() => done = true);
  await world.when("all is read", async () => {
    await world.pass(ms);
    return done;
  });
  return reading;
}

const brief = ({ instanceId: _, eventId: __, timestamp: ___, ...event }: WorkflowInstanceEvent): unknown => event;

onEach("subscribe()", (test) => {
  test("tells all that has happened, in the words of Cloudflare's events", async (world) => {
    const order = await world.run(`
      await step.do("a", { sensitive: "output" }, async () => "secret");
      await step.do("b", { retries: { limit: 1, delay: () => 2000, backoff: "constant" }, timeout: "1 minute" }, async ({ attempt }) => {
        if (attempt === 1) throw new RangeError("no");
        return attempt;
      });
      await step.do("b", { retries: { limit: 0, delay: 1 } }, async () => { throw new TypeError("never"); }).catch(() => {});
      await step.sleep("nap", "1 minute");
      await step.waitForEvent("w", { type: "go" });
      await step.waitForEvent("w", { type: "never", timeout: "1 minute" }).catch(() => {});
      return 7;
    `, { params: { p: 1 }, id: "order-1" });
    await order.sendEvent({ type: "go", payload: 1 });
    const events = await passing(world, rest(await order.subscribe()));
    const dynamic = { retries: { limit: 1, delay: "[dynamic]", backoff: "constant" }, timeout: "1 minute" };
    const usual = { retries: { limit: 5, delay: "10 seconds", backoff: "exponential" }, timeout: "10 minutes" };
    const never = { name: "TypeError", message: "never" };
    assertEquals(events.map(brief), [
      { type: "workflow_queued" },
      { type: "workflow_started", params: { p: 1 } },
      { type: "workflow_running" },
      { type: "step_started", stepName: "a-1", config: { ...usual, sensitive: "output" } },
      { type: "attempt_started", stepName: "a-1", attempt: 1 },
      { type: "attempt_completed", stepName: "a-1", attempt: 1 },
      { type: "step_completed", stepName: "a-1", output: "[REDACTED]" },
      { type: "step_started", stepName: "b-1", config: dynamic },
      { type: "attempt_started", stepName: "b-1", attempt: 1 },
      { type: "attempt_errored", stepName: "b-1", attempt: 1, retryDelayMs: 2_000, error: { name: "RangeError", message: "no" } },
      { type: "attempt_started", stepName: "b-1", attempt: 2 },
      { type: "attempt_completed", stepName: "b-1", attempt: 2 },
      { type: "step_completed", stepName: "b-1", output: 2 },
      { type: "step_started", stepName: "b-2", config: { retries: { limit: 0, delay: 1, backoff: "exponential" }, timeout: "10 minutes" } },
      { type: "attempt_started", stepName: "b-2", attempt: 1 },
      { type: "attempt_errored", stepName: "b-2", attempt: 1, error: never },
      { type: "step_errored", stepName: "b-2", error: never },
      { type: "sleep_started", stepName: "nap-1", durationMs: 60_000 },
      { type: "sleep_completed", stepName: "nap-1" },
      { type: "wait_started", stepName: "w-1", eventType: "go" },
      { type: "wait_completed", stepName: "w-1" },
      { type: "wait_started", stepName: "w-2", eventType: "never" },
      { type: "wait_timed_out", stepName: "w-2" },
      { type: "workflow_completed", output: 7 },
    ]);
    for (const { instanceId, timestamp } of events) assertEquals([instanceId, timestamp >= START], ["order-1", true]);
    const ids = events.map(({ eventId }) => eventId);
    assertEquals(ids, [...new Set(ids)].sort((a, b) => a - b));
    assertEquals((await rest(await order.subscribe())).map(({ eventId }) => eventId), ids);
  });

  test("tells what happens the moment that it is committed, and then waits for more", async ({ run, open, until: reaches }) => {
    const order = await run(`await step.do("a", () => T.gate("a")); await step.do("b", () => T.gate("b"));`);
    const subscription = await order.subscribe();
    assertEquals(await until(subscription, "attempt_started"), ["workflow_queued", "workflow_started", "workflow_running", "step_started", "attempt_started"]);
    let told = false;
    const waiting = next(subscription).finally(() => told = true);
    await reaches(order, "running");
    assertEquals(told, false);
    open("a", 1);
    assertEquals((await waiting).type, "attempt_completed");
    assertEquals(await until(subscription, "attempt_started"), ["step_completed", "step_started", "attempt_started"]);
    open("b", 2);
    assertEquals(await until(subscription, "workflow_completed"), ["attempt_completed", "step_completed", "workflow_completed"]);
    assertEquals(await subscription.next(), { done: true, value: undefined });
  });

  test("tells of a pause, of one that waits, and of an end from outside", async (world) => {
    const order = await world.run(`await step.do("a", () => T.gate("a")); await step.sleep("s", "1 day");`);
    const subscription = await order.subscribe({ filter: ["workflow_waiting_for_pause", "workflow_paused", "workflow_running", "workflow_terminated"] });
    await world.when("it runs", () => world.calls.length === 1);
    assertEquals((await next(subscription)).type, "workflow_running");
    await order.pause();
    assertEquals((await next(subscription)).type, "workflow_waiting_for_pause");
    world.open("a");
    assertEquals((await next(subscription)).type, "workflow_paused");
    await order.resume();
    assertEquals((await next(subscription)).type, "workflow_running");
    await order.terminate();
    assertEquals((await next(subscription)).type, "workflow_terminated");
    assertEquals((await subscription.next()).done, true);
  });

  test("tells what a run issues in a pause where it is issued, and its start when it starts", async (world) => {
    const order = await world.run(`await step.do("a", () => T.gate("a")); await step.do("b", async () => 1);`);
    await world.when("it runs", () => world.calls.length === 1);
    await order.pause();
    world.open("a");
    await world.until(order, "paused");
    await order.resume();
    const told = (await rest(await order.subscribe())).map(({ type }) => type);
    assertEquals(told.slice(told.indexOf("attempt_completed")), ["attempt_completed", "step_completed", "step_started", "workflow_paused", "workflow_running", "attempt_started", "attempt_completed", "step_completed", "workflow_completed"]);
  });

  test("tells of a rollback, handler by handler, and how it ended", async (world) => {
    const order = await world.run(`
      const undo = (fails) => ({ rollback: async ({ stepName }) => { if (await T.count(stepName) <= fails) throw new Error("no"); }, rollbackConfig: { retries: { limit: 1, delay: 1000 } } });
      await step.do("a", async () => 1, undo(2));
      await step.do("same", async () => 1, undo(0));
      await step.do("same", async () => 1, undo(1));
      throw new RangeError("the end");
    `);
    const events = await passing(world, rest(await order.subscribe()), 1_000);
    const config = { retries: { limit: 1, delay: 1_000, backoff: "exponential" }, timeout: "10 minutes" };
    const error = { name: "Error", message: "no" };
    assertEquals(events.slice(events.findIndex(({ type }) => type === "rollback_started")).map(brief), [
      { type: "rollback_started" },
      { type: "rollback_step_started", stepName: "same-2", config },
      { type: "rollback_attempt_started", stepName: "same-2", attempt: 1 },
      { type: "rollback_attempt_errored", stepName: "same-2", attempt: 1, retryDelayMs: 1_000, error },
      { type: "rollback_attempt_started", stepName: "same-2", attempt: 2 },
      { type: "rollback_attempt_completed", stepName: "same-2", attempt: 2 },
      { type: "rollback_step_completed", stepName: "same-2" },
      { type: "rollback_step_started", stepName: "same-1", config },
      { type: "rollback_attempt_started", stepName: "same-1", attempt: 1 },
      { type: "rollback_attempt_completed", stepName: "same-1", attempt: 1 },
      { type: "rollback_step_completed", stepName: "same-1" },
      { type: "rollback_step_started", stepName: "a-1", config },
      { type: "rollback_attempt_started", stepName: "a-1", attempt: 1 },
      { type: "rollback_attempt_errored", stepName: "a-1", attempt: 1, retryDelayMs: 1_000, error },
      { type: "rollback_attempt_started", stepName: "a-1", attempt: 2 },
      { type: "rollback_attempt_errored", stepName: "a-1", attempt: 2, error },
      { type: "rollback_step_errored", stepName: "a-1", error },
      { type: "rollback_errored" },
      { type: "workflow_errored", error: { name: "RangeError", message: "the end" } },
    ]);
    const done = await world.run(`await step.do("a", async () => 1, { rollback: async () => {} }); throw new Error("x");`);
    assertEquals((await rest(await done.subscribe())).slice(-2).map(({ type }) => type), ["rollback_completed", "workflow_errored"]);
  });

  test("keeps to a filter and ends all the same", async ({ run }) => {
    const order = await run(`for (let i = 0; i < 3; i++) await step.do("a", async () => i);`);
    const events = await rest(await order.subscribe({ filter: ["step_completed"] }));
    assertEquals(events.map(brief), [0, 1, 2].map((output, n) => ({ type: "step_completed", stepName: `a-${n + 1}`, output })));
    assertEquals(await rest(await order.subscribe({ filter: [] })), []);
  });

  test("goes on behind a cursor, also in another process", async (world) => {
    const order = await world.run(`await step.do("a", () => T.gate("a")); await step.sleep("s", "1 day"); return await step.do("b", async () => 1);`);
    const first = await order.subscribe();
    const seen: WorkflowInstanceEvent[] = [];
    while (seen.at(-1)?.type !== "attempt_started") seen.push(await next(first));
    world.open("a");
    await world.until(order, "waiting");
    await world.crash();
    const again = await world.flows().get(order.id);
    const rests = await passing(world, rest(await again.subscribe({ cursor: seen.at(-1)?.eventId as number })), 3_600_000);
    const whole = await rest(await again.subscribe());
    assertEquals([...seen, ...rests], whole);
    assertEquals(await rest(await again.subscribe({ cursor: whole.at(-1)?.eventId as number })), []);
    for (const [n, { eventId }] of whole.entries()) {
      assertEquals(await rest(await again.subscribe({ cursor: eventId })), whole.slice(n + 1));
    }
  });

  test("works in a process that owns nothing", async (world) => {
    const order = await world.run(`await step.do("a", () => T.gate("a"));`);
    const other = await world.join({ engine: false });
    const seen = await (await other.tenant("acme").workflow("Flow").get(order.id)).subscribe();
    await until(seen, "attempt_started");
    const waiting = next(seen);
    world.open("a");
    await world.until(order, "complete");
    // what was committed is looked for again and again
    assertEquals((await passing(world, waiting.then((event) => [event]), 1_000)).map(({ type }) => type), ["attempt_completed"]);
    assertEquals((await rest(seen)).map(({ type }) => type), ["step_completed", "workflow_completed"]);
  });

  test("tells a restarted instance from its new beginning, with greater numbers", async ({ run, open, when, calls }) => {
    const order = await run(`await step.do("a", () => T.gate("a"));`);
    const subscription = await order.subscribe();
    await until(subscription, "attempt_started");
    const waiting = next(subscription);
    await when("it runs", () => calls.length === 1);
    await order.restart();
    const queued = await waiting;
    assertEquals(queued.type, "workflow_queued");
    await until(subscription, "attempt_started");
    open("a");
    const tail = await rest(subscription);
    assertEquals(tail.at(-1)?.type, "workflow_completed");
    const whole = await rest(await order.subscribe());
    assertEquals(whole[0], queued);
    // a cursor of the life before is behind all of this one
    assertEquals(await rest(await order.subscribe({ cursor: 3 })), whole);
  });

  test("tells what a restart at a step has kept, then what follows", async ({ run, open, when, calls }) => {
    const order = await run(`
      const a = await step.do("a", async () => "kept");
      await step.setState("between");
      return [a, await step.do("b", () => T.gate("b"))];
    `);
    await when("b runs", () => calls.length === 1);
    const subscription = await order.subscribe({ filter: ["workflow_queued", "step_started", "step_completed", "workflow_state", "workflow_completed"] });
    assertEquals(await until(subscription, "workflow_state"), ["workflow_queued", "step_started", "step_completed", "workflow_state"]);
    await order.restart({ from: { name: "b" } });
    open("b", "again");
    const events = await rest(await order.subscribe());
    assertEquals(events.filter(({ type }) => type === "step_completed").map(brief), [
      { type: "step_completed", stepName: "a-1", output: "kept" },
      { type: "step_completed", stepName: "b-1", output: "again" },
    ]);
    assertEquals(await order.state(), "between");
    const told = await rest(subscription);
    assertEquals(told.filter(({ type }) => type === "workflow_queued").length, 1);
    assertEquals(told.at(-1), events.at(-1));
  });

  test("rejects with instance.not_found when the instance is deleted, and is over", async ({ run }) => {
    const order = await run(`await step.do("a", () => T.gate("never"));`);
    const subscription = await order.subscribe();
    await until(subscription, "attempt_started");
    const waiting = refused(() => subscription.next(), "instance.not_found");
    await order.delete();
    await waiting;
    assertEquals((await subscription.next()).done, true);
    await refused(() => order.subscribe(), "instance.not_found");
  });

  test("tells of another instance of the same id only to who subscribes to it", async (world) => {
    const flows = await world.flow(`await step.do("a", () => T.gate("never"));`);
    const subscription = await (await flows.create({ id: "a" })).subscribe();
    await until(subscription, "attempt_started");
    await world.pass(5);
    await flows.deleteBatch(["a"]);
    const again = await flows.create({ id: "a" });
    await refused(() => subscription.next(), "instance.not_found");
    const fresh = await again.subscribe();
    assertEquals((await next(fresh)).type, "workflow_queued");
    await fresh.return();
  });

  test("rejects with closed when the engine is closed, and is over", async (world) => {
    const order = await world.run(`await step.sleep("s", "1 day");`);
    const subscription = await order.subscribe();
    await until(subscription, "sleep_started");
    const waiting = refused(() => subscription.next(), "closed");
    await world.reopen();
    await waiting;
    assertEquals((await subscription.next()).done, true);
  });

  test("ends when it is disposed of, whoever waits", async ({ run }) => {
    const order = await run(`await step.sleep("s", "1 day");`);
    for (const end of [
      (subscription: WorkflowInstanceSubscription) => subscription[Symbol.dispose](),
      (subscription: WorkflowInstanceSubscription) => subscription[Symbol.asyncDispose](),
      (subscription: WorkflowInstanceSubscription) => subscription.return(),
    ]) {
      const subscription = await order.subscribe();
      await until(subscription, "sleep_started");
      const waiting = Promise.all([subscription.next(), subscription.next()]);
      await end(subscription);
      assertEquals((await waiting).map(({ done }) => done), [true, true]);
      assertEquals((await subscription.next()).done, true);
    }
    for await (const { type } of await order.subscribe()) if (type === "workflow_queued") break;
  });

  test("gives each event once to who asks several times at once, in order", async ({ run }) => {
    const order = await run(`await step.do("a", async () => 1);`);
    const whole = await rest(await order.subscribe());
    const subscription = await order.subscribe();
    const asked = await Promise.all(Array.from({ length: whole.length + 2 }, () => subscription.next()));
    assertEquals(asked.map(({ value }) => value), [...whole, undefined, undefined]);
  });

  test("tells a long history to a slow reader, page by page", async (world) => {
    const order = await world.run(`
      for (let i = 0; i < 120; i++) await step.do("a", async () => i);
      await Promise.all(Array.from({ length: 50 }, (_, i) => step.do("p", async () => i)));
    `);
    const subscription = await order.subscribe({ filter: ["step_completed"] });
    await order.result();
    const outputs = (await rest(subscription)).map((event) => event.type === "step_completed" ? event.output as number : -1);
    assertEquals(outputs.slice(0, 120), Array.from({ length: 120 }, (_, i) => i));
    assertEquals(outputs.slice(120).sort((a, b) => a - b), Array.from({ length: 50 }, (_, i) => i));
  });

  for (const [what, options] of [["a cursor below 0", { cursor: -1 }], ["a cursor that is a text", { cursor: "3" }], ["a filter of a type that there is not", { filter: ["what"] }], ["a filter that is no list", { filter: "step_started" }]] as const) {
    test(`refuses ${what}`, async ({ run }) => {
      const order = await run(`return 1`);
      await refused(() => order.subscribe(options as Parameters<WorkflowInstance["subscribe"]>[0]), "invalid_argument");
    });
  }

  test("does not tell of another tenant's instance", async ({ run, tenure }) => {
    await run(`return 1`, { id: "a" });
    await refused(() => tenure().tenant("globex").workflow("Flow").get("a"), "instance.not_found");
  });

  test("tells of steps within steps what they tell", async ({ run }) => {
    const order = await run(`await step.do("out", async () => { await step.do("in", async () => 1); await step.sleep("nap", 0); return 2; });`);
    const events = await rest(await order.subscribe({ filter: ["step_started", "step_completed", "sleep_started", "sleep_completed"] }));
    assertEquals(events.map((event) => [event.type, "stepName" in event ? event.stepName : ""]), [
      ["step_started", "out-1"],
      ["step_started", "in-1"],
      ["step_completed", "in-1"],
      ["sleep_started", "nap-1"],
      ["sleep_completed", "nap-1"],
      ["step_completed", "out-1"],
    ]);
  });
});

onEach("subscribe(), on a file", (test) => {
  test("tells the same from every cursor", async (world) => {
    const order = await world.run(`for (let i = 0; i < 70; i++) await step.do("a", async () => i);`);
    const live = rest(await order.subscribe());
    await order.result();
    const whole = await rest(await order.subscribe());
    assertEquals(await live, whole);
    assertEquals(whole.length, 70 * 4 + 4);
    assertMatch(whole.at(-1)?.type ?? "", /completed/);
    for (const n of [0, 1, 100, 282, 283]) {
      assertEquals((await rest(await order.subscribe({ cursor: whole[n]?.eventId as number }))).length, whole.length - n - 1);
    }
  });
}, { storage: "sqlite" });
