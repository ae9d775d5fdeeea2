/**
 * Runs the one suite on every runtime, then the checks that run once: the generated files, the published package,
 * and whether the simulator finds bugs that are planted.
 *
 *     npm test                                  everything
 *     npm test -- store duration                the test files whose path contains one of the words
 *     npm test -- store --runtime bun,node24    on some runtimes only
 *     npm test -- --mode suspend --mode tiny    the semantics in a mode (tests/semantics/_modes.ts)
 *     npm test -- --timeout 60                  seconds that one runtime may take (default 600)
 *
 * Fails when a runtime ran nothing, did not run what another ran (docs/support.md names what may be missing), or, in a
 * whole run, did not run what docs/parity.md is held by.
 */
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { execute, type Command, type Execution } from "./_runner/execute.ts";
import { parseReport, type Report } from "./_runner/junit.ts";
import { type Runtime, runtimes } from "./_runner/runtimes.ts";
import { compareParity, PARITY_FILE, readParity } from "./_runner/parity.ts";
import { compareMode, compareReports, exceptionsOfRepository } from "./_runner/support.ts";
import { LEFT_OUT, MODES } from "./semantics/_left_out.ts";

/** So many programs at a time: each of them waits now and then, so that three keep two cores busy. */
const AT_ONCE = 3;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runtime: { type: "string", multiple: true },
    mode: { type: "string", multiple: true },
    timeout: { type: "string", default: "600" },
  },
});
const timeout = Number(values.timeout) * 1000;
const wanted = values.runtime?.flatMap((text) => text.split(","));
const chosen = runtimes.filter(({ id }) => wanted?.includes(id) ?? true);
const modes = values.mode?.flatMap((text) => text.split(","));
const whole = positionals.length === 0 && wanted === undefined && modes === undefined;
const files = globSync("tests/**/*_test.ts").map((file) => file.split(sep).join("/")).sort()
  .filter((file) => positionals.length === 0 || positionals.some((word) => file.includes(word)));
const semantics = files.filter((file) => file.startsWith("tests/semantics/"));

let passed = 0, failed = 0;
if (chosen.length === 0 || wanted?.some((id) => runtimes.every((runtime) => runtime.id !== id))) {
  fail(`Cannot run on "${wanted}": the runtimes are ${runtimes.map(({ id }) => id).join(", ")}`);
} else if (modes?.some((mode) => !MODES.includes(mode))) {
  fail(`Cannot run the mode "${modes}": there are ${MODES.join(", ")}`);
} else if ((modes === undefined ? files : semantics).length === 0) {
  fail(`Cannot run "${positionals.join(" ")}": no test file matches`);
} else {
  await runAll();
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

async function runAll(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tenure-tests-"));
  const reports = new Map<string, Report>();
  const byMode = new Map<string, Map<string, Report>>(MODES.map((mode) => [mode, new Map()]));
  const inMode = (mode: string, on: Runtime[]) =>
    on.map((runtime) => () => runSuite(runtime, { files: semantics, mode, path: join(folder, `${runtime.id}-${mode}.xml`), reports: byMode.get(mode)! }));
  const jobs = modes === undefined
    ? chosen.map((runtime) => () => runSuite(runtime, { files, mode: "", path: join(folder, `${runtime.id}.xml`), reports }))
    : modes.flatMap((mode) => inMode(mode, chosen));
  if (whole) {
    // On one runtime: what differs between runtimes is not what differs between modes.
    jobs.push(...MODES.flatMap((mode) => inMode(mode, chosen.slice(0, 1))));
    // First, because it takes longest and mostly waits.
    jobs.unshift(() => runScript("package", "tests/pack/main.ts"));
    // Of a simulator that finds nothing any more nobody would hear otherwise. Once: it is a program for Node, made by a bundler.
    jobs.push(() => runScript("planted bugs", "tests/mutants/main.ts", "--quick", "--sample", "9", "--schedules", "1000"));
    if (existsSync("scripts/generate.ts") || generatedFiles().size > 0) jobs.push(checkGenerated);
  }
  await inParallel(jobs);
  rmSync(folder, { recursive: true, force: true });
  // A failure often takes other tests with it: what is missing is worth saying only when nothing failed.
  if (failed > 0) return;
  const ordered = (of: Map<string, Report>) => new Map(chosen.filter(({ name }) => of.has(name)).map(({ name }) => [name, of.get(name)!]));
  for (const complaint of compareReports(ordered(reports), { exceptions: exceptionsOfRepository(), whole })) fail(complaint);
  if (whole) for (const complaint of compareParity(ordered(reports), readParity(readFileSync(PARITY_FILE, "utf8")))) fail(complaint);
  for (const [mode, inIt] of byMode) {
    for (const complaint of compareReports(ordered(inIt), { exceptions: [], whole: false })) fail(`${mode}: ${complaint}`);
    for (const [name, report] of whole ? inIt : []) {
      for (const complaint of compareMode(reports.get(name)!, report, Object.keys(LEFT_OUT[mode]!))) fail(`${mode}: ${complaint}`);
    }
  }
}

async function inParallel(jobs: (() => Promise<void>)[]): Promise<void> {
  const queue = [...jobs];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let job = queue.shift(); job; job = queue.shift()) await job();
  }));
}

