import { describe, it } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createDynamicWorkflowEntrypoint, DynamicWorkflowBinding, type WorkflowRunner, wrapWorkflowBinding } from "../../adapters/cloudflare.ts";
import { RpcTarget, WorkflowEntrypoint } from "../../adapters/cloudflare/workers.ts";
import { type Any, failing, onPlatform, overtime, type Platform } from "./_platform.ts";

/** A step of a dispatcher's own around the engine's, as a class that is passed by reference. */
class Watched extends RpcTarget {
  readonly #step: Any;
  readonly #note: (text: string) => void;
  constructor(step: Any, note: (text: string) => void) {
    super();
    this.#step = step;
    this.#note = note;
  }
  do(name: string, ...rest: Any[]): Promise<unknown> {
    this.#note(`do ${name}`);
    return this.#step.do(`tenant/${name}`, ...rest);
  }
  sleep(name: string, duration: Any): Promise<void> {
    this.#note(`sleep ${name}`);
    return this.#step.sleep(name, duration);
  }
  sleepUntil(name: string, time: Any): Promise<void> {
    return this.#step.sleepUntil(name, time);
  }
  waitForEvent(name: string, options: Any): Promise<unknown> {
    this.#note(`wait ${name}`);
    return this.#step.waitForEvent(name, options);
  }
}

let sources: Record<string, string> = {};
const notes: string[] = [];
const done: unknown[] = [];

/** A dispatcher that hands on its own step. */
const dispatcher = (wrap: (step: Any) => object = (step) => new Watched(step, (text) => void notes.push(text))) => ({
  DynamicWorkflowBinding,
  DynamicWorkflow: createDynamicWorkflowEntrypoint<Any>(({ env, metadata }) => {
    const tenant = metadata["tenantId"] as string;
    const modules = { "m.js": `import { WorkflowEntrypoint } from "cloudflare:workers"; import { NonRetryableError } from "cloudflare:workflows"; export class W extends WorkflowEntrypoint { async run(event, step) { ${sources[tenant]} } }` };
    const stub = env.LOADER.load({ mainModule: "m.js", modules, env: { NOTE: (value: unknown) => void done.push(value) } }).getEntrypoint("W");
    return { run: (event: Any, step: Any) => stub.run(event, wrap(step)) } as unknown as WorkflowRunner;
  }),
});

function on(source: string, test: (platform: Platform, order: Any) => Promise<void>, wrap?: (step: Any) => object): Promise<void> {
  sources = { acme: source };
  notes.length = done.length = 0;
  return onPlatform({ dispatcher: dispatcher(wrap) }, async (platform) => {
    await test(platform, await wrapWorkflowBinding({ tenantId: "acme" }).create({ id: "one", params: { n: 1 } }));
  });
}

