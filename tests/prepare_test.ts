import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { test } from "node:test";
import { findImports } from "../adapters/sandbox/prepare/imports.ts";
import { prepareModules } from "../adapters/sandbox/prepare/modules.ts";
import { resolveSpecifier } from "../adapters/sandbox/prepare/names.ts";
import { CodeError, type Diagnostic } from "../core/errors.ts";
import { DEFAULT_LIMITS } from "../core/limits.ts";

const prepare = (modules: Record<string, string>, mainModule = "index.ts") =>
  prepareModules({ mainModule, modules }, DEFAULT_LIMITS);

function problems(modules: Record<string, string>, mainModule = "index.ts"): readonly Diagnostic[] {
  return assertThrows(() => prepare(modules, mainModule), CodeError).diagnostics;
}

const specifiers = (source: string): string[] => [...findImports(source)].map((site) => site.specifier);

test("prepareModules() strips types and keeps every line where it was", () => {
  const source = [
    'import { WorkflowEntrypoint, type WorkflowEvent } from "cloudflare:workers";',
    'import type { Order } from "./types";',
    "interface A {",
    "  a: string;",
    "}",
    "enum Kind { One, Two }",
    "export class Flow extends WorkflowEntrypoint<unknown, Order> {",
    "  async run(event: WorkflowEvent<Order>): Promise<number> {",
    "    return Kind.Two as number;",
    "  }",
    "}",
  ].join("\n");
  const { modules, main } = prepare({ "index.ts": source });
  assertEquals(main, "index.ts");
  const lines = (modules["index.ts"] as string).split("\n");
  assertEquals(lines.length, 11);
  assertStringIncludes(lines[6] as string, "export class Flow extends WorkflowEntrypoint {");
  assertStringIncludes(lines[8] as string, "return Kind.Two");
  assert(!lines.join("").includes("./types"));
});

test("prepareModules() leaves JavaScript as it is", () => {
  const source = "export const a = 1 /* : number */\n";
  assertEquals(prepare({ "index.js": source }, "index.js").modules["index.js"], source);
});

test("prepareModules() makes a module of JSON", () => {
  const { modules } = prepare({ "index.js": 'import d from "./d.json";', "d.json": '{"a":"\u2028"}' }, "index.js");
  assertEquals(modules["d.json"], 'export default {"a":"\\u2028"};');
});

test("prepareModules() locates a syntax error of TypeScript", () => {
  const [first] = problems({ "index.ts": "const a = 1;\nconst b: = 2;\n" });
  assertEquals([first?.file, first?.line, first?.column], ["index.ts", 2, 10]);
  assertStringIncludes(first?.message as string, "SyntaxError: Unexpected token");
  const error = assertThrows(() => prepare({ "index.ts": "let {" }), CodeError);
  assertStringIncludes(error.message, "Cannot deploy the code: index.ts:1:");
});

test("prepareModules() reports a missing import where its specifier is written", () => {
  const source = 'const x: Array<number> = [];\nconst y: number = 1; export * from "./gone";\nawait import("lodash");';
  assertEquals(problems({ "index.ts": source }), [
    { file: "index.ts", line: 2, column: 36, message: 'there is no module "./gone"' },
    { file: "index.ts", line: 3, column: 14, message: 'there is no module "lodash"; a package has to be bundled into the code' },
  ]);
});

test("prepareModules() finds the modules that imports mean", () => {
  prepare({
    "index.ts": 'import "./a"; import "./b.js"; import "./lib"; import "tenure"; import("./lib/x.mjs"); import "cloudflare:workers";',
    "a.ts": 'export * from "./index"',
    "b.ts": "",
    "lib/index.ts": 'import "../a.ts"; import "."; import "./x.mts"',
    "lib/x.mts": 'import ".."',
  });
});

test("prepareModules() refuses names that could be taken for something else", () => {
  for (
    const name of [
      "", "/a.ts", "../a.ts", "a/../b.ts", "./a.ts", "a//b.ts", "a\\b.ts", "a\n.ts", "node:fs.ts", "a", "a.txt", ".ts",
      "a\ud800.ts", "a?.ts", `${"a".repeat(600)}.ts`,
    ]
  ) {
    const [first] = problems({ "index.ts": "", [name]: "" });
    assert(first !== undefined && first.line === 0, name);
  }
});

