import { assertEquals, assertThrows } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { TenureError } from "../mod.ts";
import { stateOf } from "../core/instance/evolve.ts";
import { readRecord } from "../core/instance/records.ts";
import { type Golden, runOn } from "./golden/_golden.ts";

const FOLDER = new URL("./golden/", import.meta.url);
const versions = readdirSync(FOLDER).filter((name) => /^v\d+$/.test(name));

for (const version of versions) {
  describe(`a journal that ${version} wrote`, () => {
    for (const file of readdirSync(new URL(`${version}/`, FOLDER))) {
      const golden = JSON.parse(readFileSync(new URL(`${version}/${file}`, FOLDER), "utf8")) as Golden;
      const { source, journal } = golden;

      it(`(${file}) is read whole`, () => {
        const state = stateOf([journal.join("\n")]);
        assertEquals([state.phase, state.seq], [golden.status.status, journal.length]);
      });

      it(`(${file}) goes on from each of its prefixes to the same end, and runs nothing again that has ended`, async () => {
        // the ends and one in three: each is a run of its own
        for (let n = 1; n < journal.length; n += n < journal.length - 4 ? 3 : 1) {
          const after = await runOn(source, journal.slice(0, n));
          assertEquals([n, after.head], [n, golden.head]);
          for (const name of settledIn(journal.slice(0, n))) assertEquals([n, after.ran.includes(name)], [n, false]);
        }
      });
    }
  });
}

describe("stateOf()", () => {
  it("refuses the journal of a newer version", () => {
    const line = '{"k":"created","v":2,"t":1,"life":1,"version":"v","seed":"s","rng":1}\tj{}';
    const error = assertThrows(() => stateOf([line]), TenureError, "newer");
    assertEquals((error as TenureError).code, "storage_newer");
  });

  it("refuses what is no journal, and says where", () => {
    const first = '{"k":"created","v":1,"t":1,"life":1,"version":"v","seed":"s","rng":1}\tj{}';
    for (const line of ["", "{", '{"k":"what","t":2}', '{"k":"started","t":2,"op":7,"attempt":1}']) {
      const error = assertThrows(() => stateOf([first, line]), TenureError, "record 1");
      assertEquals((error as TenureError).code, "corrupt");
    }
    assertThrows(() => stateOf(['{"k":"event","t":2,"type":"t"}']), TenureError, "record 0");
  });
});

/** Names of the bodies whose step stands settled in a journal. */
function settledIn(journal: readonly string[]): string[] {
  const names: string[] = [], found: string[] = [];
  for (const { head } of journal.map(readRecord)) {
    if (head.k === "scheduled") names[head.op] = head.name;
    if (head.k === "settled" && head.ok) found.push(names[head.op] as string);
  }
  return found.filter((name) => ["a", "last", "retried"].includes(name) || name.startsWith("after"));
}
