import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import { quickjs } from "../adapters/sandbox/quickjs.ts";
import { trusted } from "../adapters/sandbox/trusted.ts";
import type { SandboxAdapter } from "../core/ports/guest.ts";
import { NonRetryableError, perCall, WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "../mod.ts";
import { type TestOptions, type TestRun, testWorkflow } from "../testing/mod.ts";

const SANDBOXES: readonly SandboxAdapter[] = [trusted(), quickjs()];

/** Runs a workflow with a `run` of this body. */
function flow(sandbox: SandboxAdapter, body: string, options: TestOptions = {}): Promise<TestRun> {
  const source = `import { WorkflowEntrypoint } from "cloudflare:workers";
export class Flow extends WorkflowEntrypoint { async run(event, step) { const { env } = this; ${body} } }`;
  return testWorkflow(source, { ...options, sandbox });
}

for (const sandbox of SANDBOXES) {
  describe(`the answers of a test, on ${sandbox.name}`, () => {
    it("are given by function to each occurrence of a name", async () => {
      const run = await flow(sandbox, `const all = []; for (const n of [1, 2, 3]) all.push(await step.do("n", async () => n)); return all;`, {
        steps: { n: ({ step }) => step.count * 10 },
      });
      assertEquals([run.output, run.steps.map(({ count }) => count)], [[10, 20, 30], [1, 2, 3]]);
    });

    it("stand for a step within a body, and for a body with steps in it", async () => {
      const body = `return await step.do("outer", async () => (await step.do("inner", async () => "real")) + "!");`;
      const inner = await flow(sandbox, body, { steps: { inner: "given" } });
      assertEquals([inner.output, inner.steps.map(({ name, within }) => [name, within])], ["given!", [["outer", undefined], ["inner", "outer"]]]);
      const outer = await flow(sandbox, body, { steps: { outer: "given" } });
      assertEquals([outer.output, outer.steps.length], ["given", 1]);
    });

    it("may take their time, beside real bodies", async () => {
      const run = await flow(sandbox, `return await Promise.all([step.do("a", async () => "a"), step.do("b", async () => "b"), step.do("c", async () => "c")]);`, {
        steps: {
          async b() {
            await readFile(new URL(import.meta.url));
            return "B";
          },
        },
      });
      assertEquals([run.output, run.elapsed], [["a", "B", "c"], 0]);
    });

    it("time out when they hang, are told so by their signal, and are tried again", async () => {
      const told: string[] = [];
      const run = await flow(sandbox, `return await step.do("slow", { timeout: "1 minute", retries: { limit: 1, delay: "1 hour" } }, async () => 1);`, {
        patience: 100,
        steps: {
          slow({ attempt, signal }) {
            if (attempt > 1) return `attempt ${attempt}`;
            signal.addEventListener("abort", () => told.push("aborted"));
            return new Promise(() => {});
          },
        },
      });
      assertEquals([run.output, told, run.elapsed], ["attempt 2", ["aborted"], 3_660_000]);
    });

    it("end a step for good with an error that is not to be retried, or a value that cannot be stored", async () => {
      const run = await flow(sandbox, `
        const told = [];
        for (const name of ["never", "function"]) await step.do(name, async () => 1).catch((error) => told.push(error.name));
        return told;
      `, { steps: { never: new NonRetryableError("no", "Custom"), function: () => () => 1 } });
      assertEquals(run.output, ["Custom", "ValueError"]);
      assertEquals(run.steps.map(({ attempts }) => attempts), [1, 1]);
    });

    it("may be undefined, null and whatever else a step returns", async () => {
      const steps = { a: undefined, b: null, c: new Map([[1, new Date(5)]]), d: 7n, e: [] };
      const run = await flow(sandbox, `const all = []; for (const n of "abcde") all.push(await step.do(n, async () => "real")); return all;`, { steps });
      assertEquals(run.output, Object.values(steps));
    });

    it("leave it to the run how it is called", async () => {
      const run = await flow(sandbox, `console.log("hello", event.instanceId); return [event.payload, event.timestamp.toISOString(), await env.who()];`, {
        params: { a: 1 },
        instanceId: "order-7",
        tenantId: "globex",
        start: new Date("2031-02-03T04:05:06Z"),
        env: ({ tenantId, instanceId, workflow }) => ({ who: () => `${tenantId} ${workflow} ${instanceId}` }),
      });
      assertEquals(run.output, [{ a: 1 }, "2031-02-03T04:05:06.000Z", "globex Flow order-7"]);
      assertEquals(run.logs, [{ level: "info", message: "hello order-7", step: null }]);
      assertEquals(run.history.map(({ type }) => type), ["created", "scheduled", "settled", "completed"]);
    });

    it("let bindings be what they are: instances, functions, what is frozen, what knows its caller", async () => {
      class Counter {
        #count = 0;
        next(): number {
          return ++this.#count;
        }
      }
      const env = {
        COUNTER: new Counter(),
        call: (n: number) => n + 1,
        FROZEN: Object.freeze({ value: () => "cold" }),
        KEYED: perCall(({ step, attempt }) => ({ who: () => `${step} ${attempt}` })),
        data: { plain: [1, { two: 2 }] },
      };
      const run = await flow(sandbox, `return await step.do("ask", async () => [
        await env.COUNTER.next(), await env.COUNTER.next(), await env.call(1), await env.FROZEN.value(), await env.KEYED.who(), env.data,
      ]);`, { env });
      assertEquals(run.output, [1, 2, 2, "cold", "ask 1", { plain: [1, { two: 2 }] }]);
    });

    it("show what had not ended when the run did", async () => {
      const run = await flow(sandbox, `return await Promise.race([step.sleep("long", "1 day"), step.sleep("short", "1 hour").then(() => "short")]);`);
      assertEquals([run.output, run.steps.map(({ status }) => status)], ["short", ["pending", "complete"]]);
      assertEquals([run.slept, run.elapsed], [3_600_000, 3_600_000]);
    });
  });
}

describe("a class under test", () => {
  it("may wait for real work in a body: no time-out comes meanwhile", async () => {
    class Reading extends WorkflowEntrypoint {
      async run(_event: WorkflowEvent<unknown>, step: WorkflowStep) {
        return await step.do("read", { timeout: 1, retries: { limit: 0, delay: 0 } }, async () => {
          let text = "";
          for (let n = 0; n < 20; n++) text = await readFile(new URL(import.meta.url), "utf8");
          return text.length > 100;
        });
      }
    }
    const { output, elapsed } = await testWorkflow(Reading);
    const typed: boolean | null = output;
    assertEquals([typed, elapsed], [true, 0]);
  });

  it("that waits for nothing that could come is given up", async () => {
    class Stuck extends WorkflowEntrypoint {
      async run() {
        await new Promise(() => {});
      }
    }
    const error = await testWorkflow(Stuck, { patience: 5 }).catch((error: Error) => error);
    assertMatch((error as Error).message, /^Cannot finish "Stuck": nothing is left that could happen, and it is running$/);
  });
});
