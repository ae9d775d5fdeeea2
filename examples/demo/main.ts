/**
 * The demonstration: `npm start`, `deno task start`, `bun --bun run start`.
 *
 * This process is the world around a platform: it starts the platform (./platform.ts), keeps the log of what its
 * tenants really do, kills it with SIGKILL in the middle of that, starts it again, answers when a tenant asks a person,
 * and at the end reads from its log whether anything that was finished ran twice.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Report } from "../tenants/licence-audit/report.ts";
import { type Platform, runtime, startPlatform } from "./child.ts";
import { judge, openEffectLog, stepOf } from "./effect_log.ts";
import { bold, clear, dim, green, red, say, show } from "./screen.ts";
import { cutOff, timeline } from "./timeline.ts";
import type { Body, FromPlatform } from "./wire.ts";

/** Steps of the audit that are done before the platform is killed. */
const ENOUGH = 60;
/** A person needs a moment to decide, ms. */
const REFLECTION = 800;
/** The demonstration is over then, whatever happens, ms. */
const PATIENCE = 55_000;

const start = performance.now();
const folder = mkdtempSync(join(tmpdir(), "tenure-demo-"));
const log = openEffectLog(join(folder, "effects.jsonl"));
/** Steps that are done, and bodies that run, by instance. */
const done = new Map<string, Set<string>>();
const running = new Map<string, Body>();
let outputs: Record<string, unknown> = {};
let killed = false;
let decided = false;
/** When it was killed, until something runs again. */
let down: number | undefined;
let platform: Platform;

const timer = setTimeout(() => {
  say(red(`Cannot finish within ${PATIENCE / 1000} s`));
  platform.kill();
}, PATIENCE);

process.once("SIGINT", () => {
  platform.kill();
  rmSync(folder, { recursive: true, force: true });
  process.exit(130);
});

const { name, version } = runtime();
say(`${bold("Tenure")} on ${bold(`${name} ${version}`)}: two tenants, one SQLite file, one process that will be killed`);
say();
let code = 1;
try {
  code = await run();
} finally {
  clearTimeout(timer);
  log.close();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(code);

async function run(): Promise<number> {
  log.write({ what: "started" });
  platform = startPlatform(folder, heard);
  say(`${now()}  started: process ${platform.pid}`);
  await platform.gone;
  clear();
  if (!killed) return failed("the platform ended by itself, before it could be killed");
  log.write({ what: "killed" });
  const asleep = [...done.keys()].filter((instance) => bodiesOf(instance).length === 0);
  const rest = asleep.length === 0 ? "" : `, while ${asleep.join(" and ")} slept`;
  say(`${now()}  ${red("SIGKILL")} in the middle of ${running.size} bodies${rest}`);
  running.clear();
  down = performance.now();

  log.write({ what: "started" });
  platform = startPlatform(folder, heard);
  say(`${now()}  started again on the same file: process ${platform.pid}`);
  const exit = await platform.gone;
  clear();
  if (exit !== 0) return failed(`the platform ended with exit status ${exit}`);
  say(`${now()}  done`);
  return conclude();
}

/** What the platform says. */
function heard(message: FromPlatform): void {
  switch (message.say) {
    case "effect": {
      const { id, what, body } = message;
      log.write({ what, body });
      if (what === "begin") running.set(stepOf(body), body);
      else running.delete(stepOf(body));
      if (down !== undefined) say(`${now()}  going on, ${Math.round(performance.now() - down)} ms after the kill`);
      down = undefined;
      platform.tell({ tell: "written", id });
      killInTheMiddle();
      break;
    }
    case "recorded": {
      const { tenant, instance, steps } = message;
      log.write(...steps.map((step) => ({ what: "recorded" as const, tenant, instance, step })));
      for (const step of steps) doneBy(`${tenant}/${instance}`).add(step);
      break;
    }
    case "question": {
      const { tenant, instance, open } = message;
      say(`${now()}  ${tenant}/${instance} waits for a decision on ${open.join(", ")}`);
      setTimeout(() => {
        if (!decided) say(`${now()}  the reviewer approves`);
        decided = true;
        platform.tell({ tell: "decide", tenant, instance, approved: true, by: "the reviewer" });
      }, REFLECTION);
      break;
    }
    case "done":
      outputs = message.outputs;
      break;
    default:
      message satisfies never;
  }
  show(standings);
}

/** Kills the platform as soon as both tenants are in the middle of something. */
function killInTheMiddle(): void {
  const finished = doneBy("acme/audit-1").size;
  const tenants = [...running.values()].map(({ tenant }) => tenant);
  const both = tenants.filter((tenant) => tenant === "acme").length >= 6 && tenants.includes("globex");
  if (killed || finished < ENOUGH || (!both && finished < 2 * ENOUGH)) return;
  killed = true;
  platform.kill();
}

/** Where things stand: for a terminal that can be written to in place, and for one that cannot. */
function standings(): { lines: string[]; line: string } {
  const all = [...done].map(([instance, { size }]) => ({ instance, size, steps: bodiesOf(instance).map(({ step }) => step) }));
  return {
    lines: all.map(({ instance, size, steps }) =>
      `${instance.padEnd(14)} ${String(size).padStart(3)} steps done${steps.length > 0 ? `, running: ${steps.join(", ")}` : ""}`
    ),
    line: `${now()}  ${all.map(({ instance, size, steps }) => `${instance} ${size} done, ${steps.length} running`).join("; ")}`,
  };
}

function bodiesOf(name: string): Body[] {
  return [...running.values()].filter(({ tenant, instance }) => `${tenant}/${instance}` === name);
}

function conclude(): number {
  const entries = log.read();
  say();
  timeline(entries).forEach((line) => say(line));
  say();
  say(bold("In flight when it was killed, and run again"));
  cutOff(entries).forEach((line) => say(line));
  say();
  const report = outputs["acme/audit-1"] as Report;
  say(bold(`The audit of ${report.project}: ${report.verdict}, decided by ${report.decidedBy}`));
  say(`${report.packages} packages: ${report.licences.map(([licence, packages]) => `${packages} ${licence}`).join(", ")}`);
  report.exceptions.forEach(({ name, version, licence }) => say(`exception: ${name}@${version}, ${licence}`));
  say();
  const { steps, once, cutOff: cut, retried, ranAgain, neverEnded } = judge(entries);
  say(bold(`What ${entries.length} lines of the effect log prove`));
  say(`${steps} steps are done: ${once} with one body, ${retried} after a failure, ${cut} after the kill`);
  for (const step of ranAgain) say(red(`ran again although its step was done: ${step}`));
  for (const step of neverEnded) say(red(`is said to be done, but no body of it ended: ${step}`));
  if (ranAgain.length + neverEnded.length > 0 || cut === 0) return failed("see above");
  say(green("no step that was done ran twice, and none was lost"));
  return 0;
}

function failed(reason: string): number {
  say(red(`The demonstration failed: ${reason}`));
  return 1;
}

function doneBy(instance: string): Set<string> {
  let steps = done.get(instance);
  if (steps === undefined) done.set(instance, steps = new Set());
  return steps;
}

function now(): string {
  return dim(`${((performance.now() - start) / 1000).toFixed(1).padStart(5)} s`);
}
