/**
 * Writes the golden journals and databases of this version: once for each release that changes what is written, never
 * again. What is there stays.
 *
 *     node --conditions=tenure-source scripts/golden.ts v1
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { ENDINGS, finishDatabase, writeDatabase } from "../tests/golden/_database.ts";
import { runOn } from "../tests/golden/_golden.ts";
import { BEFORE, RESTARTS, SCHEDULES, SOURCES } from "../tests/golden/sources.ts";

const [version] = process.argv.slice(2);
if (version === undefined || !/^v\d+$/.test(version)) throw new Error(`Cannot write golden files of "${version}": name a version like v1`);
const folder = `tests/golden/${version}`;
mkdirSync(folder, { recursive: true });

for (const [name, source] of Object.entries(SOURCES)) {
  const file = `${folder}/${name}.json`;
  if (existsSync(file)) {
    console.log(`${file}: is there, and what a release wrote is never changed`);
    continue;
  }
  const before = BEFORE[name], schedule = SCHEDULES[name], restart = RESTARTS[name];
  const { ran: _, ...golden } = await runOn(source, [], { ...(before !== undefined && { before }), ...(schedule !== undefined && { schedule }), ...(restart !== undefined && { restart }) });
  writeFileSync(file, `${JSON.stringify(golden, null, 1)}\n`);
  console.log(`${file}: ${golden.journal.length} records, ${golden.status.status}`);
}

for (const ending of ENDINGS) {
  const file = `${folder}/${ending}.db`;
  if (existsSync(file)) {
    console.log(`${file}: is there, and what a release wrote is never changed`);
    continue;
  }
  const scratch = mkdtempSync(join(tmpdir(), "tenure-golden-"));
  const { after, before } = await writeDatabase(join(scratch, "a.db"), ending);
  copyFileSync(join(scratch, "a.db"), file);
  const { ends, ran } = await finishDatabase(join(scratch, "a.db"), after);
  rmSync(scratch, { recursive: true, force: true });
  writeFileSync(`${file}.json`, `${JSON.stringify({ after, before, ends, ran }, null, 1)}\n`);
  console.log(`${file}: ${Object.keys(before).length} instances`);
}
process.exit(0);
