/**
 * Cases of the Guest port: `step` and its errors.
 *
 * @module
 */
import type { Delivery, StepConfig } from "../../core/ports/guest.ts";
import { encode, encodeThrown } from "../../core/values.ts";
import { check, equal } from "../store_cases/check.ts";
import type { Case } from "../store_cases/subject.ts";
import { type CommandOf, flow, guestCase, only, type OpenSandbox, output } from "./subject.ts";

/** See the file's head. */
export function stepCases(open: OpenSandbox): Case[] {
  return [
    guestCase(open, "values of every type round trip", async (bench) => {
      const run = await bench.start(flow(`
        const make = () => {
          const shared = { s: 1 };
          const value = { date: new Date(5), map: new Map([[{ k: 1 }, new Set([1, "2"])]]), big: 12345678901234567890n,
            regexp: /a+/gi, bytes: new Uint8Array([1, 2, 255]), ints: new Int16Array([-1, 300]), buffer: new ArrayBuffer(3),
            nan: NaN, minus: -0, infinite: -Infinity, none: undefined, nil: null, text: "ünï\\u0000🎉\\ud800",
            list: [1, , 3], error: new TypeError("t"), shared, again: shared };
          value.self = value;
          return value;
        };
        const v = await step.do("all", async () => make());
        return [v.date instanceof Date && v.date.getTime() === 5, v.map instanceof Map, [...v.map.keys()][0].k === 1,
          [...v.map.values()][0].has("2"), v.big === 12345678901234567890n, v.regexp instanceof RegExp && String(v.regexp) === "/a+/gi",
          v.bytes instanceof Uint8Array && v.bytes[2] === 255, v.ints instanceof Int16Array && v.ints[1] === 300,
          v.buffer instanceof ArrayBuffer && v.buffer.byteLength === 3, Number.isNaN(v.nan), Object.is(v.minus, -0),
          v.infinite === -Infinity, "none" in v && v.none === undefined, v.nil === null, v.text === "ünï\\u0000🎉\\ud800",
          v.list.length === 3 && !(1 in v.list), v.error instanceof TypeError, v.shared === v.again, v.self === v];`));
      const result = output(await run.step(only(run.started, "do").command.id)) as boolean[];
      equal(result.map((ok, i) => ok ? "" : i).join(""), "", "checks that failed");
      equal(result.length, 19, "checks");
    }),

    guestCase(open, "two settlements never share an object", async (bench) => {
      const run = await bench.start(flow(`
        const kept = { n: 1 };
        const a = await step.do("a", async () => kept);
        kept.n = 2; a.n = 3;
        const b = await step.do("b", async () => a);
        return [kept === a, a === b, kept.n, b.n];`));
      const next = only(await run.step(only(run.started, "do").command.id), "do").command;
      equal(output(await run.step(next.id)), [false, false, 2, 3], "output");
    }),

    guestCase(open, "an error of a body keeps its class, its name and what it carries, there and back", async (bench) => {
      const run = await bench.start(flow(`
        class Odd extends Error { constructor(m) { super(m); this.name = "Odd"; this.extra = { a: 1 }; } }
        const seen = [];
        for (const make of [() => new RangeError("far"), () => new Odd("odd")]) {
          try { await step.do("s", async () => { throw make(); }); }
          catch (e) { seen.push(e instanceof Error, e instanceof RangeError, e.name, e.message, e.extra?.a); }
        }
        return seen;`));
      const far = only(run.started, "do").command.id;
      const done = only(await run.body(far), "done");
      equal([done.command.ok, done.command.retry, done.command.error], [false, true, { name: "RangeError", message: "far" }], "done");
      const odd = only(await run.fail(far, done.value), "do").command.id;
      equal(output(await run.step(odd)), [true, true, "RangeError", "far", undefined, true, false, "Odd", "odd", 1], "output");
    }),

    guestCase(open, "whatever a body throws is an error", async (bench) => {
      const thrown = ["5", "undefined", "null", "'text'", "() => 1", "Symbol('s')", "({ get message() { throw 1 } })",
        "new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 }, ownKeys() { throw 3 } })",
        "Object.assign(new Error('carrying'), { socket: () => 1 })", "Object.create(null)"];
      for (const expression of thrown) {
        const run = await bench.start(flow(`
          try { await step.do("s", () => { throw ${expression}; }); } catch (e) { return "caught"; }`));
        const { id } = only(run.started, "do").command;
        const done = only(await run.body(id), "done");
        check(!done.command.ok && typeof done.command.error?.message === "string", `${expression} was no error`);
        check(done.text !== undefined, `${expression} has no value`);
        equal(output(await run.fail(id, done.value)), "caught", "output");
      }
    }),

    guestCase(open, "an error that says never again is not retried", async (bench) => {
      const before = `import { NonRetryableError } from "cloudflare:workflows";\nimport { NonRetryableError as Ours } from "tenure";`;
      const errors = ["new NonRetryableError('m')", "new Ours('m')", "new NonRetryableError('m', 'CardDeclined')",
        "Object.assign(new Error('m'), { name: 'NonRetryableError' })", "new Error('NonRetryableError: m')", "new NonRetryableError('')"];
      for (const error of errors) {
        const run = await bench.start(flow(`await step.do("s", async () => { throw ${error}; });`, before));
        const done = only(await run.body(only(run.started, "do").command.id), "done");
        equal([done.command.ok, done.command.retry], [false, false], error);
      }
    }),

    guestCase(open, "what cannot be stored fails the step for good and names the path", async (bench) => {
      const run = await bench.start(flow(`
        try { await step.do("s", async () => ({ list: [1, { fn() {} }] })); } catch (e) { return e.message; }`));
      const { id } = only(run.started, "do").command;
      const done = only(await run.body(id), "done");
      equal([done.command.ok, done.command.retry], [false, false], "done");
      check(done.command.error?.message.includes("result.list[1].fn") === true, `no path in: ${done.command.error?.message}`);
      check(String(output(await run.fail(id, done.value))).includes("result.list[1].fn"), "the run does not see the path");
    }),

    guestCase(open, "an output that cannot be stored fails the run and names the path", async (bench) => {
      const run = await bench.start(flow(`return { a: { b: Symbol("x") } };`));
      const { command } = only(run.started, "end");
      check(!command.ok && command.error?.message.includes("output.a.b") === true, `no path in: ${command.error?.message}`);
    }),

    guestCase(open, "a delay that is a function is asked with the very error, or with one that it is given", async (bench) => {
      const run = await bench.start(flow(`
        class Busy extends Error { retryAfter = 7; }
        const delay = async ({ ctx, error }) => error instanceof Busy ? error.retryAfter * ctx.attempt : error.message;
        await step.do("s", { retries: { limit: 3, delay } }, async () => { throw new Busy("busy"); });`));
      const { command } = only(run.started, "do");
      equal(command.config?.retries, { limit: 3, backoff: "exponential" }, "retries");
      const { id } = command;
      const ask = async (attempt: number, error: unknown): Promise<CommandOf<"delay">> => {
        const config = command.config as StepConfig;
        const header = { d: "delay", now: run.now, id, attempt, name: "s", count: 1, config, seed: "d" } as const;
        return only(await run.deliver(header, encodeThrown(error), null), "delay").command;
      };
      only(await run.body(id, { attempt: 2 }), "done");
      equal((await ask(2, new Error("unused"))).ms, 14, "ms");
      equal((await ask(3, new Error("5 seconds"))).ms, 5_000, "ms of what it is given");
      const { ms, error } = await ask(4, new Error("soon"));
      check(ms === undefined && error?.message.includes('"soon"') === true, `an answer that is no duration: ${error?.message}`);
    }),

    guestCase(open, "sleeps are issued with their length or their end", async (bench) => {
      const run = await bench.start(flow(`
        await Promise.all([step.sleep("a", "1 hour"), step.sleep("b", 5), step.sleepUntil("c", new Date(2000)),
          step.sleepUntil("d", 3000.5), step.sleepUntil("e", 1000)]);`));
      const sleeps = run.started.map(({ command }) => command as { c: string; name: string; ms?: number; until?: number });
      equal(sleeps.map(({ c, name, ms, until }) => [c, name, ms ?? null, until ?? null]), [
        ["sleep", "a", 3_600_000, null],
        ["sleep", "b", 5, null],
        ["sleep", "c", null, 2000],
        ["sleep", "d", null, 3001],
        ["sleep", "e", null, 1000],
      ], "sleeps");
    }),

    guestCase(open, "the past is judged by the time of the last delivery", async (bench) => {
      const run = await bench.start(flow(`
        const until = async (t) => { try { await step.sleepUntil("s", t); } catch (e) { return e.message; } };
        const early = await until(999);
        await step.sleep("long", 1);
        return [early, await until(4999), await until(5000)];`));
      const long = only(run.started, "sleep").command;
      run.now = 5000;
      const last = only(await run.settle(long.id), "sleep").command;
      equal(last.until, 5000, "until");
      const past = "You can't sleep until a time in the past, time-traveler";
      equal(output(await run.settle(last.id)), [past, past, undefined], "output");
    }),

    guestCase(open, "waits are issued with type and time-out", async (bench) => {
      const run = await bench.start(flow(`
        const [a, b] = await Promise.all([step.waitForEvent("w", { type: "paid" }), step.waitForEvent("v", { type: "x", timeout: "2 seconds" })]);
        return [a.payload, a.timestamp instanceof Date, a.type, b];`));
      const waits = run.started.map(({ command }) => command as { id: number; name: string; type: string; timeout: number });
      equal(waits.map(({ name, type, timeout }) => [name, type, timeout]), [["w", "paid", 86_400_000], ["v", "x", 2000]], "waits");
      await run.settle((waits[0] as { id: number }).id, { payload: { cents: 5 }, timestamp: new Date(7), type: "paid" });
      equal(output(await run.settle((waits[1] as { id: number }).id, 1)), [{ cents: 5 }, true, "paid", 1], "output");
    }),

    guestCase(open, "a rollback handler is announced with its step and runs under its own id", async (bench) => {
      const run = await bench.start(flow(`
        await step.do("s", async () => 7, {
          rollback: async ({ ctx, error, output, stepName }) => {
            await step.do("no", async () => 1).catch(() => {});
            throw Object.assign(new RangeError([ctx.step.name, ctx.attempt, error.message, output, stepName].join()), { name: "NonRetryableError" });
          },
          rollbackConfig: { retries: { limit: 1, delay: 5 } },
        });
        throw new Error("gone");`));
      const { id, rollback, rollbackConfig } = only(run.started, "do").command;
      check(typeof rollback === "number" && rollback !== id, "the handler has no id of its own");
      equal(rollbackConfig?.retries.limit, 1, "its config");
      const end = only(await run.step(id), "end");
      const header: Delivery = { d: "rollback", now: run.now, id: rollback as number, attempt: 1, step: { attempt: 4 }, name: "s", count: 1, seed: "x" };
      const done = only(await run.deliver(header, encode({ error: end.value, output: 7 }), null), "done").command;
      equal([done.id, done.attempt, done.ok, done.retry, done.error?.message], [rollback, 1, false, false, "s,4,gone,7,s-1"], "done");
      equal(await run.deliver(header, undefined, null), [], "an attempt that is repeated");
    }),

    guestCase(open, "what is wrong with an argument rejects and issues nothing", async (bench) => {
      const calls = [
        `step.do(1, async () => 1)`, `step.do("a\\u0000", async () => 1)`, `step.do("x".repeat(257), async () => 1)`,
        `step.do("s")`, `step.do("s", {})`, `step.do("s", { retry: 1 }, async () => 1)`, `step.do("s", { timeout: 0 }, async () => 1)`,
        `step.do("s", { retries: { limit: 1 } }, async () => 1)`, `step.do("s", async () => 1, { rollback: 1 })`,
        `step.do("s", { retries: { limit: 1, delay: {} } }, async () => 1)`,
        `step.do(Symbol("s"), async () => 1)`, `step.sleep("s", "soon")`, `step.sleep("s", -1)`, `step.sleep("s")`, `step.sleep(null, 1)`,
        `step.sleepUntil("s", new Date(NaN))`, `step.sleepUntil("s", "2030-01-01")`, `step.sleepUntil("s")`,
        `step.waitForEvent("s")`, `step.waitForEvent("s", { type: "" })`, `step.waitForEvent("s", { type: "x", timeout: "never" })`,
      ];
      const run = await bench.start(flow(`
        const names = [];
        for (const call of [${calls.map((call) => `() => ${call}`).join(", ")}]) {
          let promise;
          try { promise = call(); } catch { names.push("thrown, not rejected"); continue; }
          try { await promise; names.push("accepted"); } catch (e) { names.push(e.name); }
        }
        return names;`));
      equal(output(run.started), calls.map(() => "WorkflowFatalError"), "names");
    }),

    guestCase(open, "step is what it is and nothing more", async (bench) => {
      const run = await bench.start(flow(`
        "use strict";
        const before = step.do;
        try { step.do = 1; } catch {}
        try { step.extra = 1; } catch {}
        return [Object.keys(step).sort(), step.do === before, "extra" in step, Object.isFrozen(step), step.then, step.constructor];`));
      equal(output(run.started), [["do", "invoke", "setState", "sleep", "sleepUntil", "waitForEvent"], true, false, true, undefined, undefined], "output");
    }),

    guestCase(open, "abort aborts the signal, and the attempt issues nothing more", async (bench) => {
      const run = await bench.start(flow(`
        await step.do("s", async (ctx) => {
          const seen = [ctx.signal.aborted];
          await new Promise((resolve) => ctx.signal.addEventListener("abort", () => resolve()));
          seen.push(ctx.signal.aborted, ctx.signal.reason instanceof Error, ctx.signal.reason.name);
          try { ctx.signal.throwIfAborted(); } catch { seen.push("thrown"); }
          try { await step.sleep("more", 1); } catch (e) { seen.push(e.name); }
          return seen;
        });`));
      const { id } = only(run.started, "do").command;
      equal(await run.body(id), [], "the body waits");
      equal(await run.abort(id, 2), [], "abort of another attempt");
      const done = only(await run.abort(id), "done");
      equal(done.value, [false, true, true, "AbortError", "thrown", "AbortError"], "seen");
      equal(await run.abort(id), [], "abort of an ended attempt");
    }),

    guestCase(open, "a signal that is asked for after the abort has aborted", async (bench) => {
      const run = await bench.start(flow(`
        await step.do("s", async (ctx) => { try { await step.sleep("n", 1); } catch {} return ctx.signal.aborted; });`));
      const { id } = only(run.started, "do").command;
      const nap = only(await run.body(id), "sleep").command;
      equal(await run.abort(id), [], "nothing ends by it");
      equal(only(await run.settle(nap.id), "done").value, true, "aborted");
    }),
  ];
}