describe("a step that the dispatcher has wrapped", () => {
  it("is called for each step of the code, and what they come to is recorded as the class's own", () =>
    on(
      `const a = await step.do("a", async (ctx) => ({ at: new Date(5), n: event.payload.n, ctx: [ctx.step.name, ctx.step.count, ctx.attempt, ctx.config.retries.limit] }));
       const [b, c] = await Promise.all([step.do("b", { retries: { limit: 1, delay: 0 } }, async ({ attempt }) => { if (attempt === 1) throw new Error("again"); return attempt; }), step.do("b", async () => undefined)]);
       await step.sleep("nap", "1 hour");
       const { payload, type } = await step.waitForEvent("go", { type: "go" });
       return { a, b, c, payload, type, id: event.instanceId, of: event.workflowName };`,
      async ({ clock, until, result, app, again }, order) => {
        await until("acme", "one", "waiting");
        await again();
        clock.jump(3_600_000);
        const instance = await app.tenure.tenant("acme").workflow("dynamic-workflow").get("one");
        for (let n = 0; n < 50; n++) await new Promise<void>((resolve) => setImmediate(resolve));
        await wrapWorkflowBinding({ tenantId: "acme" }).get("one").then((found) => found.sendEvent({ type: "go", payload: { ok: true } }));
        assertEquals(await result("acme", "one"), { a: { at: new Date(5), n: 1, ctx: ["tenant/a", 1, 1, 5] }, b: 2, c: undefined, payload: { ok: true }, type: "go", id: "one", of: "dynamic-workflow" });
        assertEquals(notes.slice(0, 4), ["do a", "do b", "do b", "sleep nap"]);
        assertEquals(notes.at(-1), "wait go");
        assertEquals((await instance.status()).status, "complete");
        assertEquals(order.id, "one");
      },
    ));

  it("pins the code all the same, and shows it one clock and one chance in each replay", () =>
    on(
      `const first = [Math.random(), Date.now(), crypto.randomUUID()];
       await step.do("keep", async () => this.env.NOTE(first));
       await step.sleep("nap", 1000);
       return [first, "old"];`,
      async ({ clock, until, result, again }) => {
        await until("acme", "one", "waiting");
        sources["acme"] = `throw new Error("new code");`;
        await again();
        clock.jump(1_000);
        const [first, which] = await result("acme", "one");
        assertEquals([first, which], [done[0], "old"]);
      },
    ));

  it("fails as its code fails, retries what may be, and not what may not", () =>
    on(
      `const caught = [];
       for (const error of [new NonRetryableError("never"), new RangeError("twice")]) {
         let tries = 0;
         await step.do("x", { retries: { limit: 1, delay: 0 } }, async () => { tries++; throw error; }).catch((error) => caught.push([error.name, error.message, tries]));
       }
       await step.do("x", async () => () => {}).catch((error) => caught.push(error.message));
       await step.do("\\u0000", async () => 1).catch((error) => caught.push(error.name));
       this.env.NOTE(caught);
       throw new TypeError("at last");`,
      async ({ result }) => {
        const error = await failing(result("acme", "one"));
        assertEquals([error.name, error.message], ["TypeError", "at last"]);
        const [[never, twice, unstorable, name]] = done as [Any[]];
        assertEquals([never[0], never[1], never[2], twice], ["NonRetryableError", "never", 1, ["RangeError", "twice", 2]]);
        assertStringIncludes(unstorable, "cannot be stored");
        assertEquals(name, "WorkflowFatalError");
      },
    ));

  it("has delay functions asked and rollback handlers run in the code", () =>
    on(
      `await step.do("undone", async () => "made", { rollback: async ({ ctx, error, output, stepName }) => { await this.env.NOTE(["rollback", output, error.message, stepName, ctx.attempt]); } });
       await step.do("slow", { retries: { limit: 1, delay: ({ error }) => { this.env.NOTE(["delay", error.message]); return 1000; } } }, async () => { throw new Error("fails"); });`,
      async ({ clock, result }) => {
        assertEquals((await failing(overtime(clock, 1_000, result("acme", "one")))).message, "fails");
        const { rollback } = await (await wrapWorkflowBinding({ tenantId: "acme" }).get("one")).status() as Any;
        assertEquals(rollback, "complete");
        assertEquals(done, [["delay", "fails"], ["rollback", "made", "fails", "tenant/undone-1", 1]]);
      },
    ));

  it("has rollback handlers found again after a restart of the process", () =>
    on(
      `await step.do("a", async () => "made a", { rollback: async ({ output }) => { await this.env.NOTE(output); } });
       await step.do("b", async () => "made b", { rollback: async ({ output }) => { await this.env.NOTE(output); }, rollbackConfig: { retries: { limit: 1, delay: 0 } } });
       await step.sleep("nap", "1 day");`,
      async ({ until, again }) => {
        await until("acme", "one", "waiting");
        await again();
        await (await wrapWorkflowBinding({ tenantId: "acme" }).get("one")).terminate({ rollback: true });
        await until("acme", "one", "terminated");
        assertEquals(done, ["made b", "made a"]);
      },
    ));

  it("counts steps within a step as that step's", () =>
    on(
      `return await step.do("outer", async () => [await step.do("inner", async ({ step }) => step.count), await step.do("inner", async ({ step }) => step.count)]);`,
      async ({ result }) => assertEquals(await result("acme", "one"), [1, 2]),
    ));

  it("may leave out what it likes, and change what it likes", () =>
    on(
      `const caught = await step.sleep("nap", 1).catch((error) => error.message); return [await step.do("a", async (ctx) => [typeof ctx.attempt, ctx.step.name]), caught, await step.setState?.(1).catch((error) => error.message)];`,
      async ({ result }) => {
        const [a, caught, state] = await result("acme", "one");
        assertEquals(a, [["number", "a"], "changed"]);
        assert(caught.includes("sleep"), caught);
        assertStringIncludes(state, "the dispatcher's step has no such method");
      },
      (step) => ({ do: async (name: string, body: Any) => [await step.do(name, () => body()), "changed"] }),
    ));

  it("refuses streams as results of steps, by a clear error", () =>
    on(
      `return await step.do("stream", async () => new ReadableStream({ start(to) { to.enqueue(new Uint8Array(1)); to.close(); } })).catch((error) => error.message);`,
      async ({ result }) => assertStringIncludes(await result("acme", "one"), "a stream does not go through a step that the dispatcher has wrapped"),
    ));

  it("is told when the code waits for what never comes, dies or sends what is no command", () =>
    on(`await new Promise(() => {});`, async ({ result }) => {
      assertStringIncludes((await failing(result("acme", "one"))).message, "never comes");
    }));

  it("can be a step of nobody's: a dispatcher's test runs the code by a double", () =>
    onPlatform({}, async () => {
      const { env } = await import("../../adapters/cloudflare/workers.ts");
      const stub = (env["LOADER"] as Any).load({ mainModule: "m.js", modules: { "m.js": `export class W { async run(event, step) { return [await step.do("a", async (ctx) => 1), await step.do("b", async () => 2), event.payload]; } }` } }).getEntrypoint("W");
      const names: string[] = [];
      const step = { do: (name: string, body: Any) => (names.push(name), name === "a" ? Promise.resolve("given") : body()) };
      assertEquals([await stub.run({ payload: 5 }, step), names], [["given", 2, 5], ["a", "b"]]);
      assert(WorkflowEntrypoint !== undefined);
    }));
});
