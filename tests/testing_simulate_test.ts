import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { quickjs } from "../adapters/sandbox/quickjs.ts";
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "../mod.ts";
import { simulate, SimulationError } from "../testing/mod.ts";

class Order extends WorkflowEntrypoint<{ SHOP: { order(): Promise<number> } }> {
  async run(_event: WorkflowEvent<unknown>, step: WorkflowStep) {
    const number = await step.do("order", () => this.env.SHOP.order());
    await step.sleep("a while", "8 hours");
    const { payload } = await step.waitForEvent<number>("extra", { type: "extra" });
    return await step.do("sum up", async () => number + payload);
  }
}

const events = [{ type: "extra", payload: 4, after: "9 hours" }] as const;

/** A shop whose every order has another number: a body that runs again changes the result. */
function setup(options: { readonly seed: number; readonly runs: number }) {
  return () => {
    let orders = 0;
    return { ...options, events, env: { SHOP: { order: async () => ++orders } } };
  };
}

describe("a workflow under faults", () => {
  it("comes to the result of a run without them", async () => {
    const { run, runs, deaths, commits } = await simulate(Order, { runs: 25, events, env: { SHOP: { order: async () => 6 } } });
    assertEquals([run.output, runs], [10, 25]);
    assertGreater(deaths, 25);
    assertGreater(commits, 25 * 5);
  });

  it("does so in the sandbox", async () => {
    const source = `
      import { WorkflowEntrypoint } from "cloudflare:workers";
      export class Two extends WorkflowEntrypoint {
        async run(event, step) {
          const one = await step.do("one", async () => 1);
          await step.sleep("a while", "1 hour");
          return one + await step.do("another", async () => 1);
        }
      }
    `;
    const { run, deaths } = await simulate(source, { runs: 5, sandbox: quickjs() });
    assertEquals(run.output, 2);
    assertGreater(deaths, 0);
  });

  it("is found out when its result depends on them, and the seed repeats the run", async () => {
    const first = await assertRejects(() => simulate(Order, setup({ seed: 1, runs: 100 })), SimulationError, "the result is");
    assert(first.trace.length > 0);
    const again = await assertRejects(() => simulate(Order, setup({ seed: first.seed, runs: 1 })), SimulationError);
    assertEquals([again.message, again.trace], [first.message, first.trace]);
  });
});
