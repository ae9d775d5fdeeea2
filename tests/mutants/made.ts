/**
 * Draws mutants that a tool has made and hunts them, with more schedules for those that are still alive.
 *
 * @module
 */
import { globSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createRandom } from "../../testing/store_cases/random.ts";
import { hunt, patience, type Round, whatOf } from "./hunt.ts";
import { type Made, mutantsOf } from "./operators.ts";
import { type Reach, reachOf } from "./reach.ts";
import { type Fate, survivorOf } from "./survivors.ts";

const FOLDERS = ["core/instance", "core/execution", "core/shard"];
/** Most are found by the first rounds: up to which seed each goes. */
const STAGES = [60, 600];
/** Schedules of one process. */
const EACH = 300;
/** What these do not come to counts as not reached. */
const REACH = 1_000;
/** How many have to be found. */
const SCORE = 0.9;

/** Options of {@linkcode huntMade}. */
export interface HuntOptions {
  readonly count: number;
  readonly seed: number;
  /** Schedules that a mutant has to live through. */
  readonly schedules: number;
  /** Only files whose path contains one of them. */
  readonly words: readonly string[];
  readonly jobs: number;
  /** For bundles. */
  readonly folder: string;
}

/** Prints each, the survivors, and the score. Returns the exit code. */
export async function huntMade({ count, seed, schedules, words, jobs, folder }: HuntOptions): Promise<number> {
  const drawn = draw(count, seed, words);
  const rounds = roundsTo(schedules);
  const reach = reachOf(REACH, folder);
  const usual = await patience(folder);
  const survivors: Made[] = [];
  const stages = rounds.map(() => 0);
  let found = 0, programs = 0, next = 0;

  async function work(job: number): Promise<void> {
    const place = join(folder, String(job));
    mkdirSync(place);
    while (next < drawn.length) {
      const made = drawn[next++] as Made;
      const { file, start, end, to } = made;
      const text = readFileSync(file, "utf8");
      // what nobody comes to is only built
      const reached = reach(file, start);
      const result = await hunt([{ file, text: text.slice(0, start) + to + text.slice(end) }], reached ? rounds : [], place, usual);
      if (result === undefined) continue;
      programs++;
      if (result.found) {
        found++;
        stages[result.round] = (stages[result.round] ?? 0) + 1;
      } else survivors.push(made);
      console.log(`${result.found ? "found   " : "SURVIVES"} ${nameOf(made)}: ${reached ? whatOf(result) : "not reached"}`);
    }
  }

  await Promise.all(Array.from({ length: jobs }, (_, job) => work(job)));
  const within = rounds.map(({ from, schedules }, n) => `${stages[n]} within ${from + schedules - 1} schedules`);
  console.log(`\nfound ${within.join(", ")}`);
  return judge({ found, programs, survivors, reach });
}

/** Prints what is known of the survivors, and the score. */
function judge(
  { found, programs, survivors, reach }: {
    readonly found: number;
    readonly programs: number;
    readonly survivors: readonly Made[];
    readonly reach: Reach;
  },
): number {
  const count = (fate: Fate): number => survivors.filter((made) => survivorOf(made)?.is === fate).length;
  const equivalent = count("equivalent"), speed = count("speed");
  const unreached = survivors.filter(({ file, start }) => !reach(file, start)).length;
  console.log(`${survivors.length} of ${programs} survive: ${equivalent} are equivalent, ${speed} change how fast it is; ${unreached} are not reached`);
  for (const made of survivors) {
    const known = survivorOf(made);
    console.log(`  ${nameOf(made)}: ${known === undefined ? "NOT LOOKED AT" : `${known.is}: ${known.reason}`}`);
  }
  const score = found / Math.max(1, programs - equivalent - speed);
  console.log(`score ${percent(found / Math.max(1, programs))} of all, ${percent(score)} of those that change what happens`);
  const good = programs > 0 && score >= SCORE && survivors.every((made) => survivorOf(made) !== undefined);
  console.log(good ? "1 passed, 0 failed" : "0 passed, 1 failed");
  return good ? 0 : 1;
}

function roundsTo(schedules: number): Round[] {
  const ends = [...STAGES.filter((end) => end < schedules), schedules];
  return ends.map((end, n) => ({ from: (ends[n - 1] ?? 0) + 1, schedules: end - (ends[n - 1] ?? 0), each: EACH }));
}

function draw(count: number, seed: number, words: readonly string[]): Made[] {
  const files = FOLDERS.flatMap((folder) => globSync(`${folder}/**/*.ts`)).map((file) => file.replaceAll("\\", "/")).sort();
  const all = files.filter((file) => words.length === 0 || words.some((word) => file.includes(word))).flatMap((file) => [...mutantsOf(file, readFileSync(file, "utf8"))]);
  const random = createRandom(seed);
  const drawn: Made[] = [];
  while (drawn.length < count && all.length > 0) drawn.push(all.splice(random.int(all.length), 1)[0] as Made);
  return drawn;
}

function nameOf({ file, line, within, from, to }: Made): string {
  const short = (text: string): string => text.replace(/\s+/g, " ").slice(0, 60);
  return `${file}:${line} ${within}() \`${short(from)}\` → \`${short(to)}\``;
}

function percent(part: number): string {
  return `${(100 * part).toFixed(1)} %`;
}
