/**
 * Draws mutants that a tool has made and hunts them, with more schedules for those that are still alive.
 *
 * @module
 */
import { globSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createRandom } from "../../testing/store_cases/random.ts";
import { type Catch, hunt, type Round } from "./hunt.ts";
import { type Made, mutantsOf } from "./operators.ts";
import { survivorOf } from "./survivors.ts";

const FOLDERS = ["core/instance", "core/execution", "core/shard"];
/** Most are found by the first round; the patience is several times what the original takes. */
const ROUNDS: readonly Round[] = [
  { from: 1, schedules: 60, patience: 30_000 },
  { from: 61, schedules: 700, patience: 90_000 },
  { from: 761, schedules: 4_000, patience: 240_000 },
];
/** How many have to be found. */
const SCORE = 0.9;

/** Options of {@linkcode huntMade}. */
export interface HuntOptions {
  readonly count: number;
  readonly seed: number;
  /** Only files whose path contains one of them. */
  readonly words: readonly string[];
  readonly jobs: number;
  /** For bundles. */
  readonly folder: string;
}

/** Prints each, the survivors, and the score. Returns the exit code. */
export async function huntMade({ count, seed, words, jobs, folder }: HuntOptions): Promise<number> {
  const drawn = draw(count, seed, words);
  const survivors: Made[] = [];
  let found = 0, programs = 0, next = 0;

  async function work(job: number): Promise<void> {
    const place = join(folder, String(job));
    mkdirSync(place);
    while (next < drawn.length) {
      const made = drawn[next++] as Made;
      const text = readFileSync(made.file, "utf8");
      const changed = { file: made.file, text: text.slice(0, made.start) + made.to + text.slice(made.end) };
      const result = await hunt(changed, ROUNDS, place);
      if (result === undefined) continue;
      programs++;
      if (result.found) found++;
      else survivors.push(made);
      console.log(`${result.found ? "found   " : "SURVIVES"} ${nameOf(made)}: ${whatOf(result)}`);
    }
  }

  await Promise.all(Array.from({ length: jobs }, (_, job) => work(job)));
  const equivalent = survivors.filter((made) => survivorOf(made)?.equivalent === true).length;
  console.log(`\n${survivors.length} of ${programs} survive`);
  for (const made of survivors) console.log(`  ${nameOf(made)}: ${survivorOf(made)?.reason ?? "NOT LOOKED AT"}`);
  const score = found / Math.max(1, programs - equivalent);
  console.log(`score ${percent(found / Math.max(1, programs))} of all, ${percent(score)} of those that change anything`);
  const good = programs > 0 && score >= SCORE && survivors.every((made) => survivorOf(made) !== undefined);
  console.log(good ? "1 passed, 0 failed" : "0 passed, 1 failed");
  return good ? 0 : 1;
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

function whatOf({ how, seed, milliseconds }: Catch): string {
  return `${how}${seed === undefined ? "" : ` at seed ${seed}`} ${(milliseconds / 1000).toFixed(1)} s`;
}

function percent(part: number): string {
  return `${(100 * part).toFixed(1)} %`;
}
