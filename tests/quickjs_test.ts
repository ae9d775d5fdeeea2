import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { test } from "node:test";
import { quickjs } from "../adapters/sandbox/quickjs.ts";
import { CodeError, type Diagnostic, TenureError } from "../core/errors.ts";
import { DEFAULT_LIMITS, type Limits } from "../core/limits.ts";
import type { Guest, GuestInit, Prepared, SandboxAdapter, Turn } from "../core/ports/guest.ts";
import { guestCases } from "../testing/guest_cases.ts";
import { drive } from "./attacks/drive.ts";

for (const { name, run } of guestCases(() => quickjs())) test(`quickjs: ${name}`, run);

const LIMITS: Limits = { ...DEFAULT_LIMITS, cpuMs: 5_000 };
/** For code that never ends. */
const SHORT: Limits = { ...LIMITS, cpuMs: 100 };
const MACHINE = 16 * 2 ** 20;
const never = new AbortController().signal;

const flow = (body: string, before = ""): Record<string, string> => ({
  "index.js": `import { WorkflowEntrypoint } from "cloudflare:workers";\n${before}\nexport class Flow extends WorkflowEntrypoint { async run(event, step) {\n${body}\n} }`,
});

const prepare = (box: SandboxAdapter, modules: Record<string, string>, limits = LIMITS): Promise<Prepared> =>
  box.prepare("acme", { mainModule: Object.keys(modules)[0] as string, modules }, limits);

const initOf = (prepared: Prepared, tenant = "acme", limits = LIMITS): GuestInit => ({ tenant, version: prepared.text, prepared, limits, ready: () => {} });

async function openFlow(body: string, { limits = LIMITS, before = "", box = quickjs() } = {}): Promise<Guest> {
  return await box.open(initOf(await prepare(box, flow(body, before), limits), "acme", limits), never);
}

async function outcomeOf(body: string, options: { limits?: Limits; before?: string; box?: SandboxAdapter } = {}): Promise<unknown> {
  const guest = await openFlow(body, options);
  const outcome = await drive(guest, { totalMs: 60_000, turns: 200_000 });
  guest.drop();
  return outcome.kind === "end" ? outcome.ok ? outcome.value : "error" : outcome.kind === "dead" ? outcome.death : outcome.kind;
}

async function diagnosticOf(modules: Record<string, string>, limits = LIMITS): Promise<Diagnostic> {
  const error = await assertRejects(() => prepare(quickjs(), modules, limits), CodeError);
  assertEquals(error.diagnostics.length, 1);
  return error.diagnostics[0] as Diagnostic;
}

test("turn() ends in a death that names the limit, and the next guest is well", async () => {
  const box = quickjs({ memoryBudgetBytes: MACHINE });
  const deaths: [string, string, Partial<Limits>][] = [
    ["cpu_limit", "for (;;) {}", SHORT],
    ["cpu_limit", "for (;;) await null;", SHORT],
    ["memory_limit", "const k = []; for (;;) k.push(new Array(1000).fill(k.length));", {}],
    ["memory_limit", "try { const k = []; for (;;) k.push(new Uint8Array(2 ** 20)); } catch {} return 1;", {}],
    ["message_limit", "const big = 'x'.repeat(2 ** 20); for (let i = 0; i < 40; i++) this.env.AI.run(big);", {}],
  ];
  for (const [code, body, limits] of deaths) {
    const guest = await openFlow(body, { box, limits: { ...LIMITS, ...limits } });
    const start = JSON.stringify({ d: "start", now: 0, seed: "", class: "Flow", event: { timestamp: 0, instanceId: "i", workflowName: "F" }, bindings: ["AI"] });
    const turn = await guest.turn(`${start}\nj{"params":null,"env":{}}`, 0);
    assertEquals([turn.state, turn.death?.code], ["dead", code], body);
    // Dead is for ever, and quiet.
    const again = await guest.turn("{}", 0);
    assertEquals([again.state, again.death, again.out], ["dead", turn.death, []] as unknown[]);
    guest.drop();
    guest.drop();
    assertEquals(await outcomeOf("return 6 * 7;", { box }), 42);
  }
});

test("turn() survives source that is nested deeper than the host's stack", async () => {
  const outcome = await outcomeOf("try { eval('('.repeat(2e6)); } catch { return 'caught'; }");
  assert(outcome === "caught" || (outcome as { code: string }).code === "stack_limit", JSON.stringify(outcome));
});

test("turn() of a dropped guest is dead", async () => {
  const guest = await openFlow("return 1;");
  guest.drop();
  assertEquals((await guest.turn("{}", 0)).state, "dead");
});

test("turn() with an empty frame delivers nothing", async () => {
  const guest = await openFlow("return 1;");
  assertEquals(await guest.turn("", 0), { out: [], state: "rest", fuel: 0, incarnation: 1 });
  guest.drop();
});

