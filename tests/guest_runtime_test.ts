import { describe, it } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { type ContextTracker, turnContext } from "../adapters/sandbox/guest/context.ts";
import { formatLog, MAX_LOG_BYTES } from "../adapters/sandbox/guest/format.ts";
import { createRuntime, type Runtime, type WorkflowClass } from "../adapters/sandbox/guest/runtime.ts";
import type { WorkflowStep } from "../core/entrypoint.ts";
import { frame } from "../core/frame.ts";
import { DEFAULT_STEP_CONFIG } from "../core/step_config.ts";

const START = { d: "start", now: 5, seed: "s", class: "Flow", event: { timestamp: 1, instanceId: "i", workflowName: "w" }, bindings: [] };

function make(run: (step: WorkflowStep) => Promise<unknown>, context: ContextTracker = turnContext()): { runtime: Runtime; sent: string[] } {
  const sent: string[] = [];
  class Flow {
    run(_event: unknown, step: WorkflowStep): Promise<unknown> {
      return run(step);
    }
  }
  const find = (name: string) => name === "Flow" ? Flow as unknown as WorkflowClass : undefined;
  return { sent, runtime: createRuntime({ send: (text) => void sent.push(text), find, context }) };
}

describe("createRuntime()", () => {
  it("takes whatever is delivered", async () => {
    const word = fc.constantFrom("start", "settle", "body", "abort", "d", "id", "__proto__");
    const field = fc.oneof(fc.jsonValue(), word, fc.integer({ min: -1, max: 5 }));
    const header = fc.dictionary(fc.constantFrom("d", "id", "now", "ok", "attempt", "class", "event", "bindings", "config", "seed", "name"), field);
    await fc.assert(fc.asyncProperty(fc.array(fc.tuple(header, word, fc.option(fc.string())), { maxLength: 12 }), async (deliveries) => {
      const { runtime } = make(async (step) => {
        await Promise.allSettled([step.do("a", () => Promise.resolve(1)), step.sleep("b", 1)]);
      });
      for (const [fields, kind, value] of deliveries) {
        runtime.deliver(frame({ ...fields, d: kind }, value ?? undefined));
        await Promise.resolve();
      }
      runtime.stop();
    }));
  });

  it("gives every command a number of its own, across scopes", async () => {
    const { runtime, sent } = make(async (step) => {
      await step.do("outer", async () => {
        await Promise.all([step.sleep("x", 1), step.sleep("y", 1)]);
      });
    });
    runtime.deliver(frame(START));
    await Promise.resolve();
    runtime.deliver(frame({ d: "body", now: 5, id: 1, attempt: 1, name: "outer", count: 1, config: DEFAULT_STEP_CONFIG, seed: "b" }));
    await Promise.resolve();
    const ids = sent.map((text) => JSON.parse(text).id as number);
    assertEquals(ids, [1, 2, 3]);
  });

  it("forgets a command: its settlement is an unknown one", () => {
    const { runtime, sent } = make(() => new Promise(() => {}));
    runtime.deliver(frame(START));
    let fired = 0;
    const kept = runtime.timer(1, () => fired++);
    const forgotten = runtime.timer(2, () => fired++);
    assertEquals(sent.length, 2);
    runtime.forget(forgotten);
    runtime.forget(forgotten);
    for (const id of [forgotten, kept, kept]) runtime.deliver(frame({ d: "settle", now: 6, id, ok: true }));
    assertEquals(fired, 1);
  });

  it("never fires a timer that the host refused", () => {
    const { runtime } = make(() => new Promise(() => {}));
    runtime.deliver(frame(START));
    let fired = 0;
    const id = runtime.timer(1, () => fired++);
    runtime.deliver(frame({ d: "settle", now: 6, id, ok: false }));
    assertEquals(fired, 0);
  });

  it("issues nothing before the start and nothing after stop", () => {
    const { runtime, sent } = make(() => new Promise(() => {}));
    assertThrows(() => runtime.timer(1, () => {}), Error, "has not started");
    runtime.deliver(frame(START));
    runtime.stop();
    runtime.timer(1, () => {});
    runtime.log("info", "x");
    assertEquals(sent, []);
  });

  it("is busy while the run has nothing that the host could settle", async () => {
    let resolve: () => void = () => {};
    const { runtime } = make(async (step) => {
      await step.sleep("s", 1);
      await new Promise<void>((done) => resolve = done);
    });
    assertEquals(runtime.busy(), false);
    runtime.deliver(frame(START));
    assertEquals(runtime.busy(), false);
    runtime.deliver(frame({ d: "settle", now: 6, id: 1, ok: true }));
    await Promise.resolve();
    assertEquals(runtime.busy(), true);
    resolve();
    for (let i = 0; i < 5; i++) await Promise.resolve();
    assertEquals(runtime.busy(), false);
  });
});

describe("formatLog()", () => {
  it("is total and bounded for any values", () => {
    fc.assert(fc.property(fc.array(fc.anything({ withMap: true, withSet: true, withDate: true, withBigInt: true, withTypedArray: true, withNullPrototype: true })), (values) => {
      assert(new TextEncoder().encode(formatLog(values)).length <= MAX_LOG_BYTES);
    }));
  });

  it("reads like the value", () => {
    assertEquals(formatLog(["a", 1, -0, 2n, true, null, undefined, Symbol("s")]), "a 1 -0 2n true null undefined Symbol(s)");
    assertEquals(formatLog([{ a: "x", b: [1, [2, [3, [4]]]] }, [, 1]]), '{a: "x", b: [1, [2, [Array]]]} [undefined, 1]');
    assertEquals(formatLog([new Map([["k", new Set([1])]]), new Date(0), /r/g]), 'Map {"k" => Set {1}} 1970-01-01T00:00:00.000Z /r/g');
    class Point {
      x = 1;
      get y() {
        return 2;
      }
    }
    assertEquals(formatLog([new Point(), function named() {}, new Uint8Array(3), Promise.resolve()]), "Point {x: 1} [Function: named] Uint8Array(3 bytes) [Promise]");
    assertEquals(formatLog([Array(60).fill(0)]).slice(-12), ", … 10 more]");
  });
});
