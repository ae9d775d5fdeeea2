import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { quickjs } from "../adapters/sandbox/quickjs.ts";
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "../mod.ts";
import { testWorkflow } from "../testing/mod.ts";

const SOURCE = `
  import { WorkflowEntrypoint } from "cloudflare:workers";
  export class Pair extends WorkflowEntrypoint {
    async run(event, step) {
      const left = await step.do("left", async () => "the left body");
      const right = await step.do("right", async () => "the right body");
      return [left, right];
    }
  }
`;

class Pair extends WorkflowEntrypoint {
  async run(_event: WorkflowEvent<unknown>, step: WorkflowStep): Promise<string[]> {
    const left = await step.do("left", async () => "the left body");
    const right = await step.do("right", async () => "the right body");
    return [left, right];
  }
}

class Patient extends WorkflowEntrypoint {
  async run(_event: WorkflowEvent<unknown>, step: WorkflowStep) {
    await step.sleep("a month", "30 days");
    const { payload } = await step.waitForEvent<string>("a word", { type: "word", timeout: "1 day" });
    return payload;
  }
}

describe("a workflow under test", () => {
  for (const [name, subject] of [["a class", Pair], ["source text in its sandbox", SOURCE]] as const) {
    it(`gets the results that are given by name, and runs the bodies of other steps: ${name}`, async () => {
      const options = { sandbox: quickjs(), steps: { left: "an answer" } };
      const run = await (typeof subject === "string" ? testWorkflow(subject, options) : testWorkflow(subject, options));
      assertEquals(run.output, ["an answer", "the right body"]);
      assertEquals(run.steps.map(({ name, attempts, status, result }) => [name, attempts, status, result]), [
        ["left", 1, "complete", "an answer"],
        ["right", 1, "complete", "the right body"],
      ]);
    });
  }

  it("calls a function that answers for each attempt, and retries in no time", async () => {
    const attempts: number[] = [];
    const left = ({ attempt }: { attempt: number }): string => {
      attempts.push(attempt);
      if (attempt < 3) throw new Error("busy");
      return "at last";
    };
    const run = await testWorkflow(Pair, { steps: { left } });
    assertEquals(attempts, [1, 2, 3]);
    assertEquals(run.output, ["at last", "the right body"]);
  });

  it("fails with an error that is given for a step", async () => {
    const run = await testWorkflow(Pair, { steps: { left: new RangeError("too far left") } });
    assertEquals(run.status, "errored");
    assertEquals(run.output, null);
    assertEquals(run.error?.message, "too far left");
  });

  it("sleeps and waits in no time, and says how long", async () => {
    const run = await testWorkflow(Patient, { events: [{ type: "word", payload: "yes", after: "721 hours" }] });
    assertEquals(run.output, "yes");
    assertEquals([run.slept / 3_600_000, run.elapsed / 3_600_000], [720, 721]);
  });

  it("errs when an event does not come in time", async () => {
    const run = await testWorkflow(Patient);
    assertEquals([run.status, run.elapsed / 86_400_000], ["errored", 31]);
  });

  it("says which answers and events nobody asked for", async () => {
    const run = await testWorkflow(Pair, { steps: { left: 1, lefft: 2 }, events: [{ type: "stray" }] });
    assertEquals(run.unused, { steps: ["lefft"], events: ["stray"] });
  });

  it("refuses a step without an answer when it is strict", async () => {
    await assertRejects(() => testWorkflow(Pair, { strict: true, steps: { left: 1 } }), Error, 'the step "right"');
  });

  it("refuses source text without a sandbox, and code in which it is not clear which class is meant", async () => {
    await assertRejects(() => testWorkflow(SOURCE, {} as never), TypeError, "without a sandbox");
    const two = `${SOURCE} export class Other extends Pair {}`;
    await assertRejects(() => testWorkflow(two, { sandbox: quickjs() }), TypeError, "Other, Pair");
    assertEquals((await testWorkflow(two, { sandbox: quickjs(), workflow: "Other" })).status, "complete");
  });

  it("is given up when it does not come to an end", async () => {
    class Endless extends WorkflowEntrypoint {
      async run(_event: WorkflowEvent<unknown>, step: WorkflowStep) {
        for (;;) await step.sleep("a day", "1 day");
      }
    }
    await assertRejects(() => testWorkflow(Endless, { timeout: "10 days" }), Error, 'Cannot finish "Endless"');
  });
});
