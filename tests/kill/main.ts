/**
 * Disturbs real processes at work and judges what they did by a log that they do not write.
 *
 *     npm run test:kill
 *     npm run test:kill -- --times 200 --seed 7 --runtime deno
 *     npm run test:kill -- --mode effect
 *     npm run test:kill -- --all
 *     npm run test:kill -- --help
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { currentRuntime, type RuntimeName } from "./command.ts";
import { modes } from "./modes/all.ts";
import type { Mode } from "./modes/mode.ts";
import { isGood, median, report } from "./report.ts";
import { type Result, runMode } from "./run.ts";
import { NAMES } from "./tools.ts";

const PATIENCE = 60_000;
const RUNTIMES: RuntimeName[] = ["node", "deno", "bun"];

const { values } = parseArgs({
  options: {
    mode: { type: "string", default: "random" },
    all: { type: "boolean", default: false },
    times: { type: "string" },
    seed: { type: "string", default: "1" },
    runtime: { type: "string" },
    within: { type: "string" },
    keep: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const start = performance.now();
if (values.help) help();
else process.exitCode = await (values.all ? runAll() : runOne(values.mode));

async function runOne(name: string): Promise<number> {
  const mode = modes.find((each) => each.name === name);
  if (mode === undefined) {
    console.log(`Cannot run the mode "${name}": there are ${modes.map((each) => each.name).join(", ")}`);
    return 1;
  }
  const result = await run(mode, (values.runtime as RuntimeName | undefined) ?? currentRuntime());
  return result !== undefined && isGood(result) ? 0 : 1;
}

/** All modes over all runtimes, then a table. */
async function runAll(): Promise<number> {
  const rows: { mode: Mode; runtime: RuntimeName; result: Result | undefined }[] = [];
  for (const mode of modes) {
    for (const runtime of values.runtime === undefined ? RUNTIMES : [values.runtime as RuntimeName]) {
      rows.push({ mode, runtime, result: await run(mode, runtime) });
    }
  }
  const table = [["mode", "runtime", "kills", "busy", "drains", "stops", "instances", "bodies", "again", "first effect", "violations", ""]];
  for (const { mode, runtime, result } of rows) table.push([mode.name, runtime, ...cells(result)]);
  const widths = table[0]!.map((_, i) => Math.max(...table.map((row) => row[i]!.length)));
  for (const row of table) console.log(row.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd());
  const kills = rows.reduce((sum, { result }) => sum + (result?.verdict.kills.total ?? 0), 0);
  const bad = rows.filter(({ result }) => result === undefined || !isGood(result)).length;
  console.log(`${kills} kills in ${seconds()}; ${rows.length - bad} passed, ${bad} failed`);
  return bad === 0 ? 0 : 1;
}

function cells(result: Result | undefined): string[] {
  if (result === undefined) return [...Array<string>(9).fill(""), "FAILED"];
  const { kills, drains, stops, created, bodies, repeats, resumed, violations } = result.verdict;
  const again = repeats["cut off"] + repeats.failed + repeats.unheard;
  const first = resumed.filter((each) => each.first).map(({ restart, waited }) => restart - waited);
  const numbers = [kills.total, kills.either, drains.total, stops.total, created, bodies, again].map(String);
  const effect = first.length === 0 ? "" : `${Math.round(median(first))} ms`;
  return [...numbers, effect, String(violations.length), isGood(result) ? "passed" : "FAILED"];
}

async function run(mode: Mode, runtime: RuntimeName): Promise<Result | undefined> {
  const began = performance.now();
  const times = values.times === undefined ? mode.times : Number(values.times);
  console.log(`${mode.name} on ${runtime}, ${times} times, seed ${values.seed}: ${mode.about}`);
  try {
    const result = await runMode(mode, {
      times,
      seed: Number(values.seed),
      runtime,
      patience: PATIENCE,
      ...(values.within !== undefined && { within: Number(values.within) }),
      ...(values.keep && { keep: (folder: string) => console.log(`  the data is kept in ${folder}`) }),
    });
    for (const line of report(result)) console.log(`  ${line}`);
    console.log(`  ${isGood(result) ? "passed" : "FAILED"} in ${seconds(began)}`);
    return result;
  } catch (error) {
    console.log(`  FAILED in ${seconds(began)}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

function help(): void {
  console.log("npm run test:kill -- [--mode NAME | --all] [--times N] [--seed N] [--runtime node|deno|bun] [--within MS] [--keep]\n");
  for (const { name, about, needs, times } of modes) {
    const wants = needs.length === 0 ? "" : ` (needs ${needs.map((need) => NAMES[need]).join(", ")})`;
    console.log(`${name.padEnd(8)} ${about}${wants}; ${times} times`);
  }
}

function seconds(from: number = start): string {
  return `${((performance.now() - from) / 1000).toFixed(1)} s`;
}