test("turn() carries texts of any length and script", async () => {
  const texts = ["", "é€🎉", "x".repeat(4095), "🎉".repeat(1_500), "ü".repeat(400_000), "\\\"\n\r\t\u2028"];
  for (const text of texts) {
    const guest = await openFlow("return event.payload;");
    const start = JSON.stringify({ d: "start", now: 0, seed: "", class: "Flow", event: { timestamp: 0, instanceId: "i", workflowName: "F" }, bindings: [] });
    const { out } = await guest.turn(`${start}\nj${JSON.stringify({ params: text, env: {} })}`, 0);
    assertEquals(out.map((frame) => frame.slice(frame.indexOf("\n") + 2)), [JSON.stringify(text)]);
    guest.drop();
  }
});

test("turn() never hands half a frame to the guest", async () => {
  const guest = await openFlow("return 1;");
  assertEquals((await guest.turn('{"d":"start"}\nj"a\0b"', 0)).death?.code, "guest_failed");
});

test("a guest sees UTC, no host and no file of it", async () => {
  const body = `const d = new Date(0);
    return [d.getHours(), d.getTimezoneOffset(), new Date(2020, 5, 1).getTimezoneOffset(), String(d).includes("GMT+0000"),
      typeof process, typeof Deno, typeof Bun, typeof require, typeof WebAssembly, new Error("x").stack.split("\\n")[0].trim()];`;
  assertEquals(await outcomeOf(body), [
    ...[0, 0, 0, true, "undefined", "undefined", "undefined", "undefined", "undefined", "at run (index.js:6:93)"],
  ]);
});

test("module scope runs once a version, at time 0, and each run starts from what it left", async () => {
  const box = quickjs();
  const before = "let runs = 0; const at = Date.now(), chance = Math.random();";
  const prepared = await prepare(box, flow("return [++runs, at, chance];", before));
  const outcomes = [];
  for (let i = 0; i < 3; i++) {
    const guest = await box.open(initOf(prepared), never);
    outcomes.push(await drive(guest));
    guest.drop();
  }
  assertEquals(outcomes[1], outcomes[0]);
  assertEquals(outcomes[2], outcomes[0]);
  assertEquals((outcomes[0] as { value: unknown[] }).value.slice(0, 2), [1, 0]);
});

test("two tenants with the same version and text share nothing", async () => {
  const box = quickjs({ memoryBudgetBytes: MACHINE });
  const prepared = await prepare(box, flow("const before = globalThis.mark; globalThis.mark = event; return before ?? 'none';"));
  for (const tenant of ["acme", "globex", "acme", "globex"]) {
    const guest = await box.open(initOf(prepared, tenant), never);
    assertEquals(await drive(guest), { kind: "end", ok: true, value: "none" });
    guest.drop();
  }
});

test("import() in a run finds the modules of the code and nothing else", async () => {
  const box = quickjs();
  const modules = {
    ...flow(`const name = "./lib/" + "late"; const { value } = await import(name);
      const refused = [];
      for (const wrong of ["./nowhere.js", "node:fs", "../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "missing:x", "toString"]) {
        try { await import(wrong); refused.push(wrong); } catch (e) { if (!(e instanceof TypeError)) refused.push(String(e)); }
      }
      return [value, refused];`),
    "lib/late.ts": "export const value: number = 7;",
  };
  const guest = await box.open(initOf(await prepare(box, modules)), never);
  assertEquals(await drive(guest), { kind: "end", ok: true, value: [7, []] });
});

test("open() runs what another process prepared", async () => {
  const prepared = await prepare(quickjs(), flow("return 1;"));
  const guest = await quickjs().open(initOf(prepared), never);
  assertEquals(await drive(guest), { kind: "end", ok: true, value: 1 });
});

test("open() refuses prepared text of another format, and loses no VM by it", async () => {
  const box = quickjs({ memoryBudgetBytes: MACHINE });
  const open = async (): Promise<Guest> => await box.open(initOf({ text: '{"quickjs":0}', classes: [] }), never);
  for (let i = 0; i < 3; i++) await assertRejects(open, Error, "not of this release");
  assertEquals(await outcomeOf("return 1;", { box }), 1);
});

test("open() gives a guest that dies when its code cannot be loaded any more", async () => {
  const box = quickjs();
  const prepared = { text: JSON.stringify({ quickjs: 1, main: "a.js", modules: { "a.js": "for (;;) {}" } }), classes: ["Flow"] };
  const guest = await box.open(initOf(prepared, "acme", SHORT), never);
  assertEquals((await guest.turn("", 0)).death?.code, "cpu_limit");
  guest.drop();
});

test("open() waits in turn while the budget is used up", async () => {
  const box = quickjs({ memoryBudgetBytes: 2 * MACHINE });
  const prepared = await prepare(box, flow("return 1;"));
  const [a, b] = [await box.open(initOf(prepared), never), await box.open(initOf(prepared), never)];
  const order: string[] = [];
  const waiter = async (name: string): Promise<Guest> => {
    const guest = await box.open(initOf(prepared), never);
    order.push(name);
    return guest;
  };
  const first = waiter("first"), second = waiter("second");
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(order, []);
  a.drop();
  const c = await first;
  assertEquals(order, ["first"]);
  b.drop();
  const d = await second;
  assertEquals(order, ["first", "second"]);
  c.drop();
  d.drop();
});

