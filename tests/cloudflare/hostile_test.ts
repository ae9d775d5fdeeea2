/** What a tenant's code sends that no code of ours would. */
import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DynamicWorkflowBinding, type WorkerLoader } from "../../adapters/cloudflare.ts";
import { drive, type DriverParts } from "../../adapters/cloudflare/driver.ts";
import { callOnce } from "../../adapters/cloudflare/one_shot.ts";
import { runStepped } from "../../adapters/cloudflare/stepped.ts";
import { env } from "../../adapters/cloudflare/workers.ts";
import { grant } from "../../core/execution/bindings.ts";
import { frame, parseFrame } from "../../core/frame.ts";
import { DEFAULT_LIMITS } from "../../core/limits.ts";
import type { Guest, SandboxAdapter, Turn } from "../../core/ports/guest.ts";
import { encode } from "../../core/values.ts";
import { testClock } from "../semantics/_clock.ts";
import { type Any, failing, onPlatform, overtime } from "./_platform.ts";

const CAPS = { boundary: "wasm", mediated: true, hardKill: false, memoryCap: true, metered: false } as const;
const INIT = { version: "v", tenant: "t", prepared: { text: "", classes: [] }, limits: DEFAULT_LIMITS, asked: {}, log: () => {}, ended: () => {} };

/** A guest that sends these, one list a turn. */
function forger(...turns: string[][]): Guest {
  return {
    turn: (): Turn => ({ out: turns.shift() ?? [], state: "rest", fuel: 0, incarnation: 1 }),
    drop() {},
  };
}

function sandboxOf(guest: Guest): SandboxAdapter {
  return { name: "forged", caps: CAPS, prepare: () => Promise.reject(new Error()), open: () => guest, close: () => Promise.resolve() };
}

const NONSENSE = [
  "", "null", "[]", "{", "1", '{"c":"call"}', '{"c":"end"', "\n", '{"c":"done","id":1,"attempt":1,"ok":true}\nu', '{"c":"delay","id":1,"attempt":1,"ms":1}', '{"c":"piece","id":7,"in":0,"attempt":1,"n":0}\nj"AA=="',
  '{"c":"read","id":8,"in":0,"of":1,"n":0}', '{"c":"__proto__","id":9,"in":0}', '{"c":"do","id":-1,"in":0,"name":"x"}', '{"c":"do","id":1e99,"in":0,"name":"x"}', '{"c":"call","id":2,"in":0,"target":"__proto__","method":"constructor"}\nj[]',
];

