import { assertEquals, assertMatch } from "@std/assert";
import type { WorkflowInstanceEvent } from "../../mod.ts";
import { refused } from "./_errors.ts";
import { onEach } from "./_world.ts";

onEach("a state that a run publishes", (test) => {
  test("is shown by state(), the last one, undefined before", async ({ run, open, when, calls }) => {
    const order = await run(`
      await step.do("a", () => T.gate("a"));
      await step.setState({ done: 1, at: new Date(5) });
      await step.do("b", () => T.gate("b"));
      await step.setState(new Map([["done", 2n]]));
    `);
    await when("a runs", () => calls.length === 1);
    assertEquals(await order.state(), undefined);
    open("a");
    await when("b runs", () => calls.length === 2);
    assertEquals(await order.state(), { done: 1, at: new Date(5) });
    open("b");
    await order.result();
    assertEquals(await order.state(), new Map([["done", 2n]]));
  });

  test("is there in a process that owns nothing, and after a crash; a replay publishes nothing again", async (world) => {
    const order = await world.run(`await step.setState("one"); await step.sleep("s", "1 day"); await step.setState("two"); return 1;`);
    await world.until(order, "waiting");
    await world.crash();
    const other = await world.join({ engine: false });
    const seen = await other.tenant("acme").workflow("Flow").get(order.id);
    assertEquals(await seen.state(), "one");
    await world.pass("1 day");
    await world.until(seen, "complete");
    assertEquals(await seen.state(), "two");
    const { entries } = await seen.history();
    assertEquals(entries.filter(({ kind, type }) => kind === "state" && type === "scheduled").map(({ value }) => value), ["one", "two"]);
  });

  test("is told by subscribe(), each in its place", async ({ run }) => {
    const order = await run(`await step.setState(1); await step.do("a", async () => 1); await step.setState({ n: 2 });`);
    const told: unknown[] = [];
    for await (const event of await order.subscribe({ filter: ["workflow_state", "step_completed"] })) {
      told.push(event.type === "workflow_state" ? event.state : (event as WorkflowInstanceEvent).type);
    }
    assertEquals(told, [1, "step_completed", { n: 2 }]);
  });

  test("need not be awaited, and may be undefined", async ({ run }) => {
    const order = await run(`step.setState(1); step.setState(2); step.setState(undefined); return 7;`);
    assertEquals(await order.result(), 7);
    assertEquals(await order.state(), undefined);
    const { entries } = await order.history();
    assertEquals(entries.filter(({ kind, type }) => kind === "state" && type === "scheduled").length, 3);
  });

  test("of a step's callback is published by each attempt anew", async ({ run }) => {
    const order = await run(`
      await step.setState("begins");
      return await step.do("a", { retries: { limit: 2, delay: 0 } }, async ({ attempt }) => {
        await step.setState({ attempt, part: 1 });
        await step.setState({ attempt, part: 2 });
        if (attempt < 3) throw new Error("no");
        return attempt;
      });
    `);
    assertEquals(await order.result(), 3);
    assertEquals(await order.state(), { attempt: 3, part: 2 });
    const { entries } = await order.history();
    const states = entries.filter(({ kind, type }) => kind === "state" && type === "scheduled").map(({ value }) => value);
    assertEquals(states, ["begins", ...[1, 2, 3].flatMap((attempt) => [{ attempt, part: 1 }, { attempt, part: 2 }])]);
  });

  test("that is too large is refused, catchably and the same on replay, and the one before stays", async (world) => {
    const order = await world.run(`
      await step.setState("small");
      const told = await step.setState("x".repeat(65536)).then(() => "published", (error) => [error.name, error.message]);
      await step.sleep("s", "1 day");
      await step.setState("x".repeat(65000));
      return told;
    `);
    await world.until(order, "waiting");
    assertEquals(await order.state(), "small");
    await world.crash();
    await world.pass("1 day");
    const same = await world.flows().get(order.id);
    const [name, message] = await same.result();
    assertEquals(name, "WorkflowFatalError");
    assertMatch(message, /limit of 65536/);
    assertEquals((await same.state<string>())?.length, 65_000);
  });

  test("that cannot be stored is refused with its path", async ({ run }) => {
    const order = await run(`return await step.setState({ a: [() => 1] }).catch((error) => error.message);`);
    assertMatch(await order.result(), /state\.a\[0\]/);
  });

  test("goes with a restart", async ({ run, open, when, calls }) => {
    const order = await run(`await step.do("a", () => T.gate("a")); await step.setState(1);`);
    open("a");
    await order.result();
    assertEquals(await order.state(), 1);
    await order.restart();
    await when("it runs again", () => calls.length === 2);
    await order.result();
    assertEquals(await order.state(), 1);
    await order.delete();
    await refused(() => order.state(), "instance.not_found");
  });

  test("by code that publishes elsewhere than its history parks the instance", async (world) => {
    let first = true;
    await world.reopen({ env: () => ({ FIRST: first }) });
    const order = await world.run(`
      if (this.env.FIRST) await step.setState(1);
      await step.do("a", async () => 1);
      await step.sleep("s", "1 day");
    `);
    await world.until(order, "waiting");
    first = false;
    await world.crash();
    await world.pass("1 day");
    const same = await world.flows().get(order.id);
    await world.when("it is parked", async () => {
      world.clock.jump(1_000);
      return (await same.status()).status === "paused";
    });
    assertMatch((await same.status()).paused?.message ?? "", /its history holds state$/);
  });

  test("holds a limit of its own for each tenant", async (world) => {
    await world.reopen({ limits: { stateBytes: 10 } });
    const order = await world.run(`return await step.setState("0123456789").catch((error) => error.message);`);
    assertMatch(await order.result(), /limit of 10$/);
  });
});
