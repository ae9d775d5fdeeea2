import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Schedule } from "../../mod.ts";
import { START } from "./_clock.ts";
import { refused } from "./_errors.ts";
import { onEach, type World } from "./_world.ts";

const MINUTE = 60_000;
const HOUR = 3_600_000;
const hourly = { cron: "0 * * * *" };

async function ids(world: World, tenant?: string): Promise<string[]> {
  return (await world.flows(tenant).list({ limit: 1_000 })).instances.map(({ id }) => id);
}

onEach("workflow.schedules", (test) => {
  test("makes an instance when it is due, never before, whose event says which due time it is of", async (world) => {
    const flows = await world.flow(`T.note([event.schedule, event.payload, event.instanceId, event.timestamp]); return event.schedule`);
    const made = await flows.schedules.put("nightly", { ...hourly, params: { sku: 7 } });
    assertEquals(made.next, new Date(START + HOUR));
    await world.pass(HOUR - 1);
    assertEquals(await ids(world), []);
    await world.pass(1);
    const due = START + HOUR;
    assertEquals(await ids(world), [`nightly-${due}`]);
    const schedule = { cron: hourly.cron, scheduledTime: due };
    assertEquals(await (await flows.get(`nightly-${due}`)).result(), schedule);
    assertEquals(world.notes, [[schedule, { sku: 7 }, `nightly-${due}`, new Date(due)]]);
    assertEquals(await flows.schedules.get("nightly"), {
      ...made,
      next: new Date(due + HOUR),
      last: { scheduledTime: new Date(due), instanceId: `nightly-${due}` },
    } as Schedule<unknown>);
    for (let n = 0; n < 5; n++) await world.pass(HOUR);
    assertEquals((await ids(world)).length, 6);
  });

  test("named by its expression makes instances with Cloudflare's ids, which can be addressed", async (world) => {
    const flows = await world.flow(`return "done"`);
    await flows.schedules.put("*/30 * * * *", { cron: "*/30 * * * *" });
    await world.pass(30 * MINUTE);
    assertEquals(await ids(world), [`*/30 * * * *-${START + 30 * MINUTE}`]);
    assertEquals(await (await flows.get(`*/30 * * * *-${START + 30 * MINUTE}`)).result(), "done");
  });

  test("tells a run that is replayed, and one that is restarted, what it told it first", async (world) => {
    const flows = await world.flow(`
      const first = event.schedule;
      await step.waitForEvent("w", { type: "go" });
      return [first, event.schedule];
    `);
    await flows.schedules.put("s", hourly);
    await world.pass(HOUR);
    const schedule = { cron: hourly.cron, scheduledTime: START + HOUR };
    await world.crash();
    const order = await world.flows().get(`s-${START + HOUR}`);
    await order.sendEvent({ type: "go" });
    assertEquals(await order.result(), [schedule, schedule]);
    await order.restart();
    await order.sendEvent({ type: "go" });
    assertEquals(await order.result(), [schedule, schedule]);
  });

  test("goes on after a restart of the engine and after a crash, each due time once", async (world) => {
    const flows = await world.flow(`return 1`);
    await flows.schedules.put("s", hourly);
    await world.pass(HOUR);
    await world.reopen();
    await world.pass(HOUR);
    await world.crash();
    await world.pass(HOUR);
    assertEquals(await ids(world), [1, 2, 3].map((n) => `s-${Math.floor(START / HOUR) * HOUR + n * HOUR}`));
  });

  for (const [catchUp, hours] of [["last", [5]], ["all", [1, 2, 3, 4, 5]], ["skip", []]] as const) {
    test(`makes up for a downtime: "${catchUp}"`, async (world) => {
      const flows = await world.flow(`return 1`);
      await flows.schedules.put("s", { ...hourly, catchUp });
      await world.close();
      world.clock.jump(5 * HOUR + 30 * MINUTE);
      await world.reopen();
      await world.rest();
      assertEquals(await ids(world), hours.map((n) => `s-${START + n * HOUR}`));
      await world.pass(30 * MINUTE);
      assertEquals((await ids(world)).length, hours.length + 1);
    });
  }

  test("that is put again as it is goes on as if nothing had been, and changed begins anew", async (world) => {
    const flows = await world.flow(`return event.payload`);
    await flows.schedules.put("s", hourly);
    await world.pass(30 * MINUTE);
    assertEquals((await flows.schedules.put("s", { ...hourly, params: 2 })).next, new Date(START + HOUR));
    await world.pass(30 * MINUTE);
    assertEquals(await (await flows.get(`s-${START + HOUR}`)).result(), 2);
    const { next } = await flows.schedules.put("s", { cron: "30 13 * * *", timeZone: "America/New_York" });
    assertEquals(next, new Date("2026-11-23T18:30:00Z"));
    await world.pass(2 * HOUR);
    assertEquals((await ids(world)).length, 1);
  });

  test("stands still while it is paused, and does not make up for that", async (world) => {
    const flows = await world.flow(`return 1`);
    await flows.schedules.put("s", { ...hourly, catchUp: "all" });
    await flows.schedules.pause("s");
    assertEquals((await flows.schedules.get("s")).next, null);
    await world.pass(5 * HOUR);
    await flows.schedules.resume("s");
    await world.rest();
    assertEquals(await ids(world), []);
    await world.pass(HOUR);
    assertEquals(await ids(world), [`s-${START + 6 * HOUR}`]);
  });

  test("is forgotten when it is deleted; what it has made stays", async (world) => {
    const flows = await world.flow(`return 1`);
    await flows.schedules.put("s", hourly);
    await world.pass(HOUR);
    await flows.schedules.delete("s");
    await flows.schedules.delete("s");
    await world.pass(3 * HOUR);
    assertEquals((await ids(world)).length, 1);
    await refused(() => flows.schedules.get("s"), "schedule_not_found");
    for (const act of ["pause", "resume", "trigger"] as const) await refused(() => flows.schedules[act]("s"), "schedule_not_found");
  });

  test("is triggered by hand, also while it is paused", async (world) => {
    const flows = await world.flow(`return event.schedule.scheduledTime`);
    await flows.schedules.put("s", { ...hourly, paused: true });
    const [a, b] = await Promise.all([flows.schedules.trigger("s"), flows.schedules.trigger("s")]);
    assertEquals(await a.result(), START);
    assertEquals(await b.result(), START);
    assert(a.id !== b.id);
  });

  test("is made up for by hand, each due time once however often that is asked for", async (world) => {
    const flows = await world.flow(`return 1`);
    await flows.schedules.put("s", hourly);
    const range = { from: new Date(START - 3 * HOUR), to: START };
    const first = await flows.schedules.backfill("s", range);
    const all = [3, 2, 1, 0].map((n) => `s-${START - n * HOUR}`);
    assertEquals(first, { created: all, existing: [], errors: [] });
    assertEquals(await flows.schedules.backfill("s", range), { created: [], existing: all, errors: [] });
    assertEquals((await flows.schedules.get("s")).next, new Date(START + HOUR));
    await refused(() => flows.schedules.backfill("s", { from: 0, to: START }), "too_large", "1000 due times");
    // one that was made by hand before it is due is not made again
    await flows.schedules.backfill("s", { from: START + HOUR, to: START + HOUR });
    await world.pass(HOUR);
    assertEquals((await ids(world)).length, 5);
    assertEquals((await flows.schedules.get("s")).lastError, undefined);
  });

  test(`makes none beside one that has not ended, with overlap: "skip", and says so`, async (world) => {
    const flows = await world.flow(`await step.waitForEvent("w", { type: "go", timeout: "30 days" })`);
    await flows.schedules.put("one", { ...hourly, overlap: "skip" });
    await flows.schedules.put("more", hourly);
    await world.pass(HOUR);
    await world.pass(HOUR);
    assertEquals((await ids(world)).filter((id) => id.startsWith("one")), [`one-${START + HOUR}`]);
    assertEquals((await ids(world)).filter((id) => id.startsWith("more")).length, 2);
    const { lastError } = await flows.schedules.get("one");
    assertEquals([lastError?.code, lastError?.scheduledTime], ["overlap", new Date(START + 2 * HOUR)]);
    await (await flows.get(`one-${START + HOUR}`)).terminate();
    await world.pass(HOUR);
    assertEquals((await ids(world)).filter((id) => id.startsWith("one")).length, 2);
  });

  test("is one of a page of them, in the order of their names, of its workflow and tenant alone", async (world) => {
    const flows = await world.flow(`return 1`);
    await world.flow(`return 1`, { tenant: "other" });
    for (const id of ["c", "a", "*/5 * * * *", "b"]) await flows.schedules.put(id, hourly);
    await world.flows("other").schedules.put("a", hourly);
    await world.tenure().tenant("acme").workflow("FlowB").schedules.put("a", hourly);
    const { schedules, cursor } = await flows.schedules.list({ limit: 3 });
    assertEquals(schedules.map(({ id }) => id), ["*/5 * * * *", "a", "b"]);
    const rest = await flows.schedules.list({ limit: 3, ...(cursor !== undefined && { cursor }) });
    assertEquals([rest.schedules.map(({ id }) => id), rest.cursor], [["c"], undefined]);
  });

  test("is refused with what is wrong", async (world) => {
    const flows = await world.flow(`return 1`);
    const wrong: [unknown, string][] = [
      [{ cron: "soon" }, "five fields"],
      [{ cron: "* ".repeat(200) }, "256 characters"],
      [{ cron: "0 0 31 2 *" }, "never due"],
      [{ cron: "0 * * * *", timeZone: "Nowhere" }, "no such time zone"],
      [{ cron: "0 * * * *", overlap: "maybe" }, "overlap"],
      [{ cron: "0 * * * *", catchUp: "maybe" }, "catchUp"],
      [{}, "expression"],
      [null, "not an object"],
    ];
    // deno-lint-ignore no-explicit-any
    for (const [options, words] of wrong) await refused(() => flows.schedules.put("s", options as any), "invalid_argument", words);
    for (const id of ["", "a\n", "ä", "a".repeat(258)]) await refused(() => flows.schedules.put(id, hourly), "invalid_instance_id");
    assertEquals((await flows.schedules.list()).schedules, []);
  });
});

