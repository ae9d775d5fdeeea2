import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { sqlite } from "../adapters/storage/sqlite.ts";
import { runtimeDriver } from "../adapters/storage/sqlite/database.ts";
import { createTenure, TenureError } from "../mod.ts";
import { withoutShare } from "../core/shard/accounts.ts";
import { stateOf } from "../core/instance/evolve.ts";
import { readRecord } from "../core/instance/records.ts";
import { ENDINGS, finishDatabase, type GoldenDatabase } from "./golden/_database.ts";
import { type Golden, runOn } from "./golden/_golden.ts";

const FOLDER = new URL("./golden/", import.meta.url);
const versions = readdirSync(FOLDER).filter((name) => /^v\d+$/.test(name));

for (const version of versions) {
  describe(`a journal that ${version} wrote`, () => {
    for (const file of readdirSync(new URL(`${version}/`, FOLDER)).filter((name) => /^[^.]+\.json$/.test(name))) {
      const golden = JSON.parse(readFileSync(new URL(`${version}/${file}`, FOLDER), "utf8")) as Golden;
      const { source, before, journal } = golden;

      it(`(${file}) is read whole`, () => {
        const state = stateOf([journal.join("\n")]);
        assertEquals([state.phase, state.seq], [golden.status.status, journal.length]);
      });

      it(`(${file}) goes on from each of its prefixes to the same end, and runs nothing again that has ended`, async () => {
        // the ends and one in three: each is a run of its own
        for (let n = 1; n < journal.length; n += n < journal.length - 4 ? 3 : 1) {
          const after = await runOn(source, journal.slice(0, n), before === undefined ? {} : { before }, golden);
          assertEquals([n, withoutShare(after.head)], [n, withoutShare(golden.head)]);
          for (const name of settledIn(journal.slice(0, n))) assertEquals([n, after.ran.includes(name)], [n, false]);
        }
      });
    }
  });
}

/** A copy of a golden file in a folder of its own. */
async function onCopy(file: string, body: (path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tenure-golden-"));
  try {
    const path = join(folder, "a.db");
    copyFileSync(new URL(file, FOLDER), path);
    await body(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const version of versions) {
  describe(`a database that ${version} left`, () => {
    for (const ending of ENDINGS) {
      it(`when it was ${ending}, is gone on with: everything in it comes to its end, and nothing that has ended runs again`, async () => {
        await onCopy(`${version}/${ending}.db`, async (path) => {
          const { after, ...golden } = JSON.parse(readFileSync(new URL(`${version}/${ending}.db.json`, FOLDER), "utf8")) as GoldenDatabase;
          assertEquals(await finishDatabase(path, after), golden);
        });
      });
    }

    it("is refused and left as it is once a newer version has changed its tables", async () => {
      await onCopy(`${version}/killed.db`, async (path) => {
        const database = (await runtimeDriver())(path);
        database.exec("PRAGMA journal_mode = DELETE; UPDATE tenure_meta SET value = 1000 WHERE key = 'format'");
        database.close();
        const before = readFileSync(path);
        const error = await assertRejects(() => createTenure({ storage: sqlite({ path }) }), TenureError, "its format is 1000");
        assertEquals(error.code, "storage_newer");
        assertEquals(readFileSync(path).equals(before), true);
      });
    });

    it("is refused and left as it is once a newer version writes its journals", async () => {
      await onCopy(`${version}/killed.db`, async (path) => {
        const database = (await runtimeDriver())(path);
        database.exec("PRAGMA journal_mode = DELETE; INSERT INTO tenure_cell VALUES(0, 'format', '1000')");
        database.close();
        const error = await assertRejects(() => createTenure({ storage: sqlite({ path }) }), TenureError, "1000");
        assertEquals(error.code, "storage_newer");
        // nobody has owned it: whoever knows the format finds the death that is still to be counted
        const store = await sqlite({ path }).open();
        assertEquals((await store.acquire(0, "newer", 1_000))?.clean, false);
        await store.close();
      });
    });
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
  return found.filter((name) => ["a", "again", "last", "retried", "kept", "slow"].includes(name) || name.startsWith("after"));
}
