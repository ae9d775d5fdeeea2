import { assert, assertEquals, assertMatch } from "@std/assert";
import { refused } from "./_errors.ts";
import { onEach } from "./_world.ts";

/** A value, and what must be true of it wherever it comes back: both as source, for the host and for the guest. */
const VALUES: readonly (readonly [what: string, value: string, holds: string])[] = [
  ["undefined", `undefined`, `v === undefined`],
  ["null", `null`, `v === null`],
  ["false", `false`, `v === false`],
  ["NaN", `NaN`, `Number.isNaN(v)`],
  ["-0", `-0`, `Object.is(v, -0)`],
  ["-Infinity", `-Infinity`, `v === -Infinity`],
  ["a text of any characters", `"a\\u0000\\n\\t\\u2028 🙂 \\ud800"`, `v === "a\\u0000\\n\\t\\u2028 🙂 \\ud800"`],
  ["an empty text", `""`, `v === ""`],
  ["a bigint", `-(2n ** 70n)`, `v === -(2n ** 70n)`],
  ["a Date", `new Date(5)`, `v instanceof Date && v.getTime() === 5`],
  ["an invalid Date", `new Date(NaN)`, `v instanceof Date && Number.isNaN(v.getTime())`],
  ["a RegExp", `/a+\\/"\\n/giu`, `v instanceof RegExp && v.source === /a+\\/"\\n/.source && v.flags === "giu"`],
  ["a Map", `new Map([["a", 1], [{ k: 2 }, new Map()]])`, `v instanceof Map && v.get("a") === 1 && [...v.keys()][1].k === 2 && [...v.values()][1] instanceof Map`],
  ["a Set", `new Set([1, "1", NaN])`, `v instanceof Set && v.size === 3 && v.has(NaN) && v.has("1")`],
  ["nested objects", `({ a: [{ b: { c: [null, undefined] } }] })`, `v.a[0].b.c.length === 2 && v.a[0].b.c[1] === undefined && v.a[0].b.c[0] === null`],
  ["an array with holes", `[1, , 3]`, `v.length === 3 && !(1 in v) && v[2] === 3`],
  ["a Uint8Array", `new Uint8Array([1, 255])`, `v instanceof Uint8Array && v.length === 2 && v[1] === 255`],
  ["an Int16Array", `new Int16Array([-300])`, `v instanceof Int16Array && v[0] === -300`],
  ["a Float64Array", `new Float64Array([0.1, NaN])`, `v instanceof Float64Array && v[0] === 0.1 && Number.isNaN(v[1])`],
  ["a BigInt64Array", `new BigInt64Array([-5n])`, `v instanceof BigInt64Array && v[0] === -5n`],
  ["a view on a larger buffer", `new Uint8Array(new ArrayBuffer(900000), 100, 3).fill(7)`, `v.length === 3 && v[2] === 7 && v.buffer.byteLength === 3`],
  ["a DataView", `new DataView(new Uint8Array([1, 2]).buffer)`, `v instanceof DataView && v.getUint16(0) === 258`],
  ["an ArrayBuffer", `new Uint8Array([9]).buffer`, `v instanceof ArrayBuffer && new Uint8Array(v)[0] === 9`],
  ["200 KB of bytes in an object", `({ list: [{ bytes: new Uint8Array(200000).fill(3) }] })`, `v.list[0].bytes.length === 200000 && v.list[0].bytes[199999] === 3`],
  ["a cycle", `(() => { const v = { list: [] }; v.list.push(v); return v; })()`, `v.list[0] === v`],
  ["a shared reference", `(() => { const s = {}; return [s, s]; })()`, `v[0] === v[1]`],
  ["an own __proto__", `JSON.parse('{"__proto__":{"x":1}}')`, `Object.hasOwn(v, "__proto__") && v.x === undefined`],
  ["an object without prototype", `Object.assign(Object.create(null), { a: 1 })`, `v.a === 1`],
  ["an Error", `new Error("no")`, `v instanceof Error && v.name === "Error" && v.message === "no"`],
  ["a TypeError with a cause", `new TypeError("no", { cause: new RangeError("why") })`, `v instanceof TypeError && v.cause instanceof RangeError && v.cause.message === "why"`],
  ["an AggregateError", `new AggregateError([new Error("one")], "all")`, `v instanceof AggregateError && v.errors[0].message === "one" && v.message === "all"`],
  ["an error of a class of its own", `new (class Lost extends RangeError { name = "Lost"; sku = 7 })("x")`, `v instanceof Error && v.name === "Lost" && v.message === "x" && v.sku === 7`],
  ["boxed primitives", `[new Number(1), new String("s"), new Boolean(false)]`, `v[0] instanceof Number && v[0] + 1 === 2 && v[1] + "" === "s" && v[2] instanceof Boolean && !v[2].valueOf()`],
];

