/**
 * Cases of the Guest port: what a tenant's code finds around it.
 *
 * @module
 */
import { CodeError } from "../../core/errors.ts";
import { check, equal, rejects } from "../store_cases/check.ts";
import type { Case } from "../store_cases/subject.ts";
import { flow, guestCase, HEAD, only, type OpenSandbox, output, type Sent } from "./subject.ts";

/** See the file's head. */
export function hostCases(open: OpenSandbox): Case[] {
  return [
    guestCase(open, "prepare finds the classes, strips types and resolves modules", async (bench) => {
      const prepared = await bench.prepare({
        mainModule: "index.ts",
        modules: {
          "index.ts": `import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
            import { double } from "./lib/math";
            interface Params { readonly n: number }
            export class Second extends WorkflowEntrypoint<unknown, Params> { async run(): Promise<void> {} }
            export class Flow extends WorkflowEntrypoint<unknown, Params> {
              async run(event: WorkflowEvent<Params>, step: WorkflowStep): Promise<number> { return double(event.payload.n as number); }
            }
            export class NoWorkflow { walk() {} }
            export const notAClass = { run() {} };
            export function plain() {}`,
          "lib/math.ts": `export const double = (n: number): number => n * 2;`,
        },
      });
      equal([...prepared.classes].sort(), ["Flow", "Second"], "classes");
      equal(output((await bench.start(prepared, { params: { n: 21 } })).started), 42, "output");
    }),

    guestCase(open, "prepare refuses code that cannot run", async (bench) => {
      for (const source of ["export class {", `import "./nowhere.js";`, `throw new RangeError("at module scope");`]) {
        const error = await rejects(() => bench.prepare(source), source);
        check(CodeError.is(error) && (error as CodeError).code === "code_invalid", `${source} failed otherwise: ${error}`);
        check((error as CodeError).diagnostics.length > 0, `${source} has no diagnostics`);
      }
    }),

    guestCase(open, "console writes logs with level and owner", async (bench) => {
      const run = await bench.start(flow(`
        console.log("plain", 1, { a: [true, null] });
        console.debug("d"); console.info("i"); console.warn("w"); console.error(new TypeError("bad"));
        await step.do("s", async () => { console.log("inside"); });`));
      const logs = run.started.filter(({ command }) => command.c === "log");
      equal(logs.map(({ command }) => "level" in command && command.level), ["info", "debug", "info", "warn", "error"], "levels");
      equal(logs.slice(0, 2).map(({ value }) => value), ["plain 1 { a: [true, null] }".replaceAll("{ ", "{").replaceAll(" }", "}"), "d"], "texts");
      check(String(logs[4]?.value).startsWith("TypeError: bad"), `error: ${logs[4]?.value}`);
      const step = run.started.find(({ command }) => command.c === "do")?.command as { id: number };
      const inside = (await run.body(step.id))[0] as Sent;
      equal([inside.command, inside.value], [{ c: "log", in: step.id, level: "info" }, "inside"], "inside");
    }),

    guestCase(open, "console is total and bounded", async (bench) => {
      const run = await bench.start(flow(`
        const bomb = () => { throw new Error("bomb"); };
        const deep = {}; let at = deep; for (let i = 0; i < 1000; i++) at = at.next = {};
        const circle = {}; circle.self = circle;
        const values = [undefined, null, -0, NaN, 1n, Symbol("s"), () => 1, circle, deep, Object.create(null), new Date(NaN),
          { get a() { return bomb(); } }, new Proxy({}, { get: bomb, ownKeys: bomb, getPrototypeOf: bomb, getOwnPropertyDescriptor: bomb }),
          { toString: bomb, toJSON: bomb, [Symbol.toPrimitive]: bomb }, Array(1e6).fill(0), "x".repeat(1e6), "é🎉\\0".repeat(1e5),
          new Map([[1, new Set([2])]]), /r/, Promise.resolve(), new Uint8Array(1e5), Object.assign(new Error("e"), { name: { toString: bomb } })];
        for (const value of values) console.log(value);
        console.log(...values);
        console.log();
        return values.length;`));
      const logs = run.started.filter(({ command }) => command.c === "log");
      equal(logs.length, 24, "lines");
      const bytes = logs.map(({ value }) => new TextEncoder().encode(value as string).length);
      check(Math.max(...bytes) <= 8192, `a line has ${Math.max(...bytes)} bytes`);
      check(logs.every(({ value }) => !(value as string).includes("\0")), "a NUL would end the text");
      equal(output(run.started.slice(-1)), 22, "output");
    }),

    guestCase(open, "a method of a binding is a call, its outcome the host's", async (bench) => {
      const run = await bench.start(
        flow(`
          const first = await this.env.AI.run("model", { n: 1n });
          try { await this.env.AI.run(); } catch (e) { return [first, e instanceof RangeError, e.message, this.env.PLAIN]; }`),
        { bindings: ["AI"], env: { PLAIN: 5 } },
      );
      const call = only(run.started, "call");
      equal(call.command, { c: "call", id: call.command.id, in: 0, target: "AI", method: "run" }, "call");
      equal((call.value as unknown[])[0], "model", "first argument");
      check(((call.value as unknown[])[1] as { n: unknown }).n === 1n, "second argument");
      const second = only(await run.settle(call.command.id, { text: "hello" }), "call");
      equal(second.value, [], "no arguments");
      equal(output(await run.fail(second.command.id, new RangeError("no quota"))), [{ text: "hello" }, true, "no quota", 5], "output");
    }),

    guestCase(open, "a binding can be called itself, awaited, passed about, and not changed", async (bench) => {
      const run = await bench.start(
        flow(`
          "use strict";
          const binding = await this.env.FN;
          try { binding.x = 1; return "changed"; } catch {}
          const shape = [typeof binding, binding.then, binding.toJSON, binding.constructor, binding.prototype, binding[Symbol.iterator], binding.__proto__];
          const { method } = binding;
          return [shape, await Promise.all([binding(1, 2), method("m")])];`),
        { bindings: ["FN"] },
      );
      const calls = run.started.map(({ command, value }) => [(command as { method: string }).method, value]);
      equal(calls, [["", [1, 2]], ["method", ["m"]]], "calls");
      const ids = run.started.map(({ command }) => (command as { id: number }).id);
      await run.settle(ids[0] as number, "a");
      equal(output(await run.settle(ids[1] as number, "b")), [["function", ...Array(6).fill(undefined)], ["a", "b"]], "output");
    }),

    guestCase(open, "a call in a body is the body's, and arguments that cannot be sent reject", async (bench) => {
      const run = await bench.start(
        flow(`
          return await step.do("s", async () => {
            try { await this.env.KV.put("k", [() => 1]); } catch (e) { return [e.message, await this.env.KV.get("k")]; }
          });`),
        { bindings: ["KV"] },
      );
      const { id } = only(run.started, "do").command;
      const call = only(await run.body(id), "call").command;
      equal([call.in, call.method], [id, "get"], "call");
      const done = only(await run.settle(call.id, "v"), "done");
      const [message, value] = done.value as [string, string];
      check(message.includes("arguments[1][0]"), `no path in: ${message}`);
      equal(value, "v", "value");
    }),

    guestCase(open, "the env of cloudflare:workers is the run's", async (bench) => {
      const run = await bench.start(
        `import { WorkflowEntrypoint, env } from "cloudflare:workers";
        const early = Object.keys(env).length;
        export class Flow extends WorkflowEntrypoint {
          async run() { return [early, env.NAME, "NAME" in env, "OTHER" in env, Object.keys(env), env === this.env, { ...env }.NAME, await env.AI.x()]; }
        }`,
        { env: { NAME: "n" }, bindings: ["AI"] },
      );
      const { id } = only(run.started, "call").command;
      equal(output(await run.settle(id, 9)), [0, "n", true, false, ["NAME", "AI"], false, "n", 9], "output");
    }),

    guestCase(open, "classes of other kinds can be exported beside workflows", async (bench) => {
      const prepared = await bench.prepare(
        `import { WorkerEntrypoint, RpcTarget } from "cloudflare:workers";
        import { WorkflowEntrypoint as Ours } from "tenure";
        ${HEAD}
        export class Api extends WorkerEntrypoint { async ping() { return 1; } }
        export class Target extends RpcTarget {}
        export class Flow extends Ours { async run() { return [this instanceof WorkflowEntrypoint, Ours === WorkflowEntrypoint]; } }
        export default { async fetch() { return new Response("x"); } };`,
      );
      equal([...prepared.classes], ["Flow"], "classes");
      equal(output((await bench.start(prepared)).started), [true, true], "output");
    }),
  ];
}
