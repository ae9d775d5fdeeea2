/** docs/parity.md is complete in itself: every row is answered, and what it names is there. That it ran, `npm test` says. */
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { declares, PARITY_FILE, type ParityRow, readParity } from "./_runner/parity.ts";

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const rows = readParity(read(PARITY_FILE));
const TYPES = "tests/types/cloudflare.ts";

/** Numbers by what stands before them: `CF-create` → 1, 2, 3. */
function numbersOf(all: readonly ParityRow[]): Map<string, number[]> {
  const numbers = new Map<string, number[]>();
  for (const { id } of all) {
    const at = id.lastIndexOf("-");
    numbers.set(id.slice(0, at), [...numbers.get(id.slice(0, at)) ?? [], Number(id.slice(at + 1))]);
  }
  return numbers;
}

describe("docs/parity.md", () => {
  it("numbers its rows from 1, each once", () => {
    assert(rows.length > 150, `${rows.length} rows`);
    for (const [group, numbers] of numbersOf(rows)) assertEquals(numbers, numbers.map((_, n) => n + 1), group);
  });

  it("says why of everything that is not the same, and of nothing that is", () => {
    for (const { id, verdict, reason } of rows) assertEquals(reason.length > 0, verdict !== "same", id);
  });

  it("names a test for everything but what is not yet, which has none", () => {
    for (const { id, verdict, tests } of rows) assertEquals(tests.length > 0, verdict !== "not yet", id);
  });

  it("names tests that are there", () => {
    const sources = new Map<string, string>();
    for (const { id, tests } of rows) {
      for (const { file, name } of tests) {
        if (!sources.has(file)) sources.set(file, read(file));
        const source = sources.get(file) as string;
        const there = file === TYPES ? source.includes(`  ${JSON.stringify(name)}: `) : file.endsWith("_test.ts") && declares(source, name);
        assert(there, `${id}: ${file} has no "${name}"`);
      }
    }
  });

  it("names each type test, and all of them are compiled", () => {
    const named = new Set(rows.flatMap(({ tests }) => tests.filter(({ file }) => file === TYPES).map(({ name }) => name)));
    for (const [, name = ""] of read(TYPES).matchAll(/^ {2}"([^"]+)": /gm)) assert(named.has(name), `no row is held by "${name}"`);
    assert(read("scripts/check.ts").includes('"--project", CLOUDFLARE'));
    assert(/^const CLOUDFLARE = "tests\/types";$/m.test(read("scripts/check.ts")));
  });

  it("compares with the version of Cloudflare's types that it says", () => {
    const { devDependencies } = JSON.parse(read("tests/types/package.json")) as { devDependencies: Record<string, string> };
    const version = devDependencies["@cloudflare/workers-types"] as string;
    assert(/^\d+\.\d+\.\d+$/.test(version) && read(PARITY_FILE).includes(`\`@cloudflare/workers-types\` ${version}.`), version);
  });
});
