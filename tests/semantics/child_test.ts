/** Children: instances that a run starts. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { Workflow, WorkflowInstance } from "../../mod.ts";
import { onEach, type World } from "./_world.ts";

/** Deploys a `Flow` and a `Child` and makes a `Flow`. */
async function family(world: World, flow: string, child: string, id?: string): Promise<WorkflowInstance<unknown>> {
  const run = (name: string, body: string): string =>
    `export class ${name} extends WorkflowEntrypoint { async run(event, step) { const { T } = this.env; ${body} } }`;
  await world.tenure().tenant("acme").deploy(`import { WorkflowEntrypoint } from "cloudflare:workers";\n${run("Flow", flow)}\n${run("Child", child)}`);
  return world.flows().create(id === undefined ? {} : { id });
}

const children = ({ tenure }: World): Workflow<unknown, unknown> => tenure().tenant("acme").workflow("Child");
const statuses = async (world: World): Promise<string[]> => (await children(world).list()).instances.map(({ status }) => status);

onEach("step.invoke()", (test) => {
  test("starts a workflow and gives what it returns", async (world) => {
    const order = await family(
      world,
      `return await step.invoke("charge", { workflow: "Child", params: { cents: 990 } });`,
      `return { paid: event.payload.cents, by: event.workflowName };`,
    );
    assertEquals(await order.result(), { paid: 990, by: "Child" });
    assertEquals(await statuses(world), ["complete"]);
  });

  test("rejects with the child's error, which the run may catch", async (world) => {
    const order = await family(
      world,
      `try { await step.invoke("charge", { workflow: "Child" }); } catch (error) { return [error instanceof Error, error.name, error.message]; }`,
      `throw new RangeError("no money");`,
    );
    assertEquals(await order.result(), [true, "RangeError", "no money"]);
  });

  test("holds no guest while it waits", async (world) => {
    const order = await family(
      world,
      `const first = await step.do("first", async () => T.note("first")); return await step.invoke("slow", { workflow: "Child" });`,
      `await step.sleep("long", "30 days"); return 7;`,
    );
    await world.until(order, "waiting");
    await world.rest();
    const before = (await world.tenure().tenant("acme").usage()).wakes;
    await world.pass("29 days");
    assertEquals((await world.tenure().tenant("acme").usage()).wakes, before);
    await world.pass("1 day");
    assertEquals(await order.result(), 7);
    assertEquals(world.notes, ["first"]);
  });

  test("runs many at once, and gives each its own", async (world) => {
    const order = await family(
      world,
      `return await Promise.all(Array.from({ length: 20 }, (_, n) => step.invoke("part", { workflow: "Child", params: n })));`,
      `await step.sleep("a while", 1000 * (20 - event.payload)); return event.payload * 2;`,
    );
    await world.until(order, "waiting");
    await world.pass("20 seconds");
    assertEquals(await order.result(), Array.from({ length: 20 }, (_, n) => n * 2));
  });

  test("with an id of the author's makes an instance of that id, once", async (world) => {
    const order = await family(
      world,
      `const one = await step.invoke("a", { workflow: "Child", id: "child-1" });
       return [one, await step.invoke("b", { workflow: "Child", id: "child-1" }).catch((error) => error.message)];`,
      `return event.instanceId;`,
    );
    const [one, two] = await order.result() as string[];
    assertEquals(one, "child-1");
    assertMatch(two as string, /instance.already_exists/);
  });

  test("of a workflow that there is not is an error of that call", async (world) => {
    const order = await family(world, `return await step.invoke("a", { workflow: "Other" }).catch((error) => error.message);`, `return 1;`);
    assertEquals(await order.result(), `Cannot find the workflow "Other": the code exports no such class`);
  });

  for (const options of ["undefined", "{}", "{ workflow: 7 }", "{ workflow: 'a b' }", "{ workflow: 'Child', id: '' }", "{ workflow: 'Child', id: '-x' }", "{ workflow: 'Child', detach: 1 }", "{ workflow: 'Child', else: 1 }", "{ workflow: 'Child', params: () => 1 }"]) {
    test(`refuses ${options}`, async (world) => {
      const order = await family(world, `return await step.invoke("a", ${options}).catch((error) => error.name);`, `return 1;`);
      assertMatch(await order.result() as string, /Error$/);
      assertEquals(await statuses(world), []);
    });
  }

  test("is refused in a step's callback", async (world) => {
    const order = await family(world, `return await step.do("a", async () => await step.invoke("b", { workflow: "Child" }).catch((error) => error.message));`, `return 1;`);
    assertEquals(await order.result(), `Cannot start the child "b": a step's callback can start none`);
  });

  test("waits its turn when creations a second are limited", async (world) => {
    await world.reopen({ limits: { createsPerSecond: 2 } });
    const order = await family(
      world,
      `return (await Promise.all(Array.from({ length: 6 }, (_, n) => step.invoke("part", { workflow: "Child", params: n })))).length;`,
      `return event.payload;`,
    );
    for (let n = 0; n < 20 && (await order.status()).status !== "complete"; n++) await world.pass("1 second");
    assertEquals(await order.result(), 6);
  });
});

