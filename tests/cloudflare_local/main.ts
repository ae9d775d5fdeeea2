/**
 * The same tenants' code under the same dispatcher, on Cloudflare's local engine and on ours.
 *
 *     npm run test:cloudflare                 all cases
 *     npm run test:cloudflare -- sleep event  those whose sentence has one of the words
 *
 * A difference is ours only where the case names the row of docs/parity.md that says so; any other fails. Installs
 * Cloudflare's engine into this folder; nothing of it reaches a user.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { isDeepStrictEqual } from "node:util";
import { install } from "../_runner/install.ts";
import { PARITY_FILE, readParity } from "../_runner/parity.ts";
import type { Case } from "./case.ts";
import { AREAS, CASES } from "./cases/mod.ts";
import { createClient } from "./client.ts";
import { type Engine, ours, theirs } from "./engines.ts";
import { wordOf } from "./sources.ts";

/** So many cases at a time on each engine: they mostly wait. */
const AT_ONCE = 8;

type Verdict = "same" | "ours right" | "theirs right";
type Observed = { readonly value: unknown } | { readonly failed: string };
interface Chosen {
  readonly each: Case;
  readonly word: string;
}

const began = performance.now();
const words = process.argv.slice(2);
const chosen = CASES.map((each, n) => ({ each, word: wordOf(n) })).filter(({ each }) => words.length === 0 || words.some((word) => each.name.includes(word)));
const rows = new Map(readParity(readFileSync(PARITY_FILE, "utf8")).map((row) => [row.id, row]));
for (const { each: { name, row } } of chosen) {
  if (row !== undefined && rows.get(row)?.verdict !== "different") throw new Error(`"${name}" names ${row}, which is no difference of ${PARITY_FILE}`);
}
await install("tests/cloudflare_local");
const folder = mkdtempSync(join(tmpdir(), "tenure-cloudflare-"));
try {
  const engines = [await theirs(inFolder("theirs")), ours(inFolder("ours"))];
  const [original, own] = await Promise.all(engines.map(observe));
  report(engines, original as Map<string, Observed>, own as Map<string, Observed>);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function inFolder(name: string): string {
  mkdirSync(join(folder, name));
  return join(folder, name);
}

/** Runs all cases on an engine: first those that leave it alive, then, all at once, those that want it killed. */
async function observe(engine: Engine): Promise<Map<string, Observed>> {
  const observed = new Map<string, Observed>();
  await engine.start();
  try {
    const queue = chosen.filter(({ each }) => !each.restarts);
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) observed.set(next.word, await run(engine, next, () => Promise.reject(new Error("It does not say that it restarts"))));
    }));
    const last = chosen.filter(({ each }) => each.restarts);
    let running = last.length;
    let waiting: (() => void)[] = [];
    const killed = async (): Promise<void> => {
      if (waiting.length < running || running === 0) return;
      const ready = waiting;
      waiting = [];
      await engine.kill();
      await engine.start();
      for (const go of ready) go();
    };
    await Promise.all(last.map(async (next) => {
      observed.set(next.word, await run(engine, next, () => new Promise<void>((done) => (waiting.push(done), void killed()))));
      running--;
      await killed();
    }));
  } finally {
    await engine.kill();
  }
  return observed;
}

async function run(engine: Engine, { each, word }: Chosen, restart: () => Promise<void>): Promise<Observed> {
  try {
    return { value: JSON.parse(JSON.stringify(await each.act(createClient({ engine, word, direct: each.direct === true, restart })) ?? null)) };
  } catch (error) {
    return { failed: String(error) };
  }
}

/** Nobody but a case's row excuses a difference. */
function judge(each: Case, original: Observed, own: Observed): Verdict {
  const isRight = (observed: Observed): boolean => "value" in observed && isDeepStrictEqual(observed.value, JSON.parse(JSON.stringify(each.right)));
  if (!isRight(own)) return "theirs right";
  if (isRight(original)) return "same";
  return each.row === undefined ? "theirs right" : "ours right";
}

function report(engines: Engine[], original: Map<string, Observed>, own: Map<string, Observed>): void {
  const verdicts = new Map<Case, Verdict>();
  const details: string[] = [];
  for (const { each, word } of chosen) {
    const left = original.get(word) as Observed, right = own.get(word) as Observed;
    const verdict = judge(each, left, right);
    verdicts.set(each, verdict);
    const why = verdict === "ours right" ? ` (${each.row}: ${rows.get(each.row as string)?.reason})` : "";
    console.log(`${verdict.padEnd(12)}  ${each.name}${why}`);
    if (verdict === "same" && each.row !== undefined) details.push(`Cloudflare's does right what ${each.row} says of it: "${each.name}"`);
    if (verdict === "theirs right" || process.env["TENURE_VERBOSE"] !== undefined && verdict !== "same") {
      details.push(`"${each.name}" (${word})\n  right      ${JSON.stringify(each.right)}\n  Cloudflare ${shown(left)}\n  Tenure     ${shown(right)}`);
    }
  }
  console.log(details.join("\n"));
  const count = (of: readonly Case[], verdict: Verdict): number => of.filter((each) => verdicts.get(each) === verdict).length;
  for (const [area, cases] of Object.entries(AREAS)) {
    if (cases.some((each) => verdicts.has(each))) console.log(`${area.padEnd(50)} same: ${count(cases, "same")}, ours right: ${count(cases, "ours right")}, theirs right: ${count(cases, "theirs right")}`);
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.log(`${chosen.length} cases on ${engines.map(({ name }) => name).join(" and ")} in ${seconds} s`);
  console.log(`same: ${count(CASES, "same")}, ours right: ${count(CASES, "ours right")}`);
  console.log(`theirs right: ${count(CASES, "theirs right")}`);
  process.exitCode = count(CASES, "theirs right") > 0 || chosen.length === 0 ? 1 : 0;
}

function shown(observed: Observed): string {
  return "value" in observed ? JSON.stringify(observed.value) : observed.failed;
}
