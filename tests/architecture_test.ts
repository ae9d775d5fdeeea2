import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { codeOf, importsOf } from "./_architecture/imports.ts";
import { importFault, wordFaults } from "./_architecture/rules.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const MAX_LINES = 400;

interface Manifest {
  version: string;
  exports: Record<string, string | Record<string, string>>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

interface DenoConfig {
  version: string;
  exports: Record<string, string>;
  imports: Record<string, string>;
}

const manifest = json<Manifest>("package.json");
const denoConfig = json<DenoConfig>("deno.json");
const { compilerOptions } = json<{ compilerOptions: { paths: Record<string, string[]> } }>("tsconfig.json");
const sources = sourceFiles();

describe("the import rule", () => {
  it("holds for every source file", () => {
    const faults = sources.flatMap(({ file, text }) =>
      importsOf(text).map((each) => importFault(file, each)).filter((fault) => fault !== undefined).map((fault) => `${file} ${fault}`)
    );
    assertEquals(faults, []);
    assert(sources.some(({ file }) => file.startsWith("core/")), "no source file was looked at");
  });

  it("lets what is published import nothing but its dependencies", () => {
    const allowed = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    // what is bundled into a generated module brings its libraries along
    const bundled = (file: string): boolean => file.startsWith("adapters/cloudflare/guest/");
    const faults = sources.filter(({ file }) => /^(mod\.ts|core|adapters|testing|cli)/.test(file) && !bundled(file)).flatMap(({ file, text }) =>
      importsOf(text).filter(({ specifier, typeOnly }) => !typeOnly && /^[\w@]/.test(specifier) && !/^\w+:/.test(specifier))
        .filter(({ specifier }) => !allowed.some((name) => specifier === name || specifier.startsWith(`${name}/`)))
        .map(({ specifier }) => `${file} imports "${specifier}"`)
    );
    assertEquals(faults, []);
  });

  const refused: [string, string][] = [
    ["core/shard/shard.ts", "../tenure.ts"],
    ["core/instance/evolve.ts", "../execution/execution.ts"],
    ["core/tenant.ts", "./tenure.ts"],
    ["core/values.ts", "./instance/state.ts"],
    ["core/ports/store.ts", "../limits.ts"],
    ["core/tenure.ts", "../adapters/storage/memory.ts"],
    ["core/tenure.ts", "node:fs"],
    ["core/ids.ts", "ulid"],
    ["core/ids.ts", "./limits"],
    ["adapters/storage/sqlite.ts", "./memory.ts"],
    ["adapters/storage/sqlite.ts", "../../testing/mod.ts"],
    ["adapters/sandbox/quickjs.ts", "../storage/log_store_old.ts"],
    ["adapters/sandbox/quickjs/vm.ts", "node:crypto"],
    ["adapters/storage/memory.ts", "bun:sqlite"],
    ["adapters/hono/api.ts", "../mcp/mod.ts"],
    ["testing/mod.ts", "../adapters/storage/memory.ts"],
    ["testing/mod.ts", "tenure"],
  ];
  for (const [file, specifier] of refused) {
    it(`refuses "${specifier}" in ${file}`, () => {
      assertEquals(typeof importFault(file, { specifier, typeOnly: false }), "string");
    });
  }

  const accepted: [string, string, typeOnly?: boolean][] = [
    ["core/tenure.ts", "./shard/shard.ts"],
    ["core/shard/shard.ts", "./timers.ts"],
    ["core/instance/decide/step.ts", "../../duration.ts"],
    ["core/values/path.ts", "../utf8.ts"],
    ["core/values.ts", "./ports/store.ts", true],
    ["core/ports/guest.ts", "../limits.ts", true],
    ["adapters/storage/s3.ts", "./log_store/mod.ts"],
    ["adapters/storage/sqlite.ts", "./sqlite_node.ts"],
    ["adapters/storage/sqlite/schema.ts", "../sqlite.ts"],
    ["adapters/storage/sqlite_node.ts", "node:fs"],
    ["adapters/storage/sqlite.ts", "node:sqlite"],
    ["adapters/sandbox/quickjs.ts", "quickjs-emscripten-core"],
    ["adapters/hono/api.ts", "./dashboard/page.ts"],
    ["adapters/cloudflare/workers.ts", "cloudflare:workers"],
    ["testing/simulator/main.ts", "node:process"],
    ["testing/mod.ts", "../core/tenure.ts"],
    ["tests/run.ts", "node:fs"],
    ["examples/demo/main.ts", "tenure"],
  ];
  for (const [file, specifier, typeOnly = false] of accepted) {
    it(`accepts "${specifier}" in ${file}`, () => {
      assertEquals(importFault(file, { specifier, typeOnly }), undefined);
    });
  }
});

describe("importsOf()", () => {
  it("finds imports of every form", () => {
    const source = `import a, { b } from "./1.ts";\nimport type { C } from './2.ts';\nimport "./3.ts";\nexport {\n  d,\n} from "./4.ts";
export * from "./5.ts";\nexport type { E } from "./6.ts";\nconst f = await import("./7.ts");\nexport function g() { return \`\${await import("./8.ts")}\`; }`;
    const found = importsOf(source).map(({ specifier, typeOnly }) => specifier + (typeOnly ? " (type)" : "")).sort();
    assertEquals(found, ["./1.ts", "./2.ts (type)", "./3.ts", "./4.ts", "./5.ts", "./6.ts (type)", "./7.ts", "./8.ts"]);
  });
  it("finds none in comments, texts and regular expressions", () => {
    const source = `/** import "./1.ts" */\n// import "./2.ts"\nconst a = \`\nimport "./3.ts";\n\`;\nconst b = 'import "./4.ts"';
const c = /[/"]import "/, d = 4 / 2; /* " */ const e = "\\"import './5.ts'";\nexport const from = a + "./6.ts";`;
    assertEquals(importsOf(source), []);
  });
});

describe("source files", () => {
  it(`have at most ${MAX_LINES} lines`, () => {
    const long = sources.filter(({ file, text }) => !file.endsWith(".generated.ts") && text.split("\n").length - 1 > MAX_LINES);
    assertEquals(long.map(({ file }) => file), []);
  });
  it("use no word that is not portable", () => {
    assertEquals(sources.flatMap(({ file, text }) => wordFaults(file, codeOf(text)).map((fault) => `${file} ${fault}`)), []);
    assertEquals(wordFaults("core/a.ts", codeOf("Buffer.from(x); new ArrayBuffer(1); const enum A { B }")).length, 2);
    assertEquals(wordFaults("core/a.ts", codeOf("// Buffer\nx.buffer; new ArrayBuffer(1); y = 'enum A {'")), []);
  });
});

describe("the lists of exports", () => {
  const subpaths = Object.entries(manifest.exports).filter(([, target]) => typeof target !== "string") as [string, Record<string, string>][];
  const expected = Object.fromEntries(subpaths.map(([subpath, target]) => [subpath, target["tenure-source"]!]));
  const named = Object.fromEntries(Object.entries(expected).map(([subpath, path]) => ["tenure" + subpath.slice(1), path]));

  it("agree: package.json and the exports of deno.json", () => {
    assertEquals(denoConfig.exports, expected);
  });
  it("agree: package.json and the imports of deno.json", () => {
    assertEquals(Object.fromEntries(Object.entries(denoConfig.imports).filter(([name]) => /^tenure(\/|$)/.test(name))), named);
  });
  it("agree: package.json and the paths of tsconfig.json", () => {
    assertEquals(compilerOptions.paths, Object.fromEntries(Object.entries(named).map(([name, path]) => [name, [path]])));
  });
  it("name the source, its types and its build, in this order", () => {
    for (const [, target] of subpaths) {
      const built = target["tenure-source"]!.replace(/^\.\//, "./dist/").replace(/\.ts$/, "");
      assertEquals(Object.entries(target).slice(1), [["types", `${built}.d.ts`], ["default", `${built}.js`]]);
    }
  });
  it("agree on versions with what Deno imports", () => {
    assertEquals(denoConfig.version, manifest.version);
    const ranges = { ...manifest.devDependencies, ...manifest.peerDependencies, ...manifest.dependencies };
    for (const [name, target] of Object.entries(denoConfig.imports)) {
      if (target.startsWith("npm:")) assertEquals(target, `npm:${name}@${ranges[name]}`);
    }
  });
});

function json<T>(path: string): T {
  return JSON.parse(readFileSync(join(root, path), "utf8")) as T;
}

/** Every TypeScript file of the repository, by its path with slashes. */
function sourceFiles(): { file: string; text: string }[] {
  const skipped = ["node_modules", "dist", ".git"];
  const files = readdirSync(root, { withFileTypes: true }).filter(({ name }) => !skipped.includes(name)).flatMap((entry) =>
    entry.isDirectory()
      ? (readdirSync(join(root, entry.name), { recursive: true }) as string[]).map((path) => `${entry.name}/${path.split(sep).join("/")}`)
      : [entry.name]
  );
  return files.filter((file) => file.endsWith(".ts") && !/(^|\/)(node_modules|dist)\//.test(file))
    .map((file) => ({ file, text: readFileSync(join(root, file), "utf8") }));
}