describe("a guest that forges what it sends", () => {
  it("answers for a call only by an answer, and reaches no binding that is not granted", async () => {
    const { clock } = testClock().process();
    const called: unknown[] = [];
    const granted = grant({ API: { hello: (...args: unknown[]) => void called.push(args) } }, { tenantId: "t", workflow: "", instance: "" });
    const calls = [["tenure:loader", "pin"], ["tenure:host", "constructor"], ["tenure.outbound", "fetch"], ["2/API", "hello"], ["API", "constructor"], ["API", "__proto__"], ["API", "toString"], ["constructor", "constructor"], ["", ""]]
      .map(([target, method], n) => frame({ c: "call", id: 100 + n, in: 0, target, method }, "j[]"));
    const wrong = [frame({ c: "call", id: 200, in: 0, target: "API", method: "hello" }, "no value"), frame({ c: "call", id: 201, in: 0, target: "API", method: "hello" }, 'j{"length":1}')];
    const guest = forger([...NONSENSE, ...calls, ...wrong], [], [frame({ c: "call", id: 3, in: 0, target: "tenure:host", method: "answer" }, "j[5]")]);
    assertEquals(await callOnce({ ...INIT, clock, sandbox: sandboxOf(guest), granted, signal: new AbortController().signal }), 5);
    assertEquals(called, []);
  });

  it("answers once: what it says afterwards changes nothing, and an answer that is none fails the call", async () => {
    const answer = (value: string) => frame({ c: "call", id: 3, in: 0, target: "tenure:host", method: "answer" }, value);
    const run = (...turns: string[][]) => callOnce({ ...INIT, clock: testClock().process().clock, sandbox: sandboxOf(forger(...turns)), granted: grant({}, { tenantId: "t", workflow: "", instance: "" }), signal: new AbortController().signal });
    assertEquals(await run([answer("j[1]"), answer("j[2]"), frame({ c: "end", ok: false }, encode(new Error("no")))]), 1);
    for (const value of ["j{}", "no value", "x", ""]) await assertRejects(() => run([answer(value)]));
    await assertRejects(() => run([frame({ c: "end", ok: true }, "u")]), Error, "has not answered");
    await assertRejects(() => run([frame({ c: "end", ok: false }, "no value")]), Error, "The code failed");
    await assertRejects(() => run([]), Error, "never comes");
  });

  it("is refused steps outside of a workflow, however many, without the host's stack growing", async () => {
    let sent = 0, told = "";
    // each refusal is answered by another step
    const guest: Guest = {
      turn(text): Turn {
        told = text;
        return { out: sent < 50_000 ? [frame({ c: "do", id: ++sent, in: 0, name: "a" })] : [frame({ c: "end", ok: false }, encode(new Error("enough")))], state: "rest", fuel: 0, incarnation: 1 };
      },
      drop() {},
    };
    const { message } = await failing(callOnce({ ...INIT, clock: testClock().process().clock, sandbox: sandboxOf(guest), granted: grant({}, { tenantId: "t", workflow: "", instance: "" }), signal: new AbortController().signal }));
    assertEquals([message, sent], ["enough", 50_000]);
    assertStringIncludes(parseFrame(told)?.value ?? "", "Cannot run a step outside of a workflow");
  });

  it("makes so many calls and lines of its log, and no more", async () => {
    const clock = testClock().process().clock;
    let called = 0, lines = 0, over: unknown;
    const out = Array.from({ length: 3_000 }, (_, n) => frame({ c: "call", id: n + 1, in: 0, target: "API", method: "hello" }, "j[]"));
    const logs = Array.from({ length: 3_000 }, () => frame({ c: "log", in: 0, level: "info" }, "x"));
    const parts: DriverParts = {
      guest: forger([...out, ...logs]),
      caps: CAPS,
      clock,
      limits: { ...DEFAULT_LIMITS, subrequests: 10 },
      granted: grant({ API: { hello: () => void called++ } }, { tenantId: "t", workflow: "", instance: "" }),
      log: () => void lines++,
      command() {},
      failed: (error) => void (over = error),
    };
    drive(parts).deliver("start");
    while (over === undefined) await new Promise<void>((done) => setImmediate(done));
    assertEquals([called, lines, (over as Error).message], [10, 1_000, "The code waits for something that never comes"]);
  });

  it("cannot answer for a step that does not run, or twice, by a wrapped step", async () => {
    const clock = testClock().process().clock;
    const done = (id: number, attempt: number, value: unknown) => frame({ c: "done", id, attempt, ok: true }, encode(value));
    const given: unknown[] = [];
    const step = {
      async do(_name: string, body: (ctx: object) => Promise<unknown>) {
        for (let attempt = 1; attempt <= 2; attempt++) given.push(await body({ attempt }).catch((error: Error) => error.name));
        return "recorded";
      },
    };
    const answers = (text: string): string[] => {
      const { d, id, attempt } = (parseFrame(text)?.header ?? {}) as { d?: string; id?: number; attempt?: number };
      if (d === "start") return [...NONSENSE, done(5, 1, "early"), frame({ c: "do", id: 5, in: 0, name: "a" })];
      if (d === "body" && attempt === 1) return [done(5, 2, "later"), done(6, 1, "another's"), done(5, 1, "first"), done(5, 1, "again")];
      if (d === "body") return [done(5, 2, "second")];
      return d === "settle" && id === 5 ? [frame({ c: "end", ok: true }, encode("over"))] : [];
    };
    const guest: Guest = { turn: (text) => ({ out: answers(text), state: "rest", fuel: 0, incarnation: 1 }), drop() {} };
    const granted = grant({}, { tenantId: "t", workflow: "", instance: "" });
    const { output } = runStepped({
      opened: { guest, granted, told: {} },
      entered: { event: {}, asked: {}, pin: () => Promise.reject(new Error()), open: () => Promise.reject(new Error()) },
      step, caps: CAPS, clock, limits: DEFAULT_LIMITS, of: undefined, log: () => {},
    });
    assertEquals(await output, "over");
    assertEquals(given, ["first", "second"]);
  });
});