test("open() gives up when its signal aborts, and the next in line is served", async () => {
  const box = quickjs({ memoryBudgetBytes: MACHINE });
  const prepared = await prepare(box, flow("return 1;"));
  const held = await box.open(initOf(prepared), never);
  const controller = new AbortController();
  const given = Promise.resolve(box.open(initOf(prepared), controller.signal));
  const next = Promise.resolve(box.open(initOf(prepared), never));
  controller.abort(new Error("enough"));
  await assertRejects(() => given, Error, "enough");
  assertThrows(() => box.open(initOf(prepared), controller.signal), Error, "enough");
  held.drop();
  (await next).drop();
});

test("open() makes room for a guest with another memory limit", async () => {
  const box = quickjs({ memoryBudgetBytes: MACHINE });
  assertEquals(await outcomeOf("return 1;", { box }), 1);
  assertEquals(await outcomeOf("return 2;", { box, limits: { ...LIMITS, memoryBytes: 64 * 2 ** 20 } }), 2);
});

test("a guest that has grown leaves its place, not its memory, to the next", async () => {
  const box = quickjs({ memoryBudgetBytes: MACHINE });
  const grow = "const k = []; for (let i = 0; i < 20; i++) k.push(new Uint8Array(2 ** 20)); return k.length;";
  assertEquals(await outcomeOf(grow, { box }), 20);
  assertEquals(await outcomeOf("return 1;", { box }), 1);
});

test("close() turns away who waits and who comes", async () => {
  const box = quickjs({ memoryBudgetBytes: MACHINE });
  const prepared = await prepare(box, flow("return 1;"));
  const held = await box.open(initOf(prepared), never);
  const waiting = Promise.resolve(box.open(initOf(prepared), never));
  await box.close();
  await assertRejects(() => waiting, TenureError, "closed");
  assertThrows(() => box.open(initOf(prepared), never), TenureError, "closed");
  assertEquals((await held.turn("", 0)).state, "rest");
  held.drop();
});

test("prepare() says where a module throws", async () => {
  const diagnostic = await diagnosticOf({
    "index.ts": 'import { check } from "./lib/check";\ncheck(1 as number);\nexport class Flow { run() {} }',
    "lib/check.ts": "interface A { a: 1 }\nexport function check(n: number): void {\n  throw new RangeError(`bad ${n}`);\n}",
  });
  assertEquals([diagnostic.file, diagnostic.line, diagnostic.message], ["lib/check.ts", 3, "RangeError: bad 1"]);
  assert(diagnostic.column > 0);
});

test("prepare() says where JavaScript does not parse", async () => {
  const diagnostic = await diagnosticOf({ "index.js": "import './b.js';\n", "b.js": "const a = 1;\nconst b = }\n" });
  assertEquals([diagnostic.file, diagnostic.line], ["b.js", 2]);
  assertStringIncludes(diagnostic.message, "SyntaxError: ");
});

test("prepare() says what is wrong with code that loads and is no workflow", async () => {
  const head = "export class Flow { run() {} }\n";
  const cases: [string, string][] = [
    ["export const a = 1;", "no class with a method run"],
    [`import { gone } from "./b.js"; gone; ${head}`, "gone"],
    [`await new Promise(() => {}); ${head}`, "top-level await never ends"],
    [`throw null; ${head}`, "module scope threw"],
    [`throw { get message() { for (;;) {} } }; ${head}`, "100 ms"],
    [`for (;;) {} ${head}`, "100 ms"],
    [`const k = []; for (;;) k.push(new Uint8Array(2 ** 20)); ${head}`, "memory"],
    [`Promise.resolve().then(function f() { Promise.resolve().then(f) }); ${head}`, "100 ms"],
    [`JSON.stringify = String = Reflect.apply = String.prototype.slice = () => { throw 1 }; throw new Error("plain"); ${head}`, "Error: plain"],
  ];
  for (const [source, message] of cases) {
    const diagnostic = await diagnosticOf({ "index.js": source, "b.js": "" }, message === "100 ms" ? SHORT : LIMITS);
    assertStringIncludes(diagnostic.message, message, source);
    assertEquals(diagnostic.file, "index.js");
  }
});

test("prepare() believes nothing that a stack says about files that are not the tenant's", async () => {
  const forged = "const e = new Error('x'); e.stack = '    at f (/etc/passwd:1:1)\\n    at g (index.js:99999999999:1)\\n at <tenure>:1:1'; throw e;";
  assertEquals(await diagnosticOf({ "index.js": forged }), { file: "index.js", line: 0, column: 0, message: "Error: x" });
});

test("prepare() takes a module with top-level await", async () => {
  const box = quickjs();
  const prepared = await prepare(box, flow("return ready;", "const ready = await Promise.resolve(5);"));
  assertEquals(await drive(await box.open(initOf(prepared), never)), { kind: "end", ok: true, value: 5 });
});

test("a turn is synchronous", async () => {
  const guest = await openFlow("return 1;");
  const turn: Turn | Promise<Turn> = guest.turn("", 0);
  assert(!(turn instanceof Promise));
  guest.drop();
});
