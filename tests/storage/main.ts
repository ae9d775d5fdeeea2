/**
 * The stores that need a server, a runtime or a package of their own, against the real thing, on every runtime that they
 * claim; at the end a table of all stores: what each promises there, and how many commits it makes.
 *
 *     npm run test:storage                             all
 *     npm run test:storage -- postgres --runtime bun   one, on some runtimes
 *
 * Installs what it needs into the folders of its own that it is tested from; nothing of it reaches a user.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { execute } from "../_runner/execute.ts";
import { install } from "../_runner/install.ts";
import { parseReport } from "../_runner/junit.ts";
import { runtimes } from "../_runner/runtimes.ts";
import { startPostgres } from "../postgres/server.ts";
import { canCount } from "./_shared/crash.ts";
import type { Figures } from "./_shared/figures.ts";
import { type Row, tableOf } from "./_shared/table.ts";
import { startRedis } from "./unstorage/redis_server.ts";

/** A server, or what else has to be there while a suite runs. */
interface Surroundings {
  readonly env: Record<string, string>;
  stop(): Promise<void>;
}

interface Suite {
  readonly name: string;
  /** The folder with `suite.ts`, and with the package.json of what it needs. */
  readonly folder: string;
  /** Where it runs; docs/storage.md says why not elsewhere. */
  readonly runtimes: readonly string[];
  /** What Deno is started with. */
  readonly denoFlags?: readonly string[];
  start?(): Promise<Surroundings>;
}

const TIMEOUT = 600_000;
const EVERYWHERE = ["node24", "node22", "deno", "bun"];

const suites: Suite[] = [
  { name: "local", folder: "tests/storage/local", runtimes: EVERYWHERE, denoFlags: ["--unstable-kv"] },
  {
    name: "postgres",
    folder: "tests/postgres",
    runtimes: EVERYWHERE,
    async start() {
      const server = await startPostgres();
      return { env: { TENURE_POSTGRES_URL: server.url }, stop: server.stop };
    },
  },
  {
    name: "unstorage",
    folder: "tests/storage/unstorage",
    runtimes: EVERYWHERE,
    async start() {
      const server = await startRedis();
      if (server === undefined) console.log("skipped unstorage() by Redis: there is no redis-server or valkey-server on the path");
      return { env: server === undefined ? {} : { TENURE_REDIS_URL: server.url }, stop: async () => server?.stop() };
    },
  },
  { name: "s3", folder: "tests/storage/s3", runtimes: EVERYWHERE },
  { name: "r2", folder: "tests/storage/r2", runtimes: ["node24"] },
  { name: "deno-kv", folder: "tests/storage/deno_kv", runtimes: ["node24", "node22", "deno"], denoFlags: ["--unstable-kv"] },
  { name: "sqlite-drivers", folder: "tests/storage/sqlite_drivers", runtimes: EVERYWHERE },
];

if (!canCount()) console.log("skipped counting how often stores sync: it takes Linux, with strace");
const { values, positionals } = parseArgs({ allowPositionals: true, options: { runtime: { type: "string", multiple: true } } });
const wanted = values.runtime?.flatMap((text) => text.split(","));
const rows: Row[] = [];
let passed = 0, failed = 0;
for (const suite of suites) {
  if (positionals.length === 0 || positionals.includes(suite.name)) await run(suite);
}
if (rows.length > 0) console.log(`\n${tableOf(rows)}\n`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);

async function run(suite: Suite): Promise<void> {
  if (existsSync(join(suite.folder, "package.json"))) {
    const failed = await install(suite.folder).then(() => undefined, String);
    if (failed !== undefined) return report(`${suite.name}: install`, failed);
  }
  let around: Surroundings | undefined;
  try {
    around = await suite.start?.();
  } catch (error) {
    return report(`${suite.name}: start`, String(error));
  }
  try {
    for (const runtime of runtimes) {
      if (!suite.runtimes.includes(runtime.id) || wanted?.includes(runtime.id) === false) continue;
      const folder = mkdtempSync(join(tmpdir(), "tenure-storage-"));
      const [xml, figures] = [join(folder, "report.xml"), join(folder, "figures")];
      const { bin, args: [first = "", ...args] } = runtime.test([`${suite.folder}/suite.ts`], xml);
      const flags = runtime.id === "deno" ? suite.denoFlags ?? [] : [];
      const env = { ...around?.env, TENURE_FIGURES: figures };
      const { code, output, milliseconds } = await execute({ bin, args: [first, ...flags, ...args], env }, { timeout: TIMEOUT });
      const seconds = (milliseconds / 1000).toFixed(1);
      let ran = 0;
      try {
        const { ran: names, failed: faults } = parseReport(readFileSync(xml, "utf8"));
        ran = names.size - faults.length;
      } catch {
        // It died before it could say anything; what it printed says why.
      }
      if (existsSync(figures)) {
        const lines = readFileSync(figures, "utf8").trim().split("\n");
        // What runs in a runtime of its own says so.
        for (const line of lines) rows.push({ runtime: suite.name === "r2" ? "workerd" : runtime.name, ...JSON.parse(line) as Figures });
      }
      rmSync(folder, { recursive: true });
      report(`${suite.name} on ${runtime.name}: ${ran} tests (${seconds} s)`, code === 0 && ran > 0 ? undefined : output);
    }
  } finally {
    await around?.stop();
  }
}

function report(name: string, complaint: string | undefined): void {
  if (complaint === undefined) passed++;
  else failed++;
  console.log(complaint === undefined ? `ok      ${name}` : `FAILED  ${name}\n${complaint}`);
}
