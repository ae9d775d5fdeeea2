/**
 * `npm run sim`: runs schedules and says which invariants held.
 *
 *     npm run sim -- --schedules 20000            seeds 1 to 20000
 *     npm run sim -- --from 100 --schedules 50    seeds 100 to 149
 *     npm run sim -- --seed 36                    one, with its trace
 *     npm run sim -- --hash                       prints a hash over the traces of all
 *
 * Runs on any runtime: `deno run -A scripts/sim.ts`, `bun scripts/sim.ts`.
 */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";
import { GuestReadableStream } from "../adapters/sandbox/guest/readable_stream.ts";
import { simulatorParts as parts } from "../testing/adapters.ts";
import { simulate } from "../testing/simulator/schedule.ts";
import type { Failure } from "../testing/simulator/world.ts";

const { values } = parseArgs({
  options: {
    schedules: { type: "string", default: "20000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    lines: { type: "string", default: "60" },
    keep: { type: "boolean", default: false },
    hash: { type: "boolean", default: false },
    jobs: { type: "string", default: String(availableParallelism()) },
    part: { type: "boolean", default: false },
  },
});
// who looks at one schedule wants to know where an error comes from; of all others it would be a tenth of the time
if (values.seed === undefined) Error.stackTraceLimit = 0;
// a runtime's own streams take jobs of a number of their own, and what else is done meanwhile is done in another order
Object.defineProperty(globalThis, "ReadableStream", { value: GuestReadableStream, writable: true, configurable: true });
let current = 0;
process.on("unhandledRejection", (error) => {
  console.log(`seed ${current}: a rejection that nobody handled: ${error instanceof Error ? error.stack : String(error)}`);
  process.exit(1);
});

process.exit(values.part ? await part() : values.seed === undefined ? await many() : await one(Number(values.seed)));

/** As a child of {@linkcode many}: prints its part. */
async function part(): Promise<number> {
  const from = Number(values.from);
  const text = JSON.stringify(await range(from, from + Number(values.schedules)));
  await new Promise<void>((done) => void process.stdout.write(text, () => done()));
  return 0;
}

async function one(seed: number): Promise<number> {
  current = seed;
  const report = await simulate(parts, { seed, trace: true });
  console.log(report.trace.slice(-Number(values.lines)).join("\n"));
  console.log(`seed ${seed} hash ${report.hash} ${JSON.stringify(report.stats)}`);
  return said(seed, report.failure) ? 0 : 1;
}

/** What came of some schedules. */
interface Part {
  readonly done: number;
  readonly hash: string;
  readonly failures: readonly { readonly seed: number; readonly rule: string; readonly what: string }[];
  readonly total: { readonly [name: string]: number };
}

/** Runs a range in this process. */
async function range(from: number, to: number): Promise<Part> {
  const total: Record<string, number> = {};
  const failures = [];
  let hash = "";
  for (current = from; current < to; current++) {
    const { stats, failure, ...report } = await simulate(parts, { seed: current });
    for (const [name, n] of Object.entries(stats)) total[name] = (total[name] ?? 0) + n;
    hash = fold(hash + report.hash);
    if (failure !== undefined) failures.push({ seed: current, ...failure });
    if (failure !== undefined && !values.keep) break;
  }
  return { done: current - from + (failures.length > 0 && !values.keep ? 1 : 0), hash, failures, total };
}

async function many(): Promise<number> {
  const begin = performance.now();
  const from = Number(values.from), count = Number(values.schedules), jobs = Math.min(Number(values.jobs), count);
  const edge = (n: number): number => from + Math.floor(count * n / jobs);
  const ranges = Array.from({ length: jobs }, (_, n) => [edge(n), edge(n + 1)] as const);
  const all = await Promise.all(ranges.map(([a, b]) => jobs === 1 ? range(a, b) : inChild(a, b)));
  const seconds = (performance.now() - begin) / 1000;
  const failures = all.flatMap((part) => part.failures);
  const n = all.reduce((sum, { done }) => sum + done, 0);
  const rules = new Map<string, number[]>();
  for (const { seed, rule, what } of failures) {
    if (!rules.has(rule)) said(seed, { rule, what });
    rules.set(rule, [...rules.get(rule) ?? [], seed]);
  }
  console.log(`${n} schedules in ${seconds.toFixed(1)} s (${Math.round(n / seconds * 60)} a minute), ${failures.length} failed`);
  const names = Object.keys(all[0]?.total ?? {});
  const mean = (name: string): string => (all.reduce((sum, { total }) => sum + (total[name] ?? 0), 0) / Math.max(1, n)).toFixed(1);
  console.log(`${names.map((name) => `${name} ${mean(name)}`).join(", ")} each`);
  if (values.hash) console.log(`hash ${fold(all.map(({ hash }) => hash).join(""))}`);
  for (const [rule, seeds] of rules) console.log(`${rule}: ${seeds.length} (seeds ${seeds.slice(0, 8).join(", ")})`);
  return failures.length > 0 || n === 0 ? 1 : 0;
}

/** Runs a range in a process of its own, on the same runtime. */
async function inChild(from: number, to: number): Promise<Part> {
  const runtime = "Deno" in globalThis ? ["run", "-A"] : process.execArgv;
  const script = process.argv[1] as string;
  const flags = ["--from", String(from), "--schedules", String(to - from), "--part", ...(values.keep ? ["--keep"] : [])];
  const child = spawn(process.execPath, [...runtime, script, ...flags], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) text += chunk;
  try {
    return JSON.parse(text) as Part;
  } catch {
    console.log(text);
    return { done: 0, hash: "", failures: [{ seed: from, rule: "process", what: "the process of these seeds ended early" }], total: {} };
  }
}

/** Prints a failure; true when there is none. */
function said(seed: number, failure: Failure | undefined): boolean {
  if (failure !== undefined) console.log(`seed ${seed}: ${failure.rule}: ${failure.what}\n  again: npm run sim -- --seed ${seed}`);
  return failure === undefined;
}

function fold(text: string): string {
  let high = 0x811c9dc5, low = 0xc9dc5811;
  for (let i = 0; i < text.length; i++) {
    high = Math.imul(high ^ text.charCodeAt(i), 0x01000193);
    low = Math.imul(low ^ (text.charCodeAt(i) + i), 0x01000193);
  }
  return (high >>> 0).toString(16).padStart(8, "0") + (low >>> 0).toString(16).padStart(8, "0");
}
