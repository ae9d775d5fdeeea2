/**
 * `npm run mutants`: changes the engine for the worse and looks whether the simulator notices.
 *
 *     npm run mutants                              every planted bug, each within 20,000 schedules
 *     npm run mutants -- early --schedules 5000    those whose name contains the word
 *     npm run mutants -- --quick                   tries the seed first by which a bug was found last
 *     npm run mutants -- --quick --sample 9        so many of those whose seed is known
 *     npm run mutants -- --record                  writes those seeds down
 *     npm run mutants -- --made 240 --seed 1       as many made by a tool, drawn by a seed
 *     npm run mutants -- timers --made 30          those of files whose path contains the word
 *
 * `--schedules` is how many a mutant has to live through to survive. Ends with 1 when a planted bug is not found, when
 * less than nine tenths of the made ones are, or when a survivor is not known (`survivors.ts`).
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { hunt, patience, type Patience, type Round, whatOf } from "./hunt.ts";
import { huntMade } from "./made.ts";
import { PLANTED, plant } from "./planted.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    schedules: { type: "string" },
    quick: { type: "boolean", default: false },
    record: { type: "boolean", default: false },
    sample: { type: "string" },
    made: { type: "string" },
    seed: { type: "string", default: "1" },
    jobs: { type: "string", default: String(availableParallelism()) },
  },
});
/** By the name of a bug: the seed of a schedule in which it was found. */
const SEEDS = "tests/mutants/seeds.json";

// within the project, where a bundle finds its packages
const folder = mkdtempSync(join("node_modules", ".mutants-"));
const jobs = Number(values.jobs);
try {
  process.exitCode = values.made === undefined
    ? await planted()
    : await huntMade({
      count: Number(values.made),
      seed: Number(values.seed),
      schedules: Number(values.schedules ?? "3000"),
      words: positionals,
      jobs,
      folder,
    });
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function planted(): Promise<number> {
  const seeds = JSON.parse(readFileSync(SEEDS, "utf8")) as Record<string, number>;
  // a sample is for who has no time to search
  const asked = PLANTED.filter(({ name }) =>
    (positionals.length === 0 || positionals.some((word) => name.includes(word))) && (values.sample === undefined || seeds[name] !== undefined)
  );
  const step = Math.max(1, asked.length / Number(values.sample ?? asked.length));
  const wanted = asked.filter((_, n) => Math.floor(n / step) !== Math.floor((n - 1) / step));
  const all: Round = { from: 1, schedules: Number(values.schedules ?? "20000"), each: 1_000 };
  let usual: Patience | undefined;
  let found = 0;
  for (const mutant of wanted) {
    const changed = plant(mutant, (file) => readFileSync(file, "utf8"));
    const known = values.quick ? seeds[mutant.name] : undefined;
    let result = known === undefined ? undefined : await hunt(changed, [{ from: known, schedules: 1, each: 1 }], folder, () => 60_000);
    // a simulator that was changed finds it elsewhere
    if (result?.found !== true) result = await hunt(changed, [all], folder, usual ??= await patience(folder));
    if (result?.found === true) found++;
    if (result?.seed !== undefined) seeds[mutant.name] = result.seed;
    console.log(`${result?.found ? "found  " : "MISSED "} ${mutant.name}: ${result === undefined ? "no program" : whatOf(result)}`);
  }
  if (values.record) writeFileSync(SEEDS, JSON.stringify(seeds, Object.keys(seeds).sort(), 2) + "\n");
  console.log(`${found} passed, ${wanted.length - found} failed`);
  return found === wanted.length && found > 0 ? 0 : 1;
}
