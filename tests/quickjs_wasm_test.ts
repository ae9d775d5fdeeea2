import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { test } from "node:test";
import { quickjs } from "../adapters/sandbox/quickjs.ts";
import { readLayout } from "../adapters/sandbox/quickjs/layout.ts";
import { readWasm } from "../adapters/sandbox/quickjs/wasm_reader.ts";
import { exportGlobals } from "../adapters/sandbox/quickjs/wasm_rewrite.ts";
import { defaultWasm } from "../adapters/sandbox/quickjs/wasm_source.ts";
import { DEFAULT_LIMITS } from "../core/limits.ts";

/**
 * A module with one import of type (i64,i32)->f64, an imported constant, a mutable global of −70,000, a constant one of
 * 7, a function `get` that answers the mutable one, and data "hi" at 16.
 */
const TOY = new Uint8Array([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 11, 2, 0x60, 2, 0x7e, 0x7f, 1, 0x7c, 0x60, 0, 1, 0x7f],
  ...[2, 21, 3, 1, 97, 1, 98, 0, 0, 1, 97, 1, 99, 3, 0x7f, 0, 1, 97, 1, 109, 2, 0, 1],
  ...[3, 2, 1, 1],
  ...[6, 13, 2, 0x7f, 1, 0x41, 0x90, 0xdd, 0x7b, 0x0b, 0x7f, 0, 0x41, 7, 0x0b],
  ...[7, 0x87, 0, 1, 3, 103, 101, 116, 0, 1], // the length in two bytes, as linkers write it
  ...[10, 6, 1, 4, 0, 0x23, 1, 0x0b],
  ...[11, 8, 1, 0, 0x41, 16, 0x0b, 2, 104, 105],
]);

test("readWasm() reads imports, globals and data", () => {
  const { imports, globals, data } = readWasm(TOY);
  assertEquals(imports.map(({ module, name, type }) => [module, name, type]), [["a", "b", "i64,i32->f64"]]);
  assertEquals(globals, [{ index: 1, mutable: true, initial: -70_000 }, { index: 2, mutable: false, initial: 7 }]);
  assertEquals(data.map(({ offset, bytes }) => [offset, [...bytes]]), [[16, [104, 105]]]);
});

test("readWasm() refuses what is cut off or no binary", () => {
  assertThrows(() => readWasm(new TextEncoder().encode("<!doctype html>")), Error, "not a binary");
  for (const length of [0, 3, 9, 15, 30, TOY.length - 1]) {
    assertThrows(() => readWasm(TOY.subarray(0, length)), Error, "Cannot read");
  }
});

test("exportGlobals() exports the mutable globals and changes nothing else", () => {
  const { bytes, globals } = exportGlobals(readWasm(TOY));
  assertEquals([...globals], [[1, "tenure.global.1"]]);
  const c = new WebAssembly.Global({ value: "i32" }, 1);
  const m = new WebAssembly.Memory({ initial: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { a: { b: () => 0, c, m } });
  const pointer = exports["tenure.global.1"] as WebAssembly.Global<"i32">;
  const get = exports["get"] as () => number;
  assertEquals([pointer.value, get()], [-70_000, -70_000]);
  pointer.value = 5;
  assertEquals(get(), 5);
  assertEquals(new TextDecoder().decode(new Uint8Array(m.buffer, 16, 2)), "hi");
});

test("readLayout() finds stack, heap and break of the installed build", async () => {
  const binary = readWasm(await defaultWasm());
  const { dataEnd, stackTop, breakAt } = readLayout(binary);
  assert(breakAt < dataEnd && dataEnd < stackTop && stackTop < 16 * 2 ** 20);
  assertEquals(binary.globals.filter(({ mutable }) => mutable).map(({ initial }) => initial), [stackTop]);
});

test("quickjs() refuses a binary that it was not made for, and says so", async () => {
  const code = { mainModule: "a.js", modules: { "a.js": "export class A { run() {} }" } };
  const toy = quickjs({ wasm: TOY });
  await assertRejects(() => toy.prepare("acme", code, DEFAULT_LIMITS), Error, "made for @jitl/quickjs-wasmfile-release-sync");
  const broken = quickjs({ variant: { type: "sync", importFFI: () => Promise.resolve({}), importModuleLoader: () => Promise.resolve({}) } });
  await assertRejects(() => broken.prepare("acme", code, DEFAULT_LIMITS), TypeError, "not a variant");
});

test("quickjs() takes a binary by its bytes or its place", async () => {
  const code = { mainModule: "a.js", modules: { "a.js": "export class A { run() {} }" } };
  const place = new URL(import.meta.resolve("@jitl/quickjs-wasmfile-release-sync/wasm"));
  for (const wasm of [await defaultWasm(), place]) {
    const box = quickjs({ wasm });
    const prepared = await Promise.all([1, 2, 3].map(() => box.prepare("acme", code, DEFAULT_LIMITS)));
    assertEquals(prepared.map(({ classes }) => classes), [["A"], ["A"], ["A"]]);
  }
});
