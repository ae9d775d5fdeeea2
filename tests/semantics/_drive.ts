/** Letting time pass as an instance asks for it. */
import { assertEquals } from "@std/assert";
import type { WorkflowInstance } from "../../mod.ts";
import type { World } from "./_world.ts";

/**
 * Moves the time to each due time of the instance until it waits no more, and says how long each wait was, ms. Fails
 * when anything happens a millisecond before its time.
 */
export async function drive(world: World, instance: WorkflowInstance): Promise<number[]> {
  const waits: number[] = [];
  for (;;) {
    let status = "";
    await world.when(`${instance.id} rests`, async () => {
      status = (await instance.status()).status;
      return status !== "running" && status !== "queued";
    });
    if (status !== "waiting") return waits;
    const before = await entries(instance);
    const due = before.findLast((entry) => entry.due !== undefined)?.due;
    const wait = Number(due) - world.clock.now();
    if (wait > 0) await world.pass(wait - 1);
    assertEquals(await entries(instance), before, "it did not wait until it was due");
    await world.pass(1);
    await world.when(`${instance.id} goes on`, async () => (await entries(instance)).length > before.length);
    waits.push(wait);
  }
}

async function entries(instance: WorkflowInstance): Promise<Awaited<ReturnType<WorkflowInstance["history"]>>["entries"]> {
  return (await instance.history({ limit: 1_000 })).entries;
}
