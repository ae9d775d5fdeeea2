import { assert, assertEquals } from "@std/assert";
import type { TenantUsage } from "../../mod.ts";
import { START } from "./_clock.ts";
import { onEach, type World } from "./_world.ts";

const DAY = 86_400_000;
const NOTHING: TenantUsage = { instances: 0, kept: 0, journalBytes: 0, creates: 0, steps: 0, wakes: 0, cpuMs: 0, since: null };

const usage = (world: World, tenant = "acme"): Promise<TenantUsage> => world.tenure().tenant(tenant).usage();

/** What the journals that are there say. */
async function stored(world: World): Promise<{ readonly journalBytes: number; readonly steps: number; readonly kept: number }> {
  const store = await world.storage.open();
  let journalBytes = 0, steps = 0, kept = 0;
  for (const { tenant, workflow, id } of await store.find({ tenant: "acme", limit: 1_000 })) {
    const image = await store.load(0, { tenant, workflow, id });
    const lines = image?.journal.join("\n").split("\n") ?? [];
    journalBytes += lines.reduce((sum, line) => sum + line.length, 0);
    steps += lines.filter((line) => line.startsWith(`{"k":"scheduled"`) && line.includes(`"kind":"do"`)).length;
    kept++;
  }
  return { journalBytes, steps, kept };
}

const works = `
  for (let i = 0; i < 3; i++) await step.do("s" + i, async () => "x".repeat(i));
  if (event.payload.waits) await step.waitForEvent("w", { type: "go", timeout: "300 days" });
  await step.do("last", { retries: { limit: 2, delay: 0 } }, async (ctx) => { if (ctx.attempt < 3) throw new Error("no"); });
  return 1;
`;

for (const storage of ["memory", "sqlite"] as const) {
  onEach("tenant.usage()", (test) => {
    test("is nothing before there was anything", async (world) => {
      await world.flow(works);
      assertEquals(await usage(world), NOTHING);
    });

    test("counts what began, what there is, and each step once however often it is tried", async (world) => {
      const flows = await world.flow(works);
      await (await flows.create()).result();
      const waits = await flows.create({ params: { waits: true } });
      await world.until(waits, "waiting");
      await world.rest();
      const found = await usage(world);
      const { cpuMs, ...counted } = found;
      assert(cpuMs >= 0);
      const { journalBytes, steps, kept } = await stored(world);
      assertEquals(counted, { instances: 1, kept, journalBytes, creates: 2, steps, wakes: counted.wakes, since: new Date(START) });
      assertEquals([steps, kept], [7, 2]);
      assert(counted.wakes >= 2);
      assertEquals(await usage(world, "other"), NOTHING);
    });

    for (const end of ["reopen", "crash"] as const) {
      test(`is exact after a ${end}, also of what was in the middle of something`, async (world) => {
        const flows = await world.flow(`
          for (let i = 0; i < 3; i++) await step.do("s" + i, async () => 1);
          await step.do("held", async (ctx) => { if (ctx.attempt === 1) await T.gate("never"); });
          await step.waitForEvent("w", { type: "go", timeout: "300 days" });
          await step.do("after", async () => 1);
        `);
        const order = await flows.create();
        await world.when("three steps are there", async () => (await order.history()).entries.length >= 8);
        await world[end]();
        await world.until(await world.flows().get(order.id), "waiting");
        await world.rest();
        const { creates, instances, ...found } = await usage(world);
        const { journalBytes, steps, kept } = await stored(world);
        assertEquals([creates, instances], [1, 1]);
        assertEquals([found.journalBytes, found.steps, found.kept], [journalBytes, steps, kept]);
        assertEquals(steps, 4);
        await (await world.flows().get(order.id)).sendEvent({ type: "go" });
        await (await world.flows().get(order.id)).result();
        await world.rest();
        assertEquals((await usage(world)).steps, 5);
        assertEquals((await usage(world)).journalBytes, (await stored(world)).journalBytes);
      });
    }

    test("keeps what was used when a life is begun anew, deleted, or forgotten, and gives back what it took", async (world) => {
      const flows = await world.flow(works);
      const a = await flows.create({ id: "a" });
      await a.result();
      await a.restart();
      await a.result();
      await world.rest();
      let found = await usage(world);
      assertEquals([found.steps, found.creates, found.kept, found.instances], [8, 2, 1, 0]);
      assertEquals(found.journalBytes, (await stored(world)).journalBytes);
      const waits = await flows.create({ id: "b", params: { waits: true } });
      await world.until(waits, "waiting");
      await waits.delete();
      await world.rest();
      found = await usage(world);
      assertEquals([found.steps, found.creates, found.kept, found.instances], [11, 3, 1, 0]);
      await world.pass(31 * DAY);
      const { cpuMs: _, wakes: __, ...rest } = await usage(world);
      assertEquals(rest, { instances: 0, kept: 0, journalBytes: 0, creates: 3, steps: 11, since: new Date(START) });
    });

    test("is of what a schedule makes, too", async (world) => {
      const flows = await world.flow(works);
      await flows.schedules.put("s", { cron: "0 * * * *" });
      await world.pass(3_600_000);
      await world.rest();
      const { creates, steps } = await usage(world);
      assertEquals([creates, steps], [1, 4]);
    });
  }, { storage });
}
