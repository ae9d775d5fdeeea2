/**
 * What a VM may send, and what is left of one tenant when it becomes another's: nothing, not even where nobody looks.
 */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { type Base, bootBase, makeVm } from "../adapters/sandbox/quickjs/boot.ts";
import { entryOf } from "../adapters/sandbox/quickjs/entry.ts";
import { captureImage, hasSoundHeap, type Image, restoreImage } from "../adapters/sandbox/quickjs/image.ts";
import { loadModules } from "../adapters/sandbox/quickjs/load.ts";
import { compileMachine } from "../adapters/sandbox/quickjs/machine.ts";
import { encodePrepared, tenantSources } from "../adapters/sandbox/quickjs/sources.ts";
import type { Entry, Vm } from "../adapters/sandbox/quickjs/vm.ts";
import { DEFAULT_VARIANT, defaultWasm } from "../adapters/sandbox/quickjs/wasm_source.ts";
import { frame } from "../core/frame.ts";
import { DEFAULT_LIMITS } from "../core/limits.ts";
import { encode } from "../core/values.ts";

const PAGES = 512;
const LIMITS = { ...DEFAULT_LIMITS, cpuMs: 5_000 };
const CANARY = "canary-6f1d";

let booted: Promise<Base> | undefined;
const base = (): Promise<Base> => booted ??= defaultWasm().then((wasm) => compileMachine(DEFAULT_VARIANT, wasm)).then(bootBase);

function load(vm: Vm, body: string, before = ""): void {
  const source = `import { WorkflowEntrypoint } from "cloudflare:workers"; ${before}
    export class Flow extends WorkflowEntrypoint { async run(event, step) { ${body} } }`;
  const code = { main: "index.js", modules: { "index.js": source } };
  vm.sources = tenantSources(encodePrepared(code));
  assertEquals(loadModules(vm, code, LIMITS), { classes: ["Flow"] });
}

function start(vm: Vm, params: unknown = null, limits: Partial<Entry> = {}): { readonly out: readonly string[]; readonly death: unknown } {
  const event = { timestamp: 0, instanceId: "i", workflowName: "Flow" };
  const head = { d: "start", now: 0, seed: "s", class: "Flow", event, bindings: [] };
  return vm.enter({ ...entryOf(LIMITS, 0), ...limits }, () => {
    vm.callWithText(vm.handles.deliver, frame(head, encode({ params, env: {} })));
    vm.pump();
  });
}

/** The image of a tenant's code, made in a VM that had no other before. */
async function imageOf(body: string, before?: string): Promise<Image> {
  const vm = await makeVm(await base(), PAGES);
  load(vm, body, before);
  return captureImage(vm.machine, (await base()).factory.layout);
}

function count(bytes: Uint8Array, text: string): number {
  const wanted = new TextEncoder().encode(text);
  let found = 0;
  for (let at = bytes.indexOf(wanted[0]!); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) found++;
  }
  return found;
}

/** Leaves the canary in strings, buffers, closures, bytecode, a regular expression, garbage, and deep on the stack. */
const SPREAD = `
  globalThis.kept = ["${CANARY}" + event.payload.n, new TextEncoder().encode("${CANARY}"), () => "${CANARY}"];
  for (let i = 0; i < 20_000; i++) ("${CANARY}" + i).toUpperCase();
  const wide = []; for (let i = 0; i < 100; i++) wide.push("${CANARY}".repeat(400) + i);
  const dive = (n, a) => { try { return n === 0 ? [..."${CANARY}"].sort().join("") : dive(n - 1, a + "${CANARY}"); } catch { return a.length; } };
  dive(10_000, "");
  try { JSON.parse("[".repeat(10_000)); } catch {}
  // A small integer is zero in memory: 32 KiB of zeros on the stack, and the canary below them.
  Function("f", "f(" + "0,".repeat(4_000) + "0)")(() => dive(100, "${CANARY}"));
  /${CANARY}(.*)+x/.test("${CANARY}".repeat(3));
  Function("return '${CANARY}'")();
  await step.do("${CANARY}", async () => 1);`;

