import { assertEquals, assertMatch } from "@std/assert";
import { perCall } from "../../mod.ts";
import { refused } from "./_errors.ts";
import { onEach, type World } from "./_world.ts";

const ECHO = `return event.payload`;

onEach("a batch", (test) => {
  test("whose params are too many together is refused whole, in each form", async (world) => {
    await world.reopen({ limits: { paramsBytes: 1_000 } });
    const flows = await world.flow(ECHO);
    const list = Array.from({ length: 3 }, (_, n) => ({ id: `i${n}`, params: "x".repeat(400) }));
    await refused(async () => await flows.createBatch(list), "too_large", "batch");
    await refused(async () => await flows.createBatch({ instances: list }), "too_large", "batch");
    assertEquals((await flows.list()).instances, []);
    assertEquals((await flows.createBatch({ instances: list.slice(1) })).created.length, 2);
  });

  test("of a count is measured once: its params cross once", async (world) => {
    await world.reopen({ limits: { paramsBytes: 1_000 } });
    const { created } = await (await world.flow(ECHO)).createBatch({ count: 5, params: "x".repeat(900) });
    assertEquals(created.length, 5);
  });

  test("says of a member with a bad id, and of one with params that cannot be stored, that and makes the others", async ({ flow }) => {
    const flows = await flow(ECHO);
    const { created, errors } = await flows.createBatch({ instances: [{ id: "no good" }, { params: () => 1 }, { id: "batch" }, { id: "b" }] });
    assertEquals(created.map(({ id }) => id), ["b"]);
    assertEquals(errors.map(({ index, id, code }) => [index, id, code]), [[0, "no good", 10001], [1, "", 10001], [2, "batch", 10001]]);
  });
});

onEach("an id that Cloudflare reserves", (test) => {
  for (const id of ["batch", "terminate", "terminateAll", `cf_${"0a".repeat(32)}`]) {
    test(`such as ${id.slice(0, 12)} is refused`, async ({ flow }) => {
      const flows = await flow(ECHO);
      await refused(() => flows.create({ id }), "invalid_instance_id");
      await flows.create({ id: `${id}x` });
    });
  }
});

onEach("deleteBatch()", (test) => {
  test("deletes what is there, and says of each position whether it was", async ({ run, flows }) => {
    await run(ECHO, { id: "a" });
    await run(`await step.sleep("s", "1 day")`, { id: "b" });
    const { deleted, errors } = await flows().deleteBatch(["a", "none", "b", "none", "a"]);
    assertEquals(deleted, [{ id: "a" }, { id: "b" }, { id: "a" }]);
    assertEquals(errors.map(({ index, id, code }) => [index, id, code]), [[1, "none", 10400], [3, "none", 10400]]);
    assertMatch(errors[0]?.message ?? "", /^\(instance\.not_found\)/);
    assertEquals((await flows().list()).instances, []);
    await flows().create({ id: "a" });
  });

  test("takes what can be the id of a schedule's instance", async ({ flow }) => {
    const { errors } = await (await flow(ECHO)).deleteBatch(["*/30 * * * *-1767225600000", "0 9 * * 1-5, #2", "x".repeat(271)]);
    assertEquals(errors.map(({ code }) => code), [10400, 10400, 10400]);
  });

  for (const [what, id] of [["an empty id", ""], ["a control character", "a\n"], ["272 characters", "x".repeat(272)], ["a dot", "a.b"], ["no text", 7]] as const) {
    test(`refuses a list with ${what} and deletes nothing of it`, async ({ run, flows }) => {
      await run(ECHO, { id: "a" });
      await refused(() => flows().deleteBatch(["a", id as string]), "invalid_instance_id", "Workflow instance has invalid id");
      assertEquals((await flows().list()).instances.length, 1);
    });
  }

  for (const [what, ids] of [["nothing", undefined], ["an empty list", []], ["a list of 101", Array.from({ length: 101 }, () => "a")]] as const) {
    test(`refuses ${what}`, async ({ flow }) => {
      const flows = await flow(ECHO);
      await refused(() => flows.deleteBatch(ids as string[]), "invalid_argument", "1 to 100");
    });
  }

  test("does not reach another tenant's instance, nor another workflow's", async ({ run, flows, tenure }) => {
    await run(ECHO, { id: "a" });
    await run(ECHO, { id: "b", tenant: "globex" });
    const other = await tenure().tenant("acme").workflow("Other").deleteBatch(["a"]);
    const foreign = await flows().deleteBatch(["b"]);
    assertEquals([other.errors[0]?.code, foreign.errors[0]?.code], [10400, 10400]);
    assertEquals([(await flows().list()).instances.length, (await flows("globex").list()).instances.length], [1, 1]);
  });
});

onEach("an instance that deletes itself", (test) => {
  const own = (world: World) => ({
    env: () => ({
      SELF: perCall(({ tenantId, instance }) => ({
        delete: async () => (await world.flows(tenantId).get(instance)).delete(),
      })),
    }),
  });

  for (
    const [where, call] of [
      ["in a step", `await step.do("last words", async () => { await T.note("before"); await env.SELF.delete(); await T.note("after"); })`],
      ["in its run", `await T.note("before"); await env.SELF.delete(); await T.note("after")`],
    ]
  ) {
    test(`${where} stops there, and nothing of it is left`, async (world) => {
      await world.reopen(own(world));
      const order = await world.run(`${call}; await step.do("next", async () => T.note("next"));`, { id: "a" });
      await world.when("it is gone", async () => (await world.flows().list()).instances.length === 0);
      await world.rest();
      await refused(() => order.status(), "instance.not_found");
      assertEquals(world.notes, ["before"]);
      await world.reopen();
      assertEquals((await world.flows().list()).instances, []);
      assertEquals(await (await world.flow(ECHO)).create({ id: "a", params: 1 }).then((again) => again.result()), 1);
    });
  }
});

onEach("a place that is wished for", (test) => {
  test("is recorded, kept by a restart and shown by history()", async ({ flow }) => {
    const flows = await flow(ECHO);
    const order = await flows.create({ locationHint: "weur", jurisdiction: "eu" });
    await order.result();
    await order.restart();
    await order.result();
    const [created] = (await order.history()).entries;
    assertEquals([created?.locationHint, created?.jurisdiction], ["weur", "eu"]);
    const { created: [one] } = await flows.createBatch({ count: 1, locationHint: "apac-ne" });
    assertEquals((await one?.history())?.entries[0]?.locationHint, "apac-ne");
  });

  test("that there is not is refused", async ({ flow }) => {
    const flows = await flow(ECHO);
    await refused(() => flows.create({ locationHint: "mars" as "weur" }), "invalid_argument", '"mars"');
    await refused(() => flows.create({ jurisdiction: "moon" as "eu" }), "invalid_argument", '"moon"');
    assertEquals((await flows.list()).instances, []);
  });
});