/** What of the suite runs, and where its reports go. */
interface Suite {
  files: string[];
  /** `""`: none. */
  mode: string;
  path: string;
  reports: Map<string, Report>;
}

async function runSuite(runtime: Runtime, { files, mode, path, reports }: Suite): Promise<void> {
  const version = /\d+\.\d+\.\d+/.exec((await execute({ bin: runtime.bin, args: ["--version"] }, { timeout: 60_000 })).stdout)?.[0];
  const command = runtime.test(files, path);
  const execution = await execute(mode === "" ? command : { ...command, env: { TENURE_MODE: mode } }, { timeout });
  const report = parseReport(existsSync(path) ? readFileSync(path, "utf8") : "");
  reports.set(runtime.name, report);
  const ran = [...report.ran.values()].reduce((sum, times) => sum + times, 0);
  const bad = Math.max(report.failed.length, execution.code === 0 && ran > 0 ? 0 : 1);
  passed += ran - report.failed.length;
  const notes = [ran === 0 ? "NO TEST RAN" : `${ran} tests`, seconds(execution)];
  if (report.skipped.size > 0) notes.push(`${report.skipped.size} skipped`);
  if (bad > 0) notes.push(`${bad} FAILED`);
  conclude(`${runtime.name.split(" ")[0]} ${version ?? "(not found)"}${mode && `, ${mode}`}: ${notes.join(", ")}`, execution, bad);
}

/** `--check` writes nothing and fails when a committed file is not what its source would make now; both are held to. */
async function checkGenerated(): Promise<void> {
  const before = generatedFiles();
  await runScript("generated files", "scripts/generate.ts", "--check");
  for (const [file, text] of generatedFiles()) {
    if (before.get(file) !== text) fail(`scripts/generate.ts --check wrote ${file}: it was not up to date`);
  }
}

function generatedFiles(): Map<string, string> {
  const found = ["core", "adapters", "testing"].flatMap((folder) => globSync(`${folder}/**/*.generated.ts`));
  return new Map(found.map((file) => [file, readFileSync(file, "utf8")]));
}

/** A check with a program of its own: it ends with `N passed, N failed`, or is one check whose exit code says all. */
async function runScript(name: string, script: string, ...args: string[]): Promise<void> {
  const command: Command = { bin: process.execPath, args: ["--conditions=tenure-source", script, ...args] };
  const execution = await execute(command, { timeout });
  const counts = /^(\d+) passed, (\d+) failed\s*$/m.exec(execution.stdout);
  const bad = Math.max(Number(counts?.[2] ?? 0), execution.code === 0 ? 0 : 1);
  const good = Number(counts?.[1] ?? (bad > 0 ? 0 : 1));
  passed += good;
  conclude(`${name}: ${good} checks, ${seconds(execution)}${bad > 0 ? `, ${bad} FAILED` : ""}`, execution, bad);
}

function conclude(line: string, execution: Execution, bad: number): void {
  failed += bad;
  console.log(line);
  if (bad === 0) return;
  console.log(execution.output);
  if (execution.timedOut) console.log(`Cannot finish within ${timeout / 1000} s: killed`);
  else if (execution.code !== 0) console.log(`exit code ${execution.code}`);
}

function fail(reason: string): void {
  failed++;
  console.log(reason);
}

function seconds({ milliseconds }: Execution): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
