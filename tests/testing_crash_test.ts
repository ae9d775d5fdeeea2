import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { quickjs } from "../adapters/sandbox/quickjs.ts";
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "../mod.ts";
import { CrashError, simulateCrash } from "../testing/mod.ts";

interface Env {
  SHOP: { order(): Promise<number> };
}

class Order extends WorkflowEntrypoint<Env> {
  async run(_event: WorkflowEvent<unknown>, step: WorkflowStep) {
    const number = await step.do("order", () => this.env.SHOP.order());
    await step.sleep("a while", "1 day");
    const { payload } = await step.waitForEvent<string>("answer", { type: "answer" });
    return [await step.do("note", async () => `noted ${number}`), payload];
  }
}

const events = [{ type: "answer", payload: "yes", after: "2 days" }] as const;

describe("crashes at every commit", () => {
  it("leave a workflow its result, and repeat a body only when its record was lost", async () => {
    const { run, crashes, repeated } = await simulateCrash(Order, { events, env: { SHOP: { order: async () => 7 } } });
    assertEquals(run.output, ["noted 7", "yes"]);
    // one before and one after each commit, of which there are at least one for each step and the end
    assert(crashes >= 10 && crashes % 2 === 0, `${crashes}`);
    assertEquals(repeated.map(({ step, more, differs, crash }) => [step, more, differs, crash.when]), [
      ["order", 1, false, "before"],
      ["note", 1, false, "before"],
    ]);
    for (const { step, crash } of repeated) assert(crash.writes.includes(`settled do "${step}"`), crash.writes.join());
  });

  it("are the same in the sandbox", async () => {
    const source = `
      import { WorkflowEntrypoint } from "cloudflare:workers";
      export class Order extends WorkflowEntrypoint {
        async run(event, step) {
          const number = await step.do("order", async () => this.env.SHOP.order());
          await step.sleep("a while", "1 day");
          return number;
        }
      }
    `;
    const { run, repeated } = await simulateCrash(source, { sandbox: quickjs(), env: { SHOP: { order: () => 7 } } });
    assertEquals(run.output, 7);
    assertEquals(repeated.map(({ step }) => step), ["order"]);
  });

  it("are reported when they change the result", async () => {
    let orders = 0;
    const setup = () => {
      orders = 0;
      return { events, env: { SHOP: { order: async () => ++orders } } };
    };
    const error = await assertRejects(() => simulateCrash(Order, setup), CrashError, "the result is");
    assertEquals(error.crash.when, "before");
    assert(error.crash.writes.includes('settled do "order"'), error.crash.writes.join());
  });

  it("are reported when what was done outside does not bear a repetition", async () => {
    const setup = () => {
      let orders = 0;
      const order = async (): Promise<number> => {
        orders++;
        return 7;
      };
      return { events, env: { SHOP: { order } }, check: () => assertEquals(orders, 1) };
    };
    const error = await assertRejects(() => simulateCrash(Order, setup), CrashError);
    assert(error.crash.writes.includes('settled do "order"'), error.crash.writes.join());
  });

  it("say that a step returns something else the second time, though the result is chosen not to show it", async () => {
    let orders = 0;
    const { repeated } = await simulateCrash(Order, { events, env: { SHOP: { order: async () => ++orders } }, result: ({ status }) => status });
    assertEquals(repeated.map(({ step, differs }) => [step, differs]), [["order", true], ["note", false]]);
  });

  it("pass on what fails without any", async () => {
    const check = (): void => {
      throw new RangeError("never right");
    };
    await assertRejects(() => simulateCrash(Order, { events, env: { SHOP: { order: async () => 7 } }, check }), RangeError, "never right");
  });
});
