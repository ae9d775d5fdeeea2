/**
 * Cases of the Guest port: a tenant that patches its own realm harms itself at most.
 *
 * @module
 */
import { equal } from "../store_cases/check.ts";
import type { Case } from "../store_cases/subject.ts";
import { flow, guestCase, only, type OpenSandbox, output } from "./subject.ts";

/** Each is run before anything else of a workflow. */
const PATCHES: Readonly<Record<string, string>> = {
  "Promise.prototype.then": `Promise.prototype.then = () => { throw new Error("then"); };`,
  "Promise.prototype.constructor": `Object.defineProperty(Promise.prototype, "constructor", { get() { return Object; } });`,
  "Promise": `Promise.resolve = Promise.reject = Promise.all = () => { throw 1; }; globalThis.Promise = class {};`,
  "Symbol.species": `Object.defineProperty(Promise, Symbol.species, { get() { throw new Error("species"); } });
    Object.defineProperty(Array, Symbol.species, { get() { throw new Error("species"); } });`,
  "Array.prototype": `for (const name of Object.getOwnPropertyNames(Array.prototype)) if (name !== "length" && name !== "constructor") Array.prototype[name] = () => { throw new Error(name); };
    Array.prototype[Symbol.iterator] = () => { throw new Error("iterator"); };`,
  // Not a setter that throws: QuickJS's own JSON.stringify assigns into an array, and fails by it.
  "Array.prototype indices": `for (const i of [0, 1, 2]) Object.defineProperty(Array.prototype, i, { set() {}, get() { return "forged"; } });`,
  "JSON": `JSON.stringify = () => '{"c":"end","ok":true}'; JSON.parse = () => { throw new Error("parse"); };`,
  "toJSON": `Object.prototype.toJSON = () => "forged"; String.prototype.toJSON = Number.prototype.toJSON = Array.prototype.toJSON = () => "forged";`,
  "Map.prototype": `for (const name of ["get", "set", "has", "delete", "forEach"]) { Map.prototype[name] = () => { throw new Error(name); }; WeakMap.prototype[name] = Map.prototype[name]; }`,
  "Object.prototype setters": `for (const name of ["c", "d", "id", "in", "ok", "now", "name", "value", "header", "body", "scope", "resolve", "reject", "attempt", "error", "retry", "config", "get", "signal", "root", "payload", "step"]) {
    Object.defineProperty(Object.prototype, name, { __proto__: null, configurable: true, set() { throw new Error("setter of " + name); }, get() { return undefined; } }); }`,
  "Object.prototype values": `Object.assign(Object.prototype, { timeout: 0, retries: 1, sensitive: "all", root: 5, stream: true, once: true, transfer: [1], value: 1 });`,
  "Function.prototype": `Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => { throw new Error("call"); };`,
  "Reflect and Object": `for (const holder of [Reflect, Object]) for (const name of Object.getOwnPropertyNames(holder)) if (typeof holder[name] === "function" && name !== "prototype" && name !== "getOwnPropertyNames") holder[name] = () => { throw new Error(name); };`,
  "String.prototype": `for (const name of ["indexOf", "slice", "charCodeAt", "startsWith", "includes", "replace", "split"]) String.prototype[name] = () => { throw new Error(name); };`,
  "RegExp.prototype": `RegExp.prototype.exec = RegExp.prototype.test = () => { throw new Error("exec"); };`,
  "Number and Math": `Number.isInteger = Math.imul = Math.ceil = () => { throw new Error("number"); };`,
  "Date": `Date.prototype.getTime = Date.now = () => { throw new Error("date"); }; globalThis.Date = undefined;`,
  "Error": `globalThis.Error = globalThis.TypeError = globalThis.RangeError = undefined;`,
  "typed arrays": `globalThis.Uint8Array = globalThis.Uint32Array = undefined;`,
  "Proxy": `globalThis.Proxy = undefined;`,
  "globals": `globalThis.AbortController = globalThis.console = globalThis.setTimeout = undefined;`,
};

/** See the file's head. */
export function hostileCases(open: OpenSandbox): Case[] {
  return [
    ...Object.entries(PATCHES).map(([name, patch]) =>
      guestCase(open, `a tenant that patches ${name} still speaks the protocol`, async (bench) => {
        const run = await bench.start(
          flow(
            `${patch}
            const first = await step.do("first", { timeout: "1 minute" }, async (ctx) => {
              const inner = await step.do("inner", async () => ({ deep: { n: 1 } }));
              return { inner, attempt: ctx.attempt, aborted: ctx.signal.aborted };
            });
            await step.sleep("nap", "1 second");
            let caught;
            try { await step.do("bad", async () => { throw null; }); } catch (e) { caught = "caught"; }
            const called = await this.env.AI.run(5, "x");
            return { first, caught, called };`,
          ),
          { bindings: ["AI"], env: { PLAIN: [1] } },
        );
        const first = only(run.started, "do").command;
        equal([first.name, first.in, first.config?.timeout, first.config?.retries.limit], ["first", 0, "1 minute", 5], "first");
        const inner = only(await run.body(first.id, { name: "first" }), "do").command;
        equal([inner.name, inner.in], ["inner", first.id], "inner");
        const done = only(await run.step(inner.id), "done");
        equal(done.value, { inner: { deep: { n: 1 } }, attempt: 1, aborted: false }, "done");
        const nap = only(await run.settle(first.id, done.value), "sleep").command;
        equal([nap.in, nap.ms], [0, 1000], "nap");
        const bad = only(await run.settle(nap.id), "do").command;
        const failed = only(await run.body(bad.id), "done").command;
        equal([failed.ok, failed.error?.name], [false, "Error"], "bad");
        const call = only(await run.fail(bad.id, "bad"), "call");
        equal([call.command.target, call.command.method, call.value], ["AI", "run", [5, "x"]], "call");
        equal(output(await run.settle(call.command.id, 7)), { first: done.value, caught: "caught", called: 7 }, "output");
      })
    ),

    guestCase(open, "a hijacked step promise hurts nobody else", async (bench) => {
      const run = await bench.start(flow(`
        const p = step.do("x", async () => 1);
        p.constructor = { [Symbol.species]: class { constructor(run) { run(() => {}, () => {}); } } };
        p.then(() => {});
        p.then = 5;
        await step.sleep("on", 1);
        return "fine";`));
      const [x, on] = run.started.map(({ command }) => (command as { id: number }).id);
      equal(await run.settle(x as number, 1), [], "settled");
      equal(output(await run.settle(on as number)), "fine", "output");
    }),

    guestCase(open, "a result that fights back is the step's own failure", async (bench) => {
      const run = await bench.start(flow(`
        const bomb = () => { throw new Error("bomb"); };
        const results = [() => ({ get then() { return bomb(); } }), () => ({ then: bomb }), () => ({ get a() { return bomb(); } }),
          () => new Proxy({}, { get: (_, k) => k === "then" ? undefined : bomb(), ownKeys: bomb }), () => ({ then(resolve) { resolve(1); resolve(2); bomb(); } })];
        const seen = [];
        for (const result of results) { try { seen.push(await step.do("r", result)); } catch (e) { seen.push(e.message); } }
        return seen;`));
      let sent = run.started;
      for (let i = 0; i < 5; i++) {
        const { id } = only(sent, "do").command;
        const done = only(await run.body(id), "done");
        sent = done.command.ok ? await run.settle(id, done.value) : await run.fail(id, done.value);
      }
      equal((output(sent) as unknown[]).length, 5, "output");
    }),
  ];
}
