import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { refused } from "./_errors.ts";
import { START } from "./_clock.ts";
import { onEach } from "./_world.ts";

const ECHO = `return event.payload`;

onEach("create()", (test) => {
  test("gives run() the params as event.payload, with name, id and time", async ({ run }) => {
    const order = await run(`return [event.payload, event.workflowName, event.instanceId, event.timestamp]`, {
      id: "order-1",
      params: { sku: 7 },
    });
    assertEquals(await order.result(), [{ sku: 7 }, "Flow", "order-1", new Date(START)]);
  });

  test("takes {} for params that are not given", async ({ run }) => {
    assertEquals(await (await run(ECHO)).result(), {});
  });

  test("keeps params that are null", async ({ run }) => {
    assertEquals(await (await run(ECHO, { params: null })).result(), null);
  });

  test("makes another UUID for each instance without an id", async ({ flow }) => {
    const flows = await flow(ECHO);
    const [one, two] = [await flows.create(), await flows.create()];
    assertMatch(one.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assertNotEquals(one.id, two.id);
  });

  for (const id of ["a", "_a", "0", "A-b_9", "x".repeat(100)]) {
    test(`takes the id "${id.slice(0, 9)}" of ${id.length}`, async ({ run }) => {
      assertEquals((await run(ECHO, { id })).id, id);
    });
  }

  for (const id of ["", "-a", "a b", " a", "a\n", "ä", "a.b", "a/b", "#a", "x".repeat(101), 7, null, {}]) {
    test(`refuses the id ${JSON.stringify(id).slice(0, 9)} in Cloudflare's words`, async ({ flow }) => {
      const flows = await flow(ECHO);
      await refused(() => flows.create({ id: id as string }), "invalid_instance_id", "Workflow instance has invalid id");
      assertEquals((await flows.list()).instances, []);
    });
  }

  test("refuses an id that is taken, whatever became of its instance", async ({ run, flows }) => {
    const order = await run(ECHO, { id: "order-1" });
    await order.result();
    const error = await refused(() => flows().create({ id: "order-1" }), "instance.already_exists");
    assertMatch(error.message, /^\(instance\.already_exists\)/);
    assertEquals(error.name, "WorkflowError");
  });

  test("gives an id to one of two who ask for it at the same time", async ({ flow }) => {
    const flows = await flow(ECHO);
    const asked = await Promise.allSettled([flows.create({ id: "a", params: 1 }), flows.create({ id: "a", params: 2 })]);
    assertEquals(asked.map(({ status }) => status), ["fulfilled", "rejected"]);
    assertEquals(await (await flows.get("a")).result(), 1);
  });

  test("returns before the workflow has run", async ({ run, open }) => {
    const order = await run(`return await step.do("a", () => T.gate("go"))`);
    assertEquals((await order.status()).output, null);
    open("go", 1);
    assertEquals(await order.result(), 1);
  });

  test("does not see what happens to the params afterwards", async ({ flow }) => {
    const flows = await flow(ECHO);
    const params = { list: [1] };
    const made = flows.create({ params });
    params.list.push(2);
    assertEquals(await (await made).result(), { list: [1] });
  });

  test("refuses a workflow that the code does not export", async ({ flow, tenure }) => {
    await flow(ECHO);
    await refused(() => tenure().tenant("acme").workflow("Other").create(), "workflow_not_found", '"Other"');
  });

  test("refuses a tenant that has deployed nothing", async ({ flows }) => {
    await refused(() => flows().create(), "no_active_version");
  });

  test("may be asked again for an id that was deleted", async ({ run, flows }) => {
    await (await run(ECHO, { id: "a", params: 1 })).delete();
    const again = await flows().create({ id: "a", params: 2 });
    assertEquals(await again.result(), 2);
  });
});

onEach("createBatch()", (test) => {
  test("makes all of a list, in its order", async ({ flow }) => {
    const flows = await flow(ECHO);
    const made = await flows.createBatch([{ id: "b", params: 1 }, { id: "a", params: 2 }, { params: 3 }]);
    assertEquals(made.slice(0, 2).map(({ id }) => id), ["b", "a"]);
    assertEquals(await Promise.all(made.map((instance) => instance.result())), [1, 2, 3]);
  });

  test("leaves out of a list's result what is taken or repeated", async ({ run, flows }) => {
    await run(ECHO, { id: "a", params: "first" });
    const made = await flows().createBatch([{ id: "a" }, { id: "b" }, { id: "b" }, { id: "c" }]);
    assertEquals(made.map(({ id }) => id), ["b", "c"]);
    assertEquals(await (await flows().get("a")).result(), "first");
  });

  test("says of { instances } which could not be made and why", async ({ run, flows }) => {
    await run(ECHO, { id: "a" });
    const { created, errors } = await flows().createBatch({ instances: [{ id: "b" }, { id: "a" }, { id: "b" }, {}] });
    assertEquals(created.length, 2);
    assertEquals(created[0]?.id, "b");
    assertEquals(errors.map(({ index, id, code }) => [index, id, code]), [[1, "a", 10405], [2, "b", 10415]]);
    assertMatch(errors[0]?.message ?? "", /already_exists/);
    assertMatch(errors[1]?.message ?? "", /duplicate_in_batch/);
  });

  test("makes { count } instances with the same params", async ({ flow }) => {
    const { created, errors } = await (await flow(ECHO)).createBatch({ count: 3, params: { n: 1 } });
    assertEquals(errors, []);
    assertEquals(await Promise.all(created.map((instance) => instance.result())), [{ n: 1 }, { n: 1 }, { n: 1 }]);
  });

  test("makes a hundred", async ({ flow }) => {
    const flows = await flow(ECHO);
    const made = await flows.createBatch(Array.from({ length: 100 }, (_, n) => ({ params: n })));
    assertEquals(await Promise.all(made.map((instance) => instance.result())), Array.from({ length: 100 }, (_, n) => n));
  });

  for (
    const [what, batch] of Object.entries({
      "an empty list": [],
      "a list of 101": Array.from({ length: 101 }, () => ({})),
      "empty { instances }": { instances: [] },
      "{ instances } of 101": { instances: Array.from({ length: 101 }, () => ({})) },
      "{ count: 0 }": { count: 0 },
      "{ count: 101 }": { count: 101 },
      "{ count: 1.5 }": { count: 1.5 },
      "{}": {},
      "nothing": undefined,
      "a text": "ab",
    })
  ) {
    test(`refuses ${what} and makes nothing`, async ({ flow }) => {
      const flows = await flow(ECHO);
      await refused(async () => await flows.createBatch(batch as []), "invalid_argument", "1 to 100");
      assertEquals((await flows.list()).instances, []);
    });
  }

  test("refuses a list with a bad id and makes nothing of it", async ({ flow, rest }) => {
    const flows = await flow(ECHO);
    await refused(() => flows.createBatch([{ id: "good" }, { id: "not good" }]), "invalid_instance_id");
    await rest();
    assertEquals((await flows.list()).instances, []);
  });
});

onEach("get()", (test) => {
  test("gives the handle of an instance that exists", async ({ run, flows }) => {
    await run(ECHO, { id: "order-1", params: 5 });
    const order = await flows().get("order-1");
    assertEquals([order.id, await order.result()], ["order-1", 5]);
  });

  for (const id of ["unknown", "", "a b", "x".repeat(300), 7, undefined, null]) {
    test(`rejects ${JSON.stringify(id)?.slice(0, 9)} with instance.not_found`, async ({ flow }) => {
      const flows = await flow(ECHO);
      const error = await refused(() => flows.get(id as string), "instance.not_found");
      assertMatch(error.message, /^\(instance\.not_found\)/);
    });
  }

  test("does not find the instance of another workflow of the tenant", async ({ tenure, run }) => {
    await run(ECHO, { id: "a" });
    await refused(() => tenure().tenant("acme").workflow("Other").get("a"), "instance.not_found");
  });
});

onEach("list()", (test) => {
  test("shows instances oldest first, each with its status", async ({ run, flows, pass }) => {
    await (await run(ECHO, { id: "b", params: 1 })).result();
    await pass(1);
    await (await run(`throw new RangeError("no")`, { id: "a" })).result().catch(() => {});
    assertEquals((await flows().list()).instances, [
      { id: "b", status: "complete", output: 1 },
      { id: "a", status: "errored", output: null, error: { name: "RangeError", message: "no" } },
    ]);
  });

  test("goes through pages by a cursor and ends without one", async ({ flow }) => {
    const flows = await flow(ECHO);
    await flows.createBatch(Array.from({ length: 7 }, (_, n) => ({ id: `i${n}` })));
    const seen: string[] = [];
    let pages = 0;
    let cursor: string | undefined;
    do {
      const page = await flows.list({ limit: 3, ...(cursor !== undefined && { cursor }) });
      seen.push(...page.instances.map(({ id }) => id));
      cursor = page.cursor;
      pages++;
    } while (cursor !== undefined);
    assertEquals(seen, ["i0", "i1", "i2", "i3", "i4", "i5", "i6"]);
    assertEquals(pages, 3);
  });

  test("shows one status only", async ({ run, flows, until }) => {
    await (await run(ECHO, { id: "done" })).result();
    await until(await run(`await step.sleep("s", "1 day")`, { id: "asleep" }), "waiting");
    const ids = async (status: "complete" | "waiting" | "errored") =>
      (await flows().list({ status })).instances.map(({ id }) => id);
    assertEquals([await ids("complete"), await ids("waiting"), await ids("errored")], [["done"], ["asleep"], []]);
  });

  test("refuses a cursor that no page ended with, and a page of nothing", async ({ flow }) => {
    const flows = await flow(ECHO);
    for (const cursor of ["", "zz", "7b7d", "../..", "0".repeat(9_999)]) {
      await refused(() => flows.list({ cursor }), "invalid_argument", "cursor");
    }
    for (const limit of [0, -1, 1.5, NaN]) await refused(() => flows.list({ limit }), "invalid_argument");
  });
});

onEach("status(), result() and history()", (test) => {
  test("the output is null until the instance is complete", async ({ run, open, when, calls }) => {
    const order = await run(`await step.do("a", () => T.gate("go")); return 0`);
    await when("the step runs", () => calls.length > 0);
    assertEquals(await order.status(), { status: "running", output: null });
    open("go");
    assertEquals(await order.result(), 0);
    assertEquals(await order.status(), { status: "complete", output: 0 });
  });

  test("an instance that sleeps or waits for an event is waiting", async ({ run, until }) => {
    await until(await run(`await step.sleep("s", "1 day")`), "waiting");
    await until(await run(`await step.waitForEvent("w", { type: "t" })`), "waiting");
  });

  test("a failed run shows name and message, and result() rejects with them", async ({ run }) => {
    const order = await run(`throw new TypeError("sold out")`);
    const error = await order.result().then(() => undefined, (error) => error as Error);
    assert(error instanceof Error);
    assertEquals([error.name, error.message], ["TypeError", "sold out"]);
    assertEquals(await order.status(), {
      status: "errored",
      output: null,
      error: { name: "TypeError", message: "sold out" },
    });
  });

  for (const [thrown, error] of [[`"text"`, { name: "Error", message: "text" }], ["null", { name: "Error", message: "null" }]] as const) {
    test(`a run that throws ${thrown} is errored with its text`, async ({ run, until }) => {
      const order = await run(`throw ${thrown}`);
      await until(order, "errored");
      assertEquals((await order.status()).error, error);
    });
  }

  test("result() of a terminated instance rejects", async ({ run }) => {
    const order = await run(`await step.sleep("s", "1 day")`, { id: "a" });
    const waiting = order.result().then(() => "resolved", (error) => error.message);
    await order.terminate();
    assertMatch(await waiting, /"a" was terminated/);
  });

  test("result() of an instance that is deleted meanwhile rejects with instance.not_found", async ({ run }) => {
    const order = await run(`await step.sleep("s", "1 day")`);
    const waiting = refused(() => order.result(), "instance.not_found");
    await order.delete();
    await waiting;
  });

  test("result() stops waiting when its signal aborts", async ({ run, rest }) => {
    const order = await run(`await step.sleep("s", "1 day")`);
    const controller = new AbortController();
    const waiting = order.result({ signal: controller.signal }).then(() => undefined, (error) => error);
    await rest();
    controller.abort(new Error("enough"));
    assertEquals((await waiting).message, "enough");
  });

  test("history() tells what happened, oldest first, with values", async ({ run }) => {
    const order = await run(`await step.do("a", async () => 1); await step.sleep("s", 0); return 2`, { params: { p: 1 } });
    await order.result();
    const { entries, cursor } = await order.history();
    assertEquals(cursor, undefined);
    assertEquals(entries.map(({ seq }) => seq), entries.map((_, n) => n));
    assertEquals(entries.map(({ type, name, value }) => [type, name, value]), [
      ["created", undefined, { p: 1 }],
      ["scheduled", "a", undefined],
      ["settled", "a", 1],
      ["scheduled", "s", undefined],
      ["settled", "s", undefined],
      ["completed", undefined, 2],
    ]);
  });

  test("history() goes through pages by a cursor", async ({ run }) => {
    const order = await run(`for (let i = 0; i < 3; i++) await step.do("a", async () => i)`);
    await order.result();
    const whole = (await order.history()).entries;
    const first = await order.history({ limit: 5 });
    const second = await order.history({ limit: 5, cursor: first.cursor as string });
    assertEquals([...first.entries, ...second.entries], [...whole]);
    assertEquals([first.entries.length, second.cursor], [5, undefined]);
  });
});