test("prepareModules() holds a module named like a property of Object.prototype as plain data", () => {
  const modules = JSON.parse('{"index.js":"import \\"./__proto__.js\\"","__proto__.js":"","constructor.js":""}');
  const prepared = prepare(modules, "index.js");
  assertEquals(Object.keys(prepared.modules), ["index.js", "__proto__.js", "constructor.js"]);
  assertEquals(problems({ "index.js": 'import "toString"; import "__proto__"' }, "index.js").length, 2);
});

test("prepareModules() holds the limits", () => {
  const code = { mainModule: "index.js", modules: { "index.js": "0;", "b.js": "é" } };
  const limit = (codeBytes: number, modules: number): string =>
    assertThrows(() => prepareModules(code, { codeBytes, modules }), CodeError).message;
  prepareModules(code, { codeBytes: 16, modules: 2 });
  assertStringIncludes(limit(15, 2), "16 bytes");
  assertStringIncludes(limit(16, 1), "2 modules");
  assertStringIncludes(problems({ "a.ts": "" })[0]?.message as string, "main module");
  assertStringIncludes(problems({ "index.ts": ";".repeat(600_000) })[0]?.message as string, "bundle it to JavaScript");
});

test("prepareModules() refuses a source with NUL", () => {
  assertEquals(problems({ "index.ts": "a\n'\0'" })[0]?.line, 2);
});

test("prepareModules() refuses what is no code at all", () => {
  for (const code of [{}, { mainModule: "a.js" }, { mainModule: "a.js", modules: { "a.js": 1 } }, { modules: {} }]) {
    assertThrows(() => prepareModules(code as never, DEFAULT_LIMITS), CodeError);
  }
});

test("prepareModules() survives a source built to overflow the parser", () => {
  const [first] = problems({ "index.ts": "(".repeat(500_000) });
  assertEquals(first?.file, "index.ts");
});

test("findImports() sees every form of import and nothing else", () => {
  const source = [
    "import a from './1'; import './2'",
    'export * from "./3"; export * as n from \'./4\'; export {x as "from"} from "./5";',
    "const q = /import 'no'/g; const r = `${import('./6')} import './no' ${`${'}'}`}`",
    "x.import('no'); ({ import: 1 }); // import './no'",
    "/* import './no' */ export const from = './no'; export default './no';",
    "import.meta.url; await import('./7', {}); import { default as y } from './8'; import('./no' + 1)",
    "export { from }; './no'; import def, * as star from './9'; import from from './\\u{41}\\x42'",
    "export{};'no'; a / import('./10') / b; import {} from './11'",
  ].join("\n");
  assertEquals(specifiers(source), ["./1", "./2", "./3", "./4", "./5", "./6", "./7", "./8", "./9", "./AB", "./10", "./11"]);
});

test("findImports() takes linear time on sources built to hurt", () => {
  for (const unit of ["/[", "`${", "import ", "'", "/*", "export{", "import(", "a/", "\\"]) {
    const started = performance.now();
    specifiers(unit.repeat(2 ** 20 / unit.length));
    assert(performance.now() - started < 3_000, unit);
  }
});

test("resolveSpecifier() never leaves the code", () => {
  const has = (name: string): boolean => name === "a.ts" || name === "index.ts";
  assertEquals(resolveSpecifier("./a", { from: "b/c.ts", has }), undefined);
  assertEquals(resolveSpecifier("../a", { from: "b/c.ts", has }), "a.ts");
  assertEquals(resolveSpecifier("../../a", { from: "b/c.ts", has }), undefined);
  assertEquals(resolveSpecifier("a.ts", { from: "b/c.ts", has }), "a.ts");
  assertEquals(resolveSpecifier("..", { from: "b/c.ts", has }), "index.ts");
  assertEquals(resolveSpecifier("/a.ts", { from: "index.ts", has }), undefined);
});