onEach("limits.schedules", (test) => {
  test("refuses one too many of a tenant, however many are put at once, and counts on after a crash", async (world) => {
    await world.reopen({ limits: { schedules: 3 } });
    const flows = await world.flow(`return 1`);
    const put = (id: string): Promise<unknown> => flows.schedules.put(id, hourly);
    const made = await Promise.allSettled(["a", "b", "c", "d", "e"].map(put));
    assertEquals(made.map(({ status }) => status), ["fulfilled", "fulfilled", "fulfilled", "rejected", "rejected"]);
    await put("a");
    await world.crash();
    await refused(() => world.flows().schedules.put("d", hourly), "quota_exceeded", "3 schedules");
    await world.flows().schedules.delete("a");
    await world.flows().schedules.put("d", hourly);
    await world.flow(`return 1`, { tenant: "other" });
    await world.flows("other").schedules.put("d", hourly);
  });
});

onEach("a schedule whose instance cannot be made", (test) => {
  test("says why, goes on, and costs other schedules nothing", async (world) => {
    await world.reopen({ limits: (tenant) => tenant === "full" ? { instances: 1 } : {} });
    const asleep = `await step.waitForEvent("w", { type: "go", timeout: "30 days" })`;
    await world.flow(asleep, { tenant: "full" });
    await world.flow(asleep);
    await world.flows("full").create();
    await world.flows("full").schedules.put("s", hourly);
    await world.flows("nothing deployed").schedules.put("s", hourly);
    await world.flows().schedules.put("s", hourly);
    await world.pass(HOUR);
    assertEquals(await ids(world), [`s-${START + HOUR}`]);
    const full = await world.flows("full").schedules.get("s");
    assertEquals([full.lastError?.code, full.next], ["quota_exceeded", new Date(START + 2 * HOUR)]);
    const nothing = await world.flows("nothing deployed").schedules.get("s");
    assertEquals([nothing.lastError?.code, nothing.next], ["no_active_version", new Date(START + 2 * HOUR)]);
    await world.pass(HOUR);
    assertEquals((await ids(world)).length, 2);
    const instance = (await ids(world, "full"))[0] as string;
    await (await world.flows("full").get(instance)).terminate();
    await world.pass(HOUR);
    assertEquals((await ids(world, "full")).length, 2);
  });

  test("because its id is somebody else's says so", async (world) => {
    const flows = await world.flow(`return 1`);
    await flows.create({ id: `s-${START + HOUR}` });
    await flows.schedules.put("s", hourly);
    await world.pass(HOUR);
    assertEquals((await flows.schedules.get("s")).lastError?.code, "instance.already_exists");
  });

  test("for the limit of creations a second has it made a little later", async (world) => {
    await world.reopen({ limits: (tenant) => tenant === "acme" ? { createsPerSecond: 4 } : {} });
    const flows = await world.flow(`return 1`);
    await world.flow(`return 1`, { tenant: "other" });
    for (let n = 0; n < 10; n++) await flows.schedules.put(`s${n}`, hourly);
    await world.flows("other").schedules.put("z", hourly);
    await world.pass(HOUR);
    assertEquals((await ids(world)).length, 4);
    assertEquals((await ids(world, "other")).length, 1);
    for (let n = 0; n < 6; n++) await world.pass(250);
    assertEquals(new Set(await ids(world)).size, 10);
    assertEquals((await flows.schedules.get("s9")).lastError, undefined);
  });
});