describe("code that never ends, or sends too much", () => {
  const fetching = (body: string, init?: RequestInit, limits = {}) =>
    (env["LOADER"] as WorkerLoader).load({ mainModule: "m.js", modules: { "m.js": `export default { async fetch(request, env, ctx) { ${body} } };` }, limits }).getEntrypoint().fetch("https://a/", init);
  const on = (test: Parameters<typeof onPlatform>[1], options: object = {}) => onPlatform({ dispatcher: { DynamicWorkflowBinding }, ...options }, test);

  it("answers with no more than one message may hold", () =>
    on(async () => {
      for (const body of ["new Uint8Array(5_000_000)", "new ReadableStream({ pull(to) { to.enqueue(new Uint8Array(65536)); } })", "new ReadableStream({ async pull(to) { await null; to.enqueue(new Uint8Array(1000)); } })"]) {
        const error = await failing(fetching(`return new Response(${body});`, undefined, { cpuMs: 20_000 }));
        assertStringIncludes(error.message, "The body has more than 4194304 bytes");
      }
    }));

  it("is stopped by its time, its memory, or when it waits for nothing", () =>
    on(async ({ clock }) => {
      assertStringIncludes((await failing(fetching(`return new Response(new ReadableStream({ pull() {} }));`))).message, "never comes");
      assertStringIncludes((await failing(fetching(`return new Response(new ReadableStream({ pull(to) { to.enqueue(new Uint8Array(0)); } }));`, undefined, { cpuMs: 300 }))).message, "300 ms");
      const late = failing(fetching(`return new Response(new ReadableStream({ pull: (to) => new Promise((done) => setTimeout(() => { to.enqueue(new Uint8Array(1)); done(); }, 1_000_000)) }));`));
      assertStringIncludes((await overtime(clock, 100_000, late)).message, "has not answered within 300 seconds");
    }));

  it("is given no more of an endless request than it may have", () =>
    on(async () => {
      let pulled = 0, cancelled = false;
      const body = new ReadableStream({ pull: (to) => (pulled++, to.enqueue(new Uint8Array(65_536))), cancel: () => void (cancelled = true) });
      const response = await fetching(`return new Response("read");`, { method: "POST", body, duplex: "half" } as RequestInit);
      assertEquals([response.status, cancelled, pulled < 40], [413, true, true]);
    }));

  it("does not keep its VM after its answer, whatever it goes on with", () =>
    on(async ({ clock }) => {
      for (let n = 0; n < 20; n++) {
        assertEquals(await (await fetching(`ctx.waitUntil(new Promise((done) => setTimeout(done, 1e9))); return new Response("ok");`)).text(), "ok");
      }
      clock.jump(30_000);
      assert(true);
    }, { limits: { memoryBytes: 16 * 2 ** 20 } }));
});

describe("globals of loaded code", () => {
  it("that a tenant changes are its own run's", () =>
    onPlatform({ dispatcher: { DynamicWorkflowBinding } }, async () => {
      const stub = (env["LOADER"] as WorkerLoader).get("one", () => ({
        mainModule: "m.js",
        modules: { "m.js": `export default { async fetch() { const before = typeof globalThis.mark; globalThis.mark = 1; Response.prototype.text = () => "forged"; globalThis.Response = class {}; Array.prototype.then = 1; return new (Object.getPrototypeOf(async function () {}).constructor)("return 1")().then(() => { throw new Error(before); }); } };` },
      })).getEntrypoint();
      for (let n = 0; n < 2; n++) assertEquals((await failing(stub.fetch("https://a/"))).message, "undefined");
      const error: Any = await failing(stub.fetch("https://a/"));
      assertEquals(error.stack?.includes("adapters") === true && error.stack.includes("tenure-entry"), false);
    }));
});