onEach("workflows that start themselves without end", (test) => {
  test("are stopped by the limit of instances, and all of them end", async (world) => {
    await world.reopen({ limits: { instances: 12 } });
    const order = await family(world, `return await step.invoke("again", { workflow: "Child" });`, `return await step.invoke("again", { workflow: "Child" });`);
    await assertRejects(() => order.result(), Error, "the limit of 12 instances that have not ended has been reached");
    await world.when("all have ended", async () => (await world.tenure().tenant("acme").usage()).instances === 0);
    assertEquals(new Set(await statuses(world)), new Set(["errored"]));
  });
});

onEach("a child", (test) => {
  const LONG = `await step.sleep("long", "30 days"); return 1;`;
  test("ends with its parent, however that ends", async (world) => {
    for (const [id, end] of [["returns", `return 1;`], ["throws", `throw new Error("gone");`], ["waits", `await step.sleep("s", "40 days");`]] as const) {
      const order = await family(world, `step.invoke("a", { workflow: "Child" }).catch(() => {}); await step.sleep("a while", "1 hour"); ${end}`, LONG, id);
      await world.until(order, "waiting");
      await world.pass("1 hour");
      if (id === "waits") {
        assertEquals((await statuses(world)).filter((status) => status !== "terminated"), ["waiting"]);
        await order.terminate();
      }
      await world.when("the child has ended", async () => (await statuses(world)).every((status) => status === "terminated"));
    }
    assertEquals((await statuses(world)).length, 3);
  });

  test("goes on without its parent when it is detached", async (world) => {
    const order = await family(world, `return await step.invoke("a", { workflow: "Child", detach: true });`, LONG);
    const { id } = await order.result() as { id: string };
    await world.rest();
    await world.pass("30 days");
    assertEquals(await (await children(world).get(id)).result(), 1);
  });

  test("that is detached and ends before its parent has heard that it is there tells it nothing else", async (world) => {
    const order = await family(world, `return await Promise.all([1, 2, 3].map(() => step.invoke("a", { workflow: "Child", detach: true })));`, `return "output";`);
    assertEquals((await order.result() as { id: string }[]).map(({ id }) => typeof id), ["string", "string", "string"]);
    assertEquals((await order.history()).entries.filter(({ type }) => type === "outcome"), []);
  });

  for (const [what, message] of [["terminate", /was terminated/], ["delete", /was deleted/]] as const) {
    test(`that somebody makes ${what} tells its parent`, async (world) => {
      const order = await family(world, `return await step.invoke("a", { workflow: "Child", id: "child-1" }).catch((error) => error.message);`, LONG);
      await world.until(order, "waiting");
      await (await children(world).get("child-1"))[what]();
      assertMatch(await order.result() as string, message);
    });
  }

  test("that is restarted tells its parent what its new life comes to", async (world) => {
    const order = await family(world, `return await step.invoke("a", { workflow: "Child", id: "child-1" });`, `const n = await step.do("n", async () => await T.count("n")); await step.sleep("long", "1 day"); return n;`);
    await world.when("the child waits", async () => (await statuses(world))[0] === "waiting");
    await (await children(world).get("child-1")).restart();
    await world.rest();
    await world.pass("1 day");
    assertEquals(await order.result(), 2);
  });

  test("of a run that is restarted ends, and another begins", async (world) => {
    const order = await family(world, `return await step.invoke("a", { workflow: "Child" });`, LONG);
    await world.until(order, "waiting");
    await order.restart();
    await world.when("there is another", async () => (await statuses(world)).length === 2);
    await world.rest();
    assertEquals((await statuses(world)).sort(), ["terminated", "waiting"]);
    await world.pass("30 days");
    assertEquals(await order.result(), 1);
  });

  test("that was under way where a restart goes on is kept", async (world) => {
    const order = await family(
      world,
      `const child = step.invoke("a", { workflow: "Child" }); await step.do("b", async () => T.note("b")); return await child;`,
      `await T.note("child"); ${LONG}`,
    );
    await world.until(order, "waiting");
    await order.restart({ from: { name: "b" } });
    await world.when("b has run again", () => world.notes.filter((note) => note === "b").length === 2);
    await world.pass("30 days");
    assertEquals(await order.result(), 1);
    assertEquals((await statuses(world)), ["complete"]);
  });

  test("is rolled back when its parent is terminated with rollback", async (world) => {
    const order = await family(
      world,
      `await step.do("a", async () => 1, { rollback: async () => { await T.note("undo a"); } }); return await step.invoke("c", { workflow: "Child" });`,
      `await step.do("b", async () => 1, { rollback: async () => { await T.note("undo b"); } }); ${LONG}`,
    );
    await world.until(order, "waiting");
    await world.when("the child waits", async () => (await statuses(world))[0] === "waiting");
    await order.terminate({ rollback: true });
    await world.when("the child has ended", async () => (await statuses(world))[0] === "terminated");
    assertEquals(world.notes, ["undo a", "undo b"]);
  });
});

