/**
 * The lists of `npm run mutants` fit the sources that they are of; the hunt itself is that command's.
 *
 * @module
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { mutantsOf } from "./mutants/operators.ts";
import { PLANTED, plant } from "./mutants/planted.ts";
import { SURVIVORS } from "./mutants/survivors.ts";

describe("mutants", () => {
  for (const mutant of PLANTED) {
    it(`has a place where "${mutant.name}" can be planted`, () => {
      const changed = plant(mutant, (file) => readFileSync(file, "utf8"));
      for (const { file, text } of changed) assertNotEquals(text, readFileSync(file, "utf8"));
    });
  }

  it("knows by which schedules planted bugs are found", () => {
    const seeds = JSON.parse(readFileSync("tests/mutants/seeds.json", "utf8")) as Record<string, number>;
    assert(Object.keys(seeds).length >= 20, "run npm run mutants -- --record");
    for (const name of Object.keys(seeds)) assert(PLANTED.some((mutant) => mutant.name === name), `there is no "${name}"`);
  });

  it("names no planted bug twice", () => {
    assertEquals(new Set(PLANTED.map(({ name }) => name)).size, PLANTED.length);
  });

  it("knows only survivors whose place is still there", () => {
    for (const { file, within, from, at, reason } of SURVIVORS) {
      assert(existsSync(file), `there is no ${file} (${reason})`);
      const made = mutantsOf(file, readFileSync(file, "utf8"));
      const fits = made.some((m) => (within ?? m.within) === m.within && (from ?? m.from) === m.from && m.text.includes(at ?? ""));
      assert(fits, `${file} has no ${within ?? ""}() with ${from ?? at} (${reason})`);
    }
  });

  it("makes mutants of what code does, not of what it says", () => {
    const text = [
      "/** a && b */",
      "export function f(a: boolean, b: number): string {",
      '  if (a && b < 3) throw new TypeError(`no ${b === 1 ? "one" : "other"}`);',
      '  return b > 0 ? "more" : "less";',
      "}",
    ].join("\n");
    const said = mutantsOf("f.ts", text).map(({ line, from, to }) => `${line} ${from} -> ${to}`);
    assertEquals(said, [
      "3 a && b < 3 -> true",
      "3 a && b < 3 -> false",
      "3 a && b < 3 -> !(a && b < 3)",
      "3 && -> ||",
      "3 < -> <=",
      "3 3 -> 4",
      "3 throw new TypeError(`no ${b === 1 ? \"one\" : \"other\"}`); -> ;",
      "4 b > 0 -> true",
      "4 b > 0 -> false",
      "4 b > 0 -> !(b > 0)",
      "4 > -> >=",
      "4 0 -> 1",
      '4 "more" -> ""',
      '4 "less" -> ""',
    ]);
  });
});
