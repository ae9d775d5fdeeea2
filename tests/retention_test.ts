/** What is forgotten is what has ended, whatever happens to it at the same moment. */
import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { memory } from "../adapters/storage/memory.ts";
import type { FindQuery, Head, Store } from "../core/ports/store.ts";
import { createTenure, type Tenure, WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "../mod.ts";
import { testClock } from "./semantics/_clock.ts";

class Flow extends WorkflowEntrypoint {
  async run(_: WorkflowEvent<unknown>, step: WorkflowStep): Promise<void> {
    await step.waitForEvent("w", { type: "go", timeout: "300 days" });
  }
}

const turn = (): Promise<void> => new Promise((done) => void setImmediate(done));
async function turns(n = 20): Promise<void> {
  for (; n > 0; n--) await turn();
}

/** An engine on a store whose next `find` can be held, with what it has read. */
async function onStore(body: (parts: { readonly tenure: Tenure; hold(): void; let(): void; pass(ms: number): Promise<void> }) => Promise<void>): Promise<void> {
  const clock = testClock();
  const process = clock.process();
  const adapter = memory({ now: clock.now });
  let held: Promise<void> | undefined;
  let open = (): void => {};
  async function wrap(): Promise<Store> {
    const store = await adapter.open();
    return {
      ...store,
      async find(query: FindQuery): Promise<readonly Head[]> {
        const found = await store.find(query);
        const until = held;
        held = undefined;
        await until;
        return found;
      },
    };
  }
  const tenure = await createTenure({ storage: { name: "held", open: wrap }, clock: process.clock, limits: { retention: 1_000 } });
  tenure.register("Flow", Flow, { version: "1" });
  try {
    await body({
      tenure,
      hold: () => void (held = new Promise((done) => open = done)),
      let: () => open(),
      async pass(ms) {
        clock.jump(ms);
        await turns();
      },
    });
  } finally {
    process.stop();
  }
}

describe("an instance that is to be forgotten", () => {
  for (const then of ["waits", "has ended again"] as const) {
    it(`and is begun anew while its head is read stays, and ${then}`, async () => {
      await onStore(async ({ tenure, hold, let: go, pass }) => {
        const flow = await tenure.tenant("acme").workflow("Flow").create({ id: "order" });
        await flow.terminate();
        await turns();
        hold();
        await pass(2_500);
        const restarting = flow.restart();
        await turns();
        await restarting;
        if (then === "has ended again") await flow.terminate();
        await turns();
        go();
        await turns();
        assertEquals((await flow.status()).status, then === "waits" ? "waiting" : "terminated");
        await pass(500);
        assertEquals((await flow.status()).status, then === "waits" ? "waiting" : "terminated");
      });
    });
  }

  it("and is asked for meanwhile is there, or is not: nothing of it is left", async () => {
    await onStore(async ({ tenure, hold, let: go, pass }) => {
      const flows = tenure.tenant("acme").workflow("Flow");
      const flow = await flows.create({ id: "order" });
      await flow.terminate();
      await turns();
      hold();
      await pass(2_500);
      go();
      await turns();
      const { instances } = await flows.list();
      assertEquals(instances, []);
      await flows.create({ id: "order" });
      await turns();
      assertEquals((await flow.status()).status, "waiting");
    });
  });
});