onEach("a run that is terminated while it starts children", (test) => {
  test("leaves none behind, whenever that is", async (world) => {
    for (let tasks = 0; tasks < 12; tasks++) {
      const order = await family(
        world,
        `await Promise.all([1, 2, 3].map((n) => step.invoke("c", { workflow: "Child", id: "child-" + n + "-" + event.instanceId })));`,
        `await step.sleep("long", "30 days");`,
        `order-${tasks}`,
      );
      for (let n = 0; n < tasks; n++) await new Promise((done) => void setImmediate(done));
      await order.terminate();
      await world.rest();
      await world.when("nothing lives", async () => (await world.tenure().tenant("acme").usage()).instances === 0);
    }
    assertEquals((await statuses(world)).every((status) => status === "terminated"), true);
  });

  test("starts none that has to wait for the limit of creations", async (world) => {
    await world.reopen({ limits: { createsPerSecond: 2 } });
    const order = await family(
      world,
      `await Promise.all([1, 2, 3, 4].map((n) => step.invoke("c", { workflow: "Child", params: n })));`,
      `await step.sleep("long", "30 days");`,
    );
    await world.rest();
    await order.terminate();
    for (let n = 0; n < 5; n++) await world.pass("1 second");
    assertEquals((await world.tenure().tenant("acme").usage()).instances, 0);
    assertEquals(await statuses(world), ["terminated"]);
  });
});

onEach("children and crashes", (test) => {
  test("a child that ended while nobody ran it is told of, once", async (world) => {
    const order = await family(world, `return await step.invoke("a", { workflow: "Child" });`, `await step.sleep("long", "1 day"); return await step.do("n", async () => await T.count("n"));`);
    await world.until(order, "waiting");
    await world.crash();
    await world.pass("1 day");
    const again = await world.flows().get(order.id);
    assertEquals(await again.result(), 1);
  });

  test("parent and child are there once after a crash at any moment", async (world) => {
    const { id } = await family(
      world,
      `const [a, b] = await Promise.all([step.invoke("a", { workflow: "Child", params: 1 }), step.invoke("b", { workflow: "Child", params: 2 })]); return [a, b];`,
      `await step.sleep("a while", "1 minute"); return event.payload;`,
    );
    for (let n = 0; n < 6; n++) {
      for (let turns = 0; turns < n; turns++) await new Promise((done) => void setImmediate(done));
      await world.crash();
    }
    await world.pass("2 minutes");
    assertEquals(await (await world.flows().get(id)).result(), [1, 2]);
    assertEquals(await statuses(world), ["complete", "complete"]);
  });

  test("a parent that has ended ends its child, whenever the process dies", async (world) => {
    const ended: string[] = [];
    for (let tasks = 0; tasks < 8; tasks++) {
      const id = `order-${tasks}`;
      const order = await family(world, `await step.invoke("a", { workflow: "Child", id: "child-" + event.instanceId });`, `await step.sleep("long", "30 days");`, id);
      await world.until(order, "waiting");
      await world.rest();
      order.terminate().catch(() => {});
      for (let n = 0; n < tasks; n++) await new Promise((done) => void setImmediate(done));
      await world.crash();
      await world.rest();
      const over = (await (await world.flows().get(id)).status()).status === "terminated";
      const { status } = await (await children(world).get(`child-${id}`)).status();
      assertEquals(status, over ? "terminated" : "waiting");
      if (over) ended.push(id);
    }
    assertEquals(ended.length > 0, true);
  });
});
