import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { transform } from "sucrase";
import * as quickjs from "../adapters/sandbox/quickjs.ts";
import * as trusted from "../adapters/sandbox/trusted.ts";
import * as memory from "../adapters/storage/memory.ts";
import * as tenure from "../mod.ts";
import * as testing from "../testing/mod.ts";

const MODULES: { readonly [specifier: string]: object } = {
  "tenure": tenure,
  "tenure/sandbox/quickjs": quickjs,
  "tenure/sandbox/trusted": trusted,
  "tenure/storage/memory": memory,
  "tenure/testing": testing,
};

const AsyncFunction = (async () => {}).constructor as new (...of: string[]) => (...args: unknown[]) => Promise<void>;

/** Runs a program in TypeScript; gives the lines that it prints. */
async function printed(program: string): Promise<string[]> {
  const { code } = transform(program, { transforms: ["typescript", "imports"], disableESTransforms: true, production: true });
  const lines: string[] = [];
  const require = (specifier: string): object => {
    const found = MODULES[specifier];
    if (found === undefined) throw new Error(`Cannot run the example: it imports ${specifier}`);
    return found;
  };
  await new AsyncFunction("require", "exports", "console", code)(require, {}, {
    log: (...values: unknown[]) => void lines.push(values.map(String).join(" ")),
  });
  return lines;
}

/** The programs of a page, or in the comments of a source file. */
function programsOf(file: string): string[] {
  const text = readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
  const plain = file.endsWith(".md") ? text : text.replaceAll(/^ +\* ?/gm, "");
  return [...plain.matchAll(/^```ts\n([^]*?)^```$/gm)].map((match) => match[1] as string);
}

const FILES = [
  ["docs/testing.md", 5],
  ["docs/schedules.md", 1],
  ["docs/children.md", 1],
  ["docs/errors.md", 1],
  ["docs/instances.md", 6],
  ["testing/virtual_clock.ts", 1],
  ["testing/test_workflow.ts", 1],
  ["testing/simulate_crash.ts", 1],
  ["testing/simulate.ts", 1],
] as const;

for (const [file, count] of FILES) {
  describe(`the examples in ${file} as programs`, () => {
    const programs = programsOf(file);
    it(`are ${count}`, () => assertEquals(programs.length, count));
    for (const [n, program] of programs.entries()) {
      it(`number ${n + 1} prints what it says`, async () => {
        const promised = [...program.matchAll(/\/\/ → (.+)$/gm)].map((match) => match[1]);
        assert(promised.length > 0, "it says nothing");
        assertEquals(await printed(program), promised);
      });
    }
  });
}
