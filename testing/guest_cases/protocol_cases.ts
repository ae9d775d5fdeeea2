/**
 * Cases of the Guest port: what is delivered and what comes back.
 *
 * @module
 */
import { check, equal } from "../store_cases/check.ts";
import type { Case } from "../store_cases/subject.ts";
import { flow, guestCase, only, type OpenSandbox, output } from "./subject.ts";

/** See the file's head. */
export function protocolCases(open: OpenSandbox): Case[] {
  return [
    guestCase(open, "start runs the class and end carries its output", async (bench) => {
      const run = await bench.start(
        flow(`return [event.payload, event.timestamp, event.timestamp instanceof Date, event.instanceId,
          event.workflowName, this.env.NAME, this.env.LIST, typeof this.ctx.waitUntil];`),
        { params: { sku: 7 }, env: { NAME: "acme", LIST: [1, { a: 2 }] } },
      );
      equal(output(run.started), [{ sku: 7 }, new Date(500), true, "order-1", "flows", "acme", [1, { a: 2 }], "function"], "output");
    }),

    guestCase(open, "start of a class that is not exported ends with an error", async (bench) => {
      for (const name of ["Nobody", "helper", "toString", "__proto__", ""]) {
        const run = await bench.start(flow("return 1;", "export function helper() {}"), { class: name });
        const { command } = only(run.started, "end");
        check(!command.ok && command.error !== undefined, `class ${JSON.stringify(name)} ran`);
      }
    }),

    guestCase(open, "an error of run or of the constructor is the run's, and keeps its class", async (bench) => {
      const run = await bench.start(flow(`throw new RangeError("too far");`));
      const end = only(run.started, "end");
      equal(end.command.error, { name: "RangeError", message: "too far" }, "error");
      check(end.value instanceof RangeError, "the value is not a RangeError");
      const other = await bench.start(
        `export class Flow { constructor() { throw new TypeError("no") } run() {} }`,
      );
      equal(only(other.started, "end").command.error, { name: "TypeError", message: "no" }, "error of the constructor");
    }),

    guestCase(open, "a step is issued, run, done and settled", async (bench) => {
      const run = await bench.start(flow(`
        const got = await step.do("first", async (ctx) => ({ ctx: { ...ctx, signal: typeof ctx.signal.aborted }, n: 1 }));
        return [got, typeof got];`));
      const issued = only(run.started, "do").command;
      equal(issued, { c: "do", id: issued.id, in: 0, name: "first" }, "do");
      const done = only(await run.body(issued.id, { name: "first", count: 3, attempt: 2 }), "done");
      equal(done.command, { c: "done", id: issued.id, attempt: 2, ok: true }, "done");
      const ctx = done.value as { ctx: unknown };
      equal(ctx.ctx, {
        step: { name: "first", count: 3 },
        attempt: 2,
        config: { retries: { limit: 5, delay: "10 seconds", backoff: "exponential" }, timeout: "10 minutes" },
        signal: "boolean",
      }, "ctx");
      // What counts is what the host settles with, not what the body gave.
      equal(output(await run.settle(issued.id, "from the host")), ["from the host", "string"], "output");
    }),

    guestCase(open, "a step's config is checked, merged and sent only when it is given", async (bench) => {
      const run = await bench.start(flow(`
        await step.do("s", { retries: { limit: 1, delay: "2 minutes" }, sensitive: "output" }, async (ctx) => { ctx.config.timeout = 1; });`));
      equal(only(run.started, "do").command.config, {
        retries: { limit: 1, delay: "2 minutes", backoff: "exponential" },
        timeout: "10 minutes",
        sensitive: "output",
      }, "config");
    }),

    guestCase(open, "a step without a result settles with undefined", async (bench) => {
      const run = await bench.start(flow(`return [await step.do("s", async () => {})];`));
      const { id } = only(run.started, "do").command;
      const done = only(await run.body(id), "done");
      equal([done.command.ok, done.value], [true, undefined], "done");
      equal(output(await run.settle(id)), [undefined], "output");
    }),

    guestCase(open, "steps in parallel are issued at once and settled in any order", async (bench) => {
      const run = await bench.start(flow(`
        return await Promise.all(["a", "b", "c"].map((name) => step.do(name, async () => name)));`));
      equal(run.started.map(({ command }) => "name" in command && command.name), ["a", "b", "c"], "names");
      const ids = run.started.map(({ command }) => (command as { id: number }).id);
      equal(new Set(ids).size, 3, "ids differ");
      equal(await run.settle(ids[1] as number, "B"), [], "nothing yet");
      equal(await run.settle(ids[2] as number, "C"), [], "nothing yet");
      equal(output(await run.settle(ids[0] as number, "A")), ["A", "B", "C"], "output");
    }),

    guestCase(open, "of a race the first settled wins", async (bench) => {
      const run = await bench.start(flow(`
        const slow = step.do("slow", async () => 1).then((x) => x).then((x) => x);
        const deep = step.do("deep", async () => 1).then((x) => x).then((x) => x).then((x) => x).then((x) => x);
        return await Promise.race([slow, deep]);`));
      const ids = run.started.map(({ command }) => (command as { id: number }).id);
      equal(output(await run.settle(ids[1] as number, "deep")), "deep", "output");
    }),

    guestCase(open, "steps issued in a body carry its id, also after they were settled", async (bench) => {
      const run = await bench.start(flow(`
        return await step.do("outer", async () => {
          const a = await step.do("inner", async () => 1);
          await step.sleep("nap", 5);
          return a + 1;
        });`));
      const outer = only(run.started, "do").command;
      const inner = only(await run.body(outer.id), "do").command;
      equal([inner.name, inner.in], ["inner", outer.id], "inner");
      const nap = only(await run.settle(inner.id, 41), "sleep").command;
      equal([nap.name, nap.in, nap.ms], ["nap", outer.id, 5], "nap");
      const done = only(await run.settle(nap.id), "done");
      equal([done.command.id, done.value], [outer.id, 42], "done");
      equal(output(await run.settle(outer.id, 42)), 42, "output");
    }),

    guestCase(open, "what the run issues while a body is open is the run's", async (bench) => {
      const run = await bench.start(flow(`
        const outer = step.do("outer", async () => { await step.do("inner", async () => 1); });
        await step.sleep("mine", 1);
        await step.sleep("mine too", 1);
        await outer;`));
      const [outer, mine] = run.started.map(({ command }) => command as { id: number; in: number });
      only(await run.body((outer as { id: number }).id), "do");
      const next = only(await run.settle((mine as { id: number }).id), "sleep").command;
      equal([next.name, next.in], ["mine too", 0], "next");
    }),

    guestCase(open, "a step that nobody awaits outlives the run", async (bench) => {
      const run = await bench.start(flow(`step.do("left", async () => 5); return "out";`));
      equal(run.started.map(({ command }) => command.c), ["do", "end"], "sent");
      const { id } = run.started[0]?.command as { id: number };
      equal(only(await run.body(id), "done").value, 5, "done");
      equal(await run.fail(id, new Error("nobody hears it")), [], "settled");
    }),

    guestCase(open, "deliveries that are unknown, late or repeated change nothing", async (bench) => {
      const run = await bench.start(flow(`
        const a = await step.do("a", async () => 1);
        const z = await step.sleep("z", 1);
        return [a, z];`));
      const a = only(run.started, "do").command.id;
      const nothing = async (what: string, sent: Promise<readonly unknown[]>) => equal(await sent, [], what);
      await nothing("unknown settle", run.settle(999, 1));
      await nothing("unknown body", run.body(999));
      await nothing("unknown abort", run.abort(999));
      await nothing("second start", run.start({}));
      for (const text of ["", "nonsense", "{}", "[]", "null", "1", '{"d":"settle"}', '{"d":"what","id":1}', '{"d":"settle","id":"1"}\nj1', '{"d":"body"}', "\n"]) {
        await nothing(JSON.stringify(text), run.raw(text));
      }
      only(await run.body(a), "done");
      await nothing("the same attempt again", run.body(a));
      equal(only(await run.body(a, { attempt: 2 }), "done").command.attempt, 2, "the next attempt");
      await nothing("an earlier attempt", run.body(a, { attempt: 1 }));
      const z = only(await run.settle(a, "A"), "sleep").command.id;
      await nothing("settled again", run.settle(a, "B"));
      await nothing("body of a settled step", run.body(a, { attempt: 3 }));
      await nothing("body of a sleep", run.body(z));
      equal(output(await run.settle(z)), ["A", undefined], "output");
      await nothing("after the end", run.settle(z));
    }),

    guestCase(open, "a value that is not one rejects", async (bench) => {
      const run = await bench.start(flow(`
        try { await step.do("a", async () => 1); } catch (error) { return error instanceof Error; }`));
      const { id } = only(run.started, "do").command;
      equal(output(await run.raw(JSON.stringify({ d: "settle", now: 1, id, ok: true }) + "\nnot a value")), true, "output");
    }),

    guestCase(open, "a dropped guest is silent", async (bench) => {
      const run = await bench.start(flow(`await step.do("a", async (ctx) => { await new Promise(() => {}); });`));
      await run.body(only(run.started, "do").command.id);
      run.guest.drop();
      run.guest.drop();
    }),
  ];
}