onEach("many schedules that are due at once", (test) => {
  test("are all met, and what else is asked meanwhile is answered", async (world) => {
    await world.reopen({ limits: { schedules: 1_000, createsPerSecond: 10_000 } });
    const flows = await world.flow(`return 1`);
    await world.flow(`return 1`, { tenant: "other" });
    for (let n = 0; n < 300; n += 30) await Promise.all(Array.from({ length: 30 }, (_, i) => flows.schedules.put(`s${n + i}`, hourly)));
    await world.rest();
    world.clock.jump(HOUR);
    assertEquals(await (await world.flows("other").create()).result(), 1);
    assert((await ids(world)).length < 300, "the other waited for all of them");
    await world.rest();
    assertEquals(new Set(await ids(world)).size, 300);
  });
});

onEach("schedules asked through another process", (test) => {
  test("are made, met and listed", async (world) => {
    await world.flow(`return 1`);
    const api = await world.join({ engine: false });
    const { schedules } = api.tenant("acme").workflow("Flow");
    let done: unknown;
    schedules.put("s", hourly).then((put) => done = put, (error) => done = error);
    await world.when("it is answered", () => {
      world.clock.jump(50);
      return done !== undefined;
    });
    assertEquals((done as Schedule).id, "s");
    await world.pass(HOUR);
    await world.rest();
    assertMatch((await ids(world))[0] ?? "", /^s-\d+$/);
    assertEquals((await schedules.list()).schedules.length, 1);
  });
}, { storage: "sqlite" });
