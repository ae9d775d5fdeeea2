/**
 * Writes the golden journals of this version: once for each release that changes what is written, never again.
 *
 *     node --conditions=tenure-source scripts/golden.ts v1
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import process from "node:process";
import { runOn } from "../tests/golden/_golden.ts";
import { SOURCES } from "../tests/golden/sources.ts";

const [version] = process.argv.slice(2);
if (version === undefined || !/^v\d+$/.test(version)) throw new Error(`Cannot write golden journals of "${version}": name a version like v1`);
for (const [name, source] of Object.entries(SOURCES)) {
  const file = `tests/golden/${version}/${name}.json`;
  if (existsSync(file)) throw new Error(`Cannot write "${file}": what a release wrote is never changed`);
  mkdirSync(`tests/golden/${version}`, { recursive: true });
  const { ran: _, ...golden } = await runOn(source, []);
  writeFileSync(file, `${JSON.stringify(golden, null, 1)}\n`);
  console.log(`${file}: ${golden.journal.length} records, ${golden.status.status}`);
}
process.exit(0);
