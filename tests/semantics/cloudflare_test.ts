/** What Cloudflare's own tests hold, or its local engine gets wrong, and no other file here says. */
import { describe, it } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import { DEFAULT_LIMITS } from "../../mod.ts";
import { drive } from "./_drive.ts";
import { refused } from "./_errors.ts";
import { onEach, source } from "./_world.ts";

onEach("an instance that create() has answered for", (test) => {
  test("is there after a crash, and runs", async (world) => {
    const flows = await world.flow(`return await step.do("a", async () => event.payload + 1)`);
    await flows.create({ id: "a", params: 1 });
    await world.crash();
    assertEquals(await (await world.flows().get("a")).result(), 2);
  });

  test("is another one than that of the same id in another workflow", async ({ tenure }) => {
    const acme = tenure().tenant("acme");
    await acme.deploy(`${source(`return "flow"`)}
      export class Other extends WorkflowEntrypoint { async run() { return "other"; } }
    `);
    const one = await acme.workflow("Flow").create({ id: "a" });
    const other = await acme.workflow("Other").create({ id: "a" });
    assertEquals([await one.result(), await other.result()], ["flow", "other"]);
    await one.delete();
    assertEquals((await other.status()).status, "complete");
  });

  for (const name of ["", "a b", "a\n", "#a", "-a", "x".repeat(65)]) {
    test(`cannot be of a workflow named ${JSON.stringify(name.slice(0, 9))} of ${name.length}`, async ({ flow, tenure }) => {
      await flow(`return 1`);
      await refused(async () => await tenure().tenant("acme").workflow(name).create(), "invalid_workflow_name");
    });
  }
});

onEach("an event of a run", (test) => {
  test("is new in each replay, whatever the run did to it", async (world) => {
    const order = await world.run(`
      try { event.payload.list.push(2); } catch {}
      const seen = event.payload.list.length;
      await step.sleep("s", "1 hour");
      return seen;
    `, { params: { list: [1] } });
    await world.until(order, "waiting");
    await world.reopen();
    await world.pass("1 hour");
    assertEquals(await (await world.flows().get(order.id)).result(), 2);
  });
});

onEach("a step whose config changes while it is tried", (test) => {
  test("keeps the one that it began with", async (world) => {
    await world.reopen({ env: () => ({ LIMIT: 2, DELAY: "1 hour" }) });
    const order = await world.run(`
      return await step.do("a", { retries: { limit: env.LIMIT, delay: env.DELAY, backoff: "constant" } }, async ({ attempt, config }) => {
        await T.note([attempt, config.retries.limit, config.retries.delay]);
        throw new Error("no " + attempt);
      }).catch((error) => error.message);
    `);
    await world.until(order, "waiting");
    await world.reopen({ env: () => ({ LIMIT: 0, DELAY: "9 hours" }) });
    const again = await world.flows().get(order.id);
    await drive(world, again);
    assertEquals(await again.result(), "no 3");
    assertEquals(world.notes, [[1, 2, "1 hour"], [2, 2, "1 hour"], [3, 2, "1 hour"]]);
  });
});

onEach("a sleep whose duration changes while it sleeps", (test) => {
  test("is the same sleep, and ends when it was to end", async (world) => {
    await world.reopen({ env: () => ({ LONG: "2 hours" }) });
    const order = await world.run(`await step.sleep("s", env.LONG); return await T.now()`);
    await world.until(order, "waiting");
    const end = Number((await order.history()).entries.at(-1)?.due);
    await world.reopen({ env: () => ({ LONG: "9 days" }) });
    await world.pass(end - world.clock.now());
    assertEquals(await (await world.flows().get(order.id)).result(), end);
  });
});

onEach("an event sent after a crash", (test) => {
  test("wakes the instance that waited for it, which completes", async (world) => {
    const order = await world.run(`return (await step.waitForEvent("w", { type: "t", timeout: "30 days" })).payload`);
    await world.until(order, "waiting");
    await world.crash();
    const again = await world.flows().get(order.id);
    await again.sendEvent({ type: "t", payload: 7 });
    assertEquals(await again.result(), 7);
  });
});

onEach("a NonRetryableError that was caught", (test) => {
  test("leaves nothing behind that a pause would wait for", async ({ run, until, pass }) => {
    const order = await run(`
      try { await step.do("a", async () => { throw new NonRetryableError("no"); }); } catch {}
      await step.sleep("s", "1 hour");
      return await step.do("b", async () => "went on");
    `);
    await until(order, "waiting");
    await order.pause();
    assertEquals((await order.status()).status, "paused");
    await order.resume();
    await pass("1 hour");
    assertEquals(await order.result(), "went on");
  });
});

onEach("pause() and resume() of what has ended", (test) => {
  test("do nothing", async ({ run }) => {
    const order = await run(`return 1`);
    await order.result();
    await order.pause();
    await order.resume();
    assertEquals(await order.status(), { status: "complete", output: 1 });
  });
});

