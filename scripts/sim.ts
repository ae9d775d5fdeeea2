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
import process from "node:process";
import { parseArgs } from "node:util";
import { memory } from "../adapters/storage/memory.ts";
import { hostSandbox } from "../adapters/sandbox/trusted/host.ts";
import type { WorkflowClass } from "../adapters/sandbox/guest/runtime.ts";
import { type ScheduleReport, simulate, type SimulatorParts } from "../testing/simulator/schedule.ts";

const { values } = parseArgs({
  options: {
    schedules: { type: "string", default: "20000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    lines: { type: "string", default: "60" },
    keep: { type: "boolean", default: false },
    hash: { type: "boolean", default: false },
  },
});
const parts: SimulatorParts = {
  storage: memory,
  sandbox: (find, options) => hostSandbox(() => find() as unknown as WorkflowClass, options),
};
let current = 0;
process.on("unhandledRejection", (error) => {
  console.log(`seed ${current}: a rejection that nobody handled: ${error instanceof Error ? error.stack : String(error)}`);
  process.exit(1);
});

process.exit(values.seed === undefined ? await many() : await one(Number(values.seed)));

async function one(seed: number): Promise<number> {
  current = seed;
  const report = await simulate(parts, { seed, trace: true });
  console.log(report.trace.slice(-Number(values.lines)).join("\n"));
  console.log(`seed ${seed} hash ${report.hash} ${JSON.stringify(report.stats)}`);
  return said(report) ? 0 : 1;
}

async function many(): Promise<number> {
  const begin = performance.now();
  const from = Number(values.from), to = from + Number(values.schedules);
  const total = { turns: 0, commits: 0, bodies: 0, instances: 0, processes: 0, time: 0 };
  const rules = new Map<string, number[]>();
  let hash = "";
  for (current = from; current < to; current++) {
    const report = await simulate(parts, { seed: current });
    for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += report.stats[name];
    hash = fold(hash + report.hash);
    if (report.failure === undefined) continue;
    const { rule } = report.failure;
    if (!rules.has(rule)) said(report);
    rules.set(rule, [...rules.get(rule) ?? [], current]);
    if (!values.keep) break;
  }
  const seconds = (performance.now() - begin) / 1000;
  const n = current - from;
  const failed = [...rules.values()].reduce((sum, seeds) => sum + seeds.length, 0);
  console.log(`${n} schedules in ${seconds.toFixed(1)} s (${Math.round(n / seconds * 60)} a minute), ${failed} failed`);
  console.log(Object.entries(total).map(([name, sum]) => `${name} ${(sum / Math.max(1, n)).toFixed(1)}`).join(", ") + " each");
  if (values.hash) console.log(`hash ${hash}`);
  for (const [rule, seeds] of rules) console.log(`${rule}: ${seeds.length} (seeds ${seeds.slice(0, 8).join(", ")})`);
  return failed > 0 || n === 0 ? 1 : 0;
}

/** Prints a failure; true when there is none. */
function said({ seed, failure }: ScheduleReport): boolean {
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
