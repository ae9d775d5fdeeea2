import { assertEquals, assertRejects } from "@std/assert";
import { type UpgradeOptions, type UpgradeReport, WorkflowEntrypoint, type WorkflowStep } from "../../mod.ts";
import { refused } from "./_errors.ts";
import { deploy, entriesOf, NAP, RENAMED, sleeper, upgrade, V1, V2, versionOf, whileTimePasses } from "./_upgrade.ts";
import { onEach, source } from "./_world.ts";

onEach("upgrade()", (test, sandbox) => {
  test("moves what sleeps: it goes on in the new version, and runs nothing again", async (world) => {
    const order = await sleeper(world);
    const version = await deploy(world, V2);
    assertEquals(await upgrade(world, version), { moved: 1, broken: [], skipped: [] });
    assertEquals(await versionOf(order), version);
    await world.until(order, "waiting");
    await world.pass("1 day");
    assertEquals(await order.result(), ["v2", 1, 3]);
    assertEquals(world.notes, ["a", "c"]);
  });

  test("with dryRun says the same, and changes nothing", async (world) => {
    const order = await sleeper(world);
    const before = await entriesOf(order);
    const version = await deploy(world, V2);
    assertEquals(await upgrade(world, version, { dryRun: true }), { moved: 1, broken: [], skipped: [] });
    assertEquals([await entriesOf(order), (await order.status()).status], [before, "waiting"]);
    await world.pass("1 day");
    assertEquals(await order.result(), ["v1", 1, 2]);
  });

  test("leaves who would break where it is, and names both sides", async (world) => {
    const order = await sleeper(world);
    const before = await entriesOf(order);
    const version = await deploy(world, RENAMED);
    for (const dryRun of [true, false]) {
      assertEquals(await upgrade(world, version, { dryRun }), {
        moved: 0,
        broken: [{
          workflow: "Flow",
          id: "order-1",
          code: "nondeterministic",
          expected: `step "a"`,
          found: `step "A"`,
          message: `Code and history part ways: the code issued step "A" where its history holds step "a"`,
        }],
        skipped: [],
      });
    }
    assertEquals(await entriesOf(order), before);
    await world.pass("1 day");
    assertEquals(await order.result(), ["v1", 1, 2]);
    assertEquals(world.notes, ["a", "b"]);
  });

  test("makes no call and runs no body in what it looks at", async (world) => {
    await sleeper(world);
    const version = await deploy(world, `const now = await step.do("a", () => T.note("again")); await step.sleep("nap", "1 day"); await T.note("call"); return now;`);
    const calls = world.calls.length;
    await upgrade(world, version, { dryRun: true });
    assertEquals([world.calls.length, world.notes], [calls, ["a"]]);
  });

  test("moves what is parked because its code departed; resume() goes on", async (world) => {
    await world.reopen({ env: () => ({ NAME: "one" }) });
    const order = await world.run(V1.replace(`"a", async`, `env.NAME, async`), { id: "order-1" });
    await world.until(order, "waiting");
    await world.reopen({ env: () => ({ NAME: "two" }) });
    const again = await world.flows().get("order-1");
    await world.pass("1 day");
    await world.when("it is parked", async () => {
      world.clock.jump(1_000);
      return (await again.status()).paused?.code === "nondeterministic";
    });
    const version = await deploy(world, V2.replace(`"a", async`, `"one", async`));
    assertEquals(await upgrade(world, version), { moved: 1, broken: [], skipped: [] });
    assertEquals((await again.status()).paused?.code, "nondeterministic");
    await again.resume();
    await world.pass("1 day");
    assertEquals(await again.result(), ["v2", 1, 3]);
    assertEquals(world.notes, ["a", "c"]);
  });

  test("moves what is paused, and leaves it so", async (world) => {
    const order = await sleeper(world);
    await order.pause();
    await world.until(order, "paused");
    const version = await deploy(world, V2);
    assertEquals((await upgrade(world, version)).moved, 1);
    await world.pass("2 days");
    assertEquals(await order.status(), { status: "paused", output: null });
    // what lists and the next upgrade go by
    const store = await world.storage.open();
    const [head] = await store.find({ tenant: "acme", workflow: "Flow", id: order.id, limit: 1 });
    assertEquals(JSON.parse(head?.data ?? "{}").version, version);
    await store.close();
    await order.resume();
    await world.pass("1 day");
    assertEquals(await order.result(), ["v2", 1, 3]);
  });

  test("moves what is parked because its code is gone", async (world) => {
    const order = await sleeper(world);
    const gone = await versionOf(order) as string;
    const store = await world.storage.open();
    await store.blobs.delete("acme", gone);
    await world.reopen();
    const again = await world.flows().get(order.id);
    await world.pass("1 day");
    await world.until(again, "paused");
    assertEquals((await again.status()).paused?.code, "code_unavailable");
    assertEquals((await upgrade(world, await deploy(world, V2))).moved, 1);
    await again.resume();
    await world.pass("1 day");
    assertEquals(await again.result(), ["v2", 1, 3]);
    await store.close();
  });

  test("keeps events that nobody has waited for yet", async (world) => {
    const order = await sleeper(world);
    await order.sendEvent({ type: "paid", payload: 7 });
    await upgrade(world, await deploy(world, `${NAP} return (await step.waitForEvent("paid", { type: "paid" })).payload;`));
    await world.pass("1 day");
    assertEquals(await order.result(), 7);
  });

  test("holds after a crash: what was acknowledged is the version that goes on", async (world) => {
    const order = await sleeper(world);
    const version = await deploy(world, V2);
    await upgrade(world, version);
    await world.crash();
    await world.pass("1 day");
    assertEquals(await (await world.flows().get(order.id)).result(), ["v2", 1, 3]);
  });

  test("may be called where nothing is owned", async (world) => {
    const order = await sleeper(world);
    const bad = await deploy(world, RENAMED), good = await deploy(world, V2);
    const other = await world.join({ engine: false });
    const report = async (version: string, options: UpgradeOptions = {}): Promise<unknown[]> => {
      const upgrading = other.tenant("acme").upgrade(version, options);
      const { moved, broken } = await whileTimePasses(world, 50, upgrading);
      return [moved, broken.map(({ expected, found }) => [expected, found])];
    };
    assertEquals(await report(bad, { dryRun: true }), [0, [[`step "a"`, `step "A"`]]]);
    assertEquals(await report(good), [1, []]);
    assertEquals(await versionOf(order), good);
  });

  test("is not tried again by an owner after one that died: it runs code that may have been why", async (world) => {
    const order = await sleeper(world);
    const version = await deploy(world, V2);
    const before = await entriesOf(order);
    await world.crash({ engine: false });
    const upgrading = world.tenure().tenant("acme").upgrade(version);
    await world.rest();
    await world.join({ engine: true });
    const { moved, skipped } = await whileTimePasses(world, 50, upgrading);
    assertEquals([moved, skipped.map(({ id, code }) => [id, code])], [0, [[order.id, "busy"]]]);
    const again = await world.flows().get(order.id);
    assertEquals(await entriesOf(again), before);
    await world.rest();
    assertEquals((await upgrade(world, version)).moved, 1);
  });

  test("looks at what lives of this tenant and is in another version, whatever its workflow; at nothing else", async (world) => {
    const both = (body: string): string => source(body) + source(body).slice(source(body).indexOf("export")).replace("Flow", "Other");
    const acme = world.tenure().tenant("acme");
    await acme.deploy(both(V1));
    await world.tenure().tenant("beta").deploy(both(V1));
    const others = await world.tenure().tenant("beta").workflow("Flow").create({ id: "theirs" });
    for (const name of ["Flow", "Other"]) await world.until(await acme.workflow(name).create({ id: name }), "waiting");
    const done = await acme.workflow("Flow").create({ id: "done" });
    await done.terminate();
    const { version } = await acme.deploy(both(V2));
    await world.until(await acme.workflow("Flow").create({ id: "newest" }), "waiting");
    const unchanged = [await entriesOf(done), await entriesOf(others)];
    assertEquals(await upgrade(world, version), { moved: 2, broken: [], skipped: [] });
    assertEquals([await entriesOf(done), await entriesOf(others)], unchanged);
    assertEquals(await upgrade(world, version), { moved: 0, broken: [], skipped: [] });
  });

  test("skips a workflow that the version does not have", async (world) => {
    const order = await sleeper(world);
    const { version } = await world.tenure().tenant("acme").deploy(source(V2).replace("class Flow", "class Other"));
    assertEquals(await upgrade(world, version), {
      moved: 0,
      broken: [],
      skipped: [{ workflow: "Flow", id: order.id, code: "workflow_not_found", message: `The version exports no class "Flow"` }],
    });
  });

  test("refuses a version that the tenant has never deployed, another tenant's too", async (world) => {
    await sleeper(world);
    const { version } = await world.tenure().tenant("beta").deploy(source(V2));
    for (const unknown of [version, "0".repeat(64), "", "__proto__", 7, undefined]) {
      await refused(() => world.tenure().tenant("acme").upgrade(unknown as string), "version_not_found", "never deployed");
    }
  });

  test("moves instances of a workflow of the host to the version that is registered now", async (world) => {
    const version = (text: string) =>
      class extends WorkflowEntrypoint {
        async run(_event: unknown, step: WorkflowStep): Promise<string> {
          await step.do("a", () => Promise.resolve(1));
          await step.sleep("nap", "1 day");
          return text;
        }
      };
    world.tenure().register("Report", version("one"), { version: "1" });
    const report = await world.tenure().tenant("acme").workflow("Report").create();
    await world.until(report, "waiting");
    await world.reopen();
    world.tenure().register("Report", version("two"), { version: "2" });
    await world.pass("1 day");
    const again = await world.tenure().tenant("acme").workflow("Report").get(report.id);
    await world.until(again, "paused");
    assertEquals((await upgrade(world, "host:2")).moved, 1);
    await again.resume();
    await world.pass("1 day");
    assertEquals(await again.result(), "two");
  });

  test("stops after `limit` instances and goes on from its cursor", async (world) => {
    for (let n = 0; n < 5; n++) await sleeper(world, `order-${n}`);
    const version = await deploy(world, V2);
    const counts: number[] = [];
    let cursor: string | undefined;
    do {
      const report: UpgradeReport = await upgrade(world, version, { dryRun: true, limit: 2, ...(cursor && { cursor }) });
      counts.push(report.moved);
      cursor = report.cursor;
    } while (cursor !== undefined);
    assertEquals(counts, [2, 2, 1]);
    for (const limit of [0, -1, 1.5, NaN, "2"]) {
      await refused(() => world.tenure().tenant("acme").upgrade(version, { limit: limit as number }), "invalid_argument");
    }
    await refused(() => world.tenure().tenant("acme").upgrade(version, { cursor: "00" }), "invalid_argument");
  });

  test("ends with the reason of its signal", async (world) => {
    await sleeper(world);
    const version = await deploy(world, V2);
    await assertRejects(() => world.tenure().tenant("acme").upgrade(version, { signal: AbortSignal.abort(new Error("enough")) }), Error, "enough");
  });

  test("looks at nothing that cannot be read, and at the others all the same", async (world) => {
    const order = await sleeper(world);
    await sleeper(world, "order-2");
    await world.close();
    const store = await world.storage.open();
    const lease = await store.acquire(0, "somebody", 1_000);
    const { entries } = { entries: (await store.load(0, { tenant: "acme", workflow: "Flow", id: order.id }))?.journal.join("\n").split("\n") ?? [] };
    await store.commit("damage", [{
      shard: 0,
      epoch: lease?.epoch ?? 0,
      drops: [],
      heads: [],
      cells: [],
      acks: [],
      appends: [{ key: { tenant: "acme", workflow: "Flow", id: order.id }, seq: entries.length, count: 1, text: `{"k":"what"}` }],
    }]);
    await store.release(0, lease?.epoch ?? 0);
    await world.reopen();
    const { moved, skipped } = await upgrade(world, await deploy(world, V2));
    assertEquals([moved, skipped.map(({ id, code }) => [id, code])], [1, [[order.id, "corrupt"]]]);
    await store.close();
  });

  if (sandbox.caps.boundary === "none") return;
  test("names whose guest dies on the way", async (world) => {
    await world.reopen({ limits: { cpuMs: 50 } });
    const order = await sleeper(world);
    const { broken } = await upgrade(world, await deploy(world, `${NAP.replace("await step.sleep", "for (;;); await step.sleep")}`));
    assertEquals(broken.map(({ id, code }) => [id, code]), [[order.id, "cpu_limit"]]);
    await world.pass("1 day");
    assertEquals(await order.result(), ["v1", 1, 2]);
  });
});
