/**
 * `npm run mutants`: plants bugs and looks whether the simulator finds them.
 *
 *     npm run mutants                              every planted bug, each within 20,000 schedules
 *     npm run mutants -- early --schedules 5000    those whose name contains the word
 *
 * Ends with 1 when one is not found.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { execute } from "../_runner/execute.ts";
import { buildSimulator } from "./build.ts";
import { type Mutant, PLANTED } from "./planted.ts";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { schedules: { type: "string", default: "20000" } } });
const wanted = PLANTED.filter(({ name }) => positionals.length === 0 || positionals.some((word) => name.includes(word)));
/** A mutant that spins or waits for ever is found by that. */
const PATIENCE = 600_000;

// within the project, where a bundle finds its packages
const folder = mkdtempSync(join("node_modules", ".mutants-"));
let found = 0;
try {
  for (const mutant of wanted) {
    const { good, text } = await hunt(mutant);
    if (good) found++;
    console.log(`${good ? "found  " : "MISSED "} ${mutant.name}: ${text}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${found} passed, ${wanted.length - found} failed`);
process.exit(found === wanted.length && found > 0 ? 0 : 1);

async function hunt(mutant: Mutant): Promise<{ good: boolean; text: string }> {
  const file = join(folder, "simulator.mjs");
  await buildSimulator(file, mutant);
  const { code, output, timedOut, milliseconds } = await execute(
    { bin: process.execPath, args: [file, "--schedules", values.schedules, "--jobs", "1"] },
    { timeout: PATIENCE },
  );
  const seconds = `${(milliseconds / 1000).toFixed(1)} s`;
  if (timedOut) return { good: true, text: `no end, ${seconds}` };
  const first = /seed (\d+): ([^:]+):/.exec(output);
  return { good: code !== 0 && first !== null, text: first === null ? `${output.trim().split("\n")[0]}` : `${first[2]} at seed ${first[1]}, ${seconds}` };
}
