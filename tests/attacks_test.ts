/**
 * The attack corpus on every sandbox that claims a boundary. Each file is the body of a workflow's `run`; its head says
 * what may become of it. What is not said there is a failure: an escape, a host that hangs, ends or is changed.
 */
import { assert, assertEquals } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { quickjs } from "../adapters/sandbox/quickjs.ts";
import { DEFAULT_LIMITS } from "../core/limits.ts";
import { drive, type Outcome } from "./attacks/drive.ts";

/** Loops inside native functions of the engine, which nothing interrupts yet. Needs metering (a later issue). */
const NEEDS_METERING: readonly string[] = [
  "06-cpu-builtin-join.js",
  "08-cpu-sort-arraylike.js",
  "10-cpu-typedarray-fill-sort.js",
  "88-cpu2-iterator-drop.js",
  "90-cpu2-string-raw.js",
  "94-cpu2-bigint-parse.js",
  "96-cpu2-typedarray-ctor.js",
  "102-cpu2-string-compare.js",
  "104-cpu2-date-parse.js",
];

/** What may also become of a file here, and why its head does not say so. */
const ALSO: Readonly<Record<string, { readonly verdict: string; readonly because: string }>> = {
  "16-cpu-tojson-in-result.js": {
    verdict: "error",
    because: "results are cloned, not stringified: toJSON is never called, and a function in a result fails the run",
  },
};

const FOLDER = new URL("./attacks/", import.meta.url);
const FILES = readdirSync(FOLDER).filter((name) => /^\d+-.*\.js$/.test(name)).sort();
const LIMITS = { ...DEFAULT_LIMITS, cpuMs: 300, memoryBytes: 32 * 2 ** 20 };

const sandbox = quickjs();

function flow(body: string): { mainModule: string; modules: Record<string, string> } {
  const head = 'import { WorkflowEntrypoint } from "cloudflare:workers";\nexport class Flow extends WorkflowEntrypoint { async run(event, step) {\n';
  return { mainModule: "index.js", modules: { "index.js": `${head}${body}\n} }` } };
}

async function runAs(tenant: string, body: string): Promise<Outcome> {
  const prepared = await sandbox.prepare(tenant, flow(body), LIMITS);
  const init = { tenant, version: `${tenant}-1`, prepared, limits: LIMITS, ready: () => {} };
  const guest = await sandbox.open(init, new AbortController().signal);
  const outcome = await drive(guest, { totalMs: 1_500 });
  guest.drop();
  return outcome;
}

/** In the words of the corpus. */
function verdict(outcome: Outcome): string {
  if (outcome.kind === "dead" || outcome.kind === "over") return "limit";
  if (outcome.kind === "stalled" || !outcome.ok) return "error";
  return (outcome.value as { escaped?: unknown } | null)?.escaped === true ? "escaped" : "contained";
}

for (const file of FILES.filter((name) => !NEEDS_METERING.includes(name))) {
  test(`quickjs contains ${file}`, async () => {
    const source = readFileSync(new URL(file, FOLDER), "utf8");
    const expected = (/^\/\/ expect: (.*)$/m.exec(source)?.[1] ?? "").split("|");
    const also = ALSO[file]?.verdict;
    if (also !== undefined) expected.push(also);
    const before = Object.getOwnPropertyNames(Object.prototype).length;
    const outcome = await runAs(`attacker-${file}`, source);
    assert(expected.includes(verdict(outcome)), `${expected.join("|")} expected, got ${JSON.stringify(outcome)}`);
    if (outcome.kind === "dead") assert(!/[/\\]|:\d/.test(outcome.death.message), outcome.death.message);
    assertEquals(Object.getOwnPropertyNames(Object.prototype).length, before);
    // The next tenant gets a VM in which nothing has happened.
    assertEquals(await runAs("bystander", "return [typeof globalThis.__mark, 6 * 7];"), { kind: "end", ok: true, value: ["undefined", 42] });
  });
}

test("the attack corpus is complete", () => {
  assertEquals(FILES.length, 57);
  for (const name of NEEDS_METERING) assert(FILES.includes(name), name);
});