onEach("terminate({ rollback: true }) after a crash", (test) => {
  test("undoes what had succeeded, what had failed and what was cut off, the last begun first", async (world) => {
    const order = await world.run(`
      const undo = { rollback: async ({ stepName, output, error }) => { await T.note(["undo", stepName, output ?? null, error.message]); } };
      await step.do("good", async () => 1, undo);
      await step.do("bad", { retries: { limit: 0, delay: 0 } }, async () => { throw new Error("no"); }, undo).catch(() => {});
      await step.do("cut off", { retries: { limit: 0, delay: 0 } }, async ({ attempt }) => { await T.note(["cut off", attempt]); await T.gate("cut off"); }, undo);
    `);
    await world.when("the last one runs", () => world.notes.length === 1);
    await world.crash();
    const again = await world.flows().get(order.id);
    await again.terminate({ rollback: true });
    world.open("cut off");
    await world.until(again, "terminated");
    const why = "The instance was terminated";
    assertEquals(world.notes.filter((note) => (note as unknown[])[0] === "undo"), [
      ["undo", "cut off-1", null, why],
      ["undo", "bad-1", null, why],
      ["undo", "good-1", 1, why],
    ]);
    assertEquals((await again.status()).rollback, "complete");
  });
});

onEach("a tenant's own code", (test) => {
  test("reaches what Cloudflare's bridge does not hand on, where the platform grants it", async (world) => {
    const flows = () => world.tenure().tenant("acme").workflow("Small");
    await world.reopen({
      env: () => ({
        SMALL: {
          createBatch: async (options: { count: number }) => (await flows().createBatch(options)).created.map(({ id }) => id),
          async follow(id: string) {
            const told: string[] = [];
            for await (const { type } of await (await flows().get(id)).subscribe({ filter: ["step_completed", "workflow_completed"] })) told.push(type);
            return told;
          },
          restart: async (id: string) => (await flows().get(id)).restart({ from: { name: "a" } }),
          deleteBatch: async (ids: string[]) => (await flows().deleteBatch(ids)).deleted.length,
        },
      }),
    });
    const acme = world.tenure().tenant("acme");
    await acme.deploy(`${source(`
      const ids = await step.do("make", () => env.SMALL.createBatch({ count: 2 }));
      const told = await step.do("follow", () => env.SMALL.follow(ids[0]));
      await step.do("restart", () => env.SMALL.restart(ids[0]));
      const again = await step.do("follow it again", () => env.SMALL.follow(ids[0]));
      return [told, again, await step.do("delete", () => env.SMALL.deleteBatch(ids))];
    `)}
      export class Small extends WorkflowEntrypoint { async run(event, step) { return await step.do("a", async () => 1); } }
    `);
    const told = ["step_completed", "workflow_completed"];
    assertEquals(await (await world.flows().create()).result(), [told, told, 2]);
    assertEquals((await flows().list()).instances, []);
  });
});

onEach("a refusal", (test) => {
  test("is in Cloudflare's words: taken, unknown, ended", async ({ run, flows }) => {
    const order = await run(`return 1`, { id: "a" });
    await order.result();
    assertMatch((await refused(() => flows().create({ id: "a" }), "instance.already_exists")).message, /^\(instance\.already_exists\) /);
    assertMatch((await refused(() => flows().get("b"), "instance.not_found")).message, /^\(instance\.not_found\) /);
    assertMatch((await refused(() => order.terminate(), "instance.cannot_terminate")).message, /^\(instance\.cannot_terminate\) /);
  });
});

onEach("an event that nobody has waited for yet", (test) => {
  test("goes with a restart", async ({ run, until, pass }) => {
    const order = await run(`
      await step.sleep("s", "1 hour");
      return await step.waitForEvent("w", { type: "t", timeout: 0 }).then(({ payload }) => payload, () => "none");
    `);
    await until(order, "waiting");
    await order.sendEvent({ type: "t", payload: "old" });
    await order.restart();
    await until(order, "waiting");
    await pass("1 hour");
    assertEquals(await order.result(), "none");
  });
});

onEach("an error that is thrown outside of steps", (test) => {
  test("fails the run at once, whatever it is", async ({ run }) => {
    for (const thrown of [`new RangeError("far")`, `new NonRetryableError("no")`, `new Error("")`]) {
      const order = await run(`await T.note("ran"); throw ${thrown}`);
      const error = await order.result().catch((error) => error);
      assertEquals((await order.status()).error, { name: error.name, message: error.message });
    }
  });
});

describe("limits by default", () => {
  it("are Cloudflare's of its paid plan where a tenant is what an account is there", () => {
    const { steps, sleep, resultBytes, eventBytes, retention, cpuMs, subrequests, schedules, createsPerSecond } = DEFAULT_LIMITS;
    assertEquals([steps, sleep, resultBytes, eventBytes], [10_000, 365 * 86_400_000, 2 ** 20, 2 ** 20]);
    assertEquals([retention, cpuMs, subrequests, schedules, createsPerSecond], [30 * 86_400_000, 30_000, 10_000, 100, 300]);
  });

  it("are not Cloudflare's where a tenant shares a process with others", () => {
    const { concurrency, instances, journalBytes, paramsBytes, memoryBytes } = DEFAULT_LIMITS;
    assertEquals([concurrency, instances, journalBytes, paramsBytes, memoryBytes], [1_000, 100_000, 256 * 2 ** 20, 2 ** 20, 32 * 2 ** 20]);
  });
});