const evaluate = (source: string): unknown => new Function(`return (${source})`)();
const holdsHere = (holds: string, v: unknown): boolean => new Function("v", `return ${holds}`)(v) as boolean;

onEach("a value", (test) => {
  for (const [what, value, holds] of VALUES) {
    test(`that is ${what} is the same as result, as param, in an event and as output, also after a replay`, async (world) => {
      const order = await world.run(`
        const check = (v) => ${holds};
        const result = await step.do("a", async () => (${value}));
        const sent = (await step.waitForEvent("w", { type: "t" })).payload;
        await step.sleep("s", 1000);
        if (!check(result)) throw new Error("as result");
        if (!check(event.payload.p)) throw new Error("as param");
        if (!check(sent)) throw new Error("in an event");
        return { result, param: event.payload.p, sent };
      `, { params: { p: evaluate(value) } });
      await order.sendEvent({ type: "t", payload: evaluate(value) });
      await world.until(order, "waiting");
      await world.reopen();
      await world.pass(1_000);
      const output = await (await world.flows().get(order.id)).result();
      assert(holdsHere(holds, output.result), "as result");
      assert(holdsHere(holds, output.param), "as param");
      assert(holdsHere(holds, output.sent), "in an event");
    });
  }
});

const UNSTORABLE: readonly (readonly [what: string, value: string, path: string])[] = [
  ["a function", `() => {}`, `result`],
  ["a symbol", `Symbol("s")`, `result`],
  ["a method in an object", `{ items: [1, { act() {} }] }`, `result.items[1].act`],
  ["a promise in an object", `{ later: Promise.resolve(1) }`, `result.later`],
  ["a WeakMap", `new WeakMap()`, `result`],
  ["an object of a class", `new (class Order { id = 1 })()`, `result`],
  ["a function in a Map", `new Map([["a b", () => {}]])`, `result.get("a b")`],
  ["an object whose getter throws", `{ get x() { throw new Error("no"); } }`, `result.x`],
];

onEach("a value that cannot be stored", (test) => {
  for (const [what, value, path] of UNSTORABLE) {
    test(`because it is ${what} fails its step, once, catchably, and names the place`, async ({ run, notes }) => {
      const order = await run(`
        try { await step.do("a", async () => { await T.note("ran"); return (${value}); }); }
        catch (error) { return [error.name, error.message]; }
      `);
      const [name, message] = await order.result();
      assertEquals([name, notes], ["ValueError", ["ran"]]);
      assertMatch(message, /^Cannot store the value at "/);
      assert(message.includes(JSON.stringify(path).slice(1, -1)) || message.includes(path), message);
    });
  }

  test("as output is the run's error", async ({ run, until }) => {
    const order = await run(`return { a: [() => {}] }`);
    await until(order, "errored");
    const { error } = await order.status();
    assertEquals(error?.name, "ValueError");
    assertMatch(error?.message ?? "", /"output\.a\[0\]"/);
  });

  test("as params is refused at create", async ({ flow }) => {
    const flows = await flow(`return 1`);
    await refused(() => flows.create({ params: { a: new WeakMap() } }), "not_serialisable", `"params.a"`);
    assertEquals((await flows.list()).instances, []);
  });

  test("on an error that is thrown is lost, the error is not", async ({ run }) => {
    const order = await run(`
      return await step.do("a", { retries: { limit: 0, delay: 0 } }, async () => {
        throw Object.assign(new TypeError("no"), { request: () => {} });
      }).catch((error) => [error.name, error.message, "request" in error]);
    `);
    assertEquals(await order.result(), ["TypeError", "no", false]);
  });

  test("because it is nested too deeply is refused", async ({ run }) => {
    const order = await run(`
      let deep = [];
      for (let i = 0; i < 5000; i++) deep = [deep];
      return await step.do("a", async () => deep).catch((error) => error.name);
    `);
    assertEquals(await order.result(), "ValueError");
  });
});