test("enter() counts messages and their bytes, and ends at one too many", async () => {
  const flood = "for (let i = 0; i < 5; i++) step.do('ü' + i, () => 1);";
  const bytes = 5 * `{"id":1,"in":0,"c":"do","name":"ü0"}`.length + 5;
  const cases: [Partial<Entry>, number, boolean][] = [
    [{ messages: 5, messageBytes: bytes }, 5, false],
    [{ messages: 4, messageBytes: bytes }, 4, true],
    [{ messages: 5, messageBytes: bytes - 1 }, 4, true],
  ];
  for (const [limits, sent, dies] of cases) {
    const vm = await makeVm(await base(), PAGES);
    load(vm, `${flood} await new Promise(() => {});`);
    const { out, death } = start(vm, null, limits);
    assertEquals([out.length, (death as { code: string } | undefined)?.code], [sent, dies ? "message_limit" : undefined]);
  }
});

test("restoreImage() leaves a VM as if the tenant before had never been", async () => {
  const { factory: { layout } } = await base();
  const image = await imageOf("return 1;");
  const reused = await makeVm(await base(), PAGES), unused = await makeVm(await base(), PAGES);
  load(reused, SPREAD, `const secret = "${CANARY}";`);
  const { out, death } = start(reused, { n: CANARY });
  assertEquals([death, out.length], [undefined, 1]);
  assert(count(reused.machine.bytes(), CANARY) > 100, "the canary was not spread");
  restoreImage(reused.machine, layout, image);
  restoreImage(unused.machine, layout, image);
  assertEquals(count(reused.machine.bytes(), CANARY), 0);
  // Stronger than any search: every byte of the whole memory is what it is in a VM that had no tenant before.
  const [a, b] = [reused, unused].map(({ machine }) => new BigUint64Array(machine.memory.buffer)) as [BigUint64Array, BigUint64Array];
  assertEquals(a.length, b.length);
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) throw new Error(`the memories differ at ${i * 8}`);
  assertEquals(reused.machine.globals.map(({ value }) => value), unused.machine.globals.map(({ value }) => value));
});

test("restoreImage() makes VMs that run alike", async () => {
  const { factory: { layout } } = await base();
  const image = await imageOf("return [globalThis.n = (globalThis.n ?? 0) + 1, Math.random(), Date.now()];");
  const vm = await makeVm(await base(), PAGES), other = await makeVm(await base(), PAGES);
  const runs = [vm, vm, other].map((each) => {
    restoreImage(each.machine, layout, image);
    return start(each).out;
  });
  assertEquals(runs[0]?.length, 1);
  assertEquals(runs[1], runs[0]);
  assertEquals(runs[2], runs[0]);
});

test("restoreImage() puts back the stack pointer", async () => {
  const { factory: { layout }, image } = await base();
  const { machine } = await makeVm(await base(), PAGES);
  const [pointer] = machine.globals as [WebAssembly.Global<"i32">];
  assertEquals(pointer.value, layout.stackTop);
  // Where a guest leaves it that was stopped in the middle of a call.
  pointer.value -= 4096;
  restoreImage(machine, layout, image);
  assertEquals(pointer.value, layout.stackTop);
});

test("restoreImage() wipes a stack of any depth", async () => {
  const { factory: { layout }, image } = await base();
  const vm = await makeVm(await base(), PAGES);
  for (const depth of [1, 20_000, 40_000, 300_000, layout.stackTop - layout.dataEnd]) {
    vm.machine.bytes().fill(7, layout.stackTop - depth, layout.stackTop);
    restoreImage(vm.machine, layout, image);
    assert(vm.machine.bytes().subarray(layout.dataEnd, layout.stackTop).every((byte) => byte === 0), `depth ${depth}`);
  }
});

test("restoreImage() restores an image that needs more memory than a VM starts with", async () => {
  const { factory: { layout } } = await base();
  const image = await imageOf("return kept.reduce((n, text) => n + text.length, 0);", "const kept = []; for (let i = 0; i < 18; i++) kept.push('x'.repeat(2 ** 20) + i);");
  assert(image.memoryBytes > 16 * 2 ** 20);
  const vm = await makeVm(await base(), PAGES);
  restoreImage(vm.machine, layout, image);
  const { out } = start(vm);
  assertEquals(out[0]?.split("\n")[1], `j${18 * 2 ** 20 + 10 + 16}`);
});

test("hasSoundHeap() is false when a guest has broken the allocator's word", async () => {
  const { factory: { layout } } = await base();
  const vm = await makeVm(await base(), PAGES);
  assert(hasSoundHeap(vm.machine, layout));
  for (const end of [0, layout.stackTop - 4, 2 ** 32 - 1]) {
    new DataView(vm.machine.memory.buffer).setUint32(layout.breakAt, end, true);
    assert(!hasSoundHeap(vm.machine, layout), String(end));
  }
});
