/**
 * The stores that need a server or a runtime of their own, against the real thing, on every runtime that they claim.
 *
 *     npm run test:storage                             all
 *     npm run test:storage -- postgres --runtime bun   one, on some runtimes
 *
 * Installs what it needs into the folders of its own that it is tested from; nothing of it reaches a user.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { execute, npm } from "../_runner/execute.ts";
import { parseReport } from "../_runner/junit.ts";
import { runtimes } from "../_runner/runtimes.ts";
import { startPostgres } from "../postgres/server.ts";

/** A server, or what else has to be there while a suite runs. */
interface Surroundings {
  readonly env: Record<string, string>;
  stop(): Promise<void>;
}

interface Suite {
  readonly name: string;
  /** The folder with `suite.ts`, and with the package.json of what it needs. */
  readonly folder: string;
  /** Where it runs; docs/support.md says why not elsewhere. */
  readonly runtimes: readonly string[];
  start(): Promise<Surroundings>;
}

const TIMEOUT = 300_000;

const suites: Suite[] = [
  {
    name: "postgres",
    folder: "tests/postgres",
    runtimes: ["node24", "node22", "deno", "bun"],
    async start() {
      const server = await startPostgres();
      return { env: { TENURE_POSTGRES_URL: server.url }, stop: server.stop };
    },
  },
];

const { values, positionals } = parseArgs({ allowPositionals: true, options: { runtime: { type: "string", multiple: true } } });
const wanted = values.runtime?.flatMap((text) => text.split(","));
let passed = 0, failed = 0;
for (const suite of suites) {
  if (positionals.length === 0 || positionals.includes(suite.name)) await run(suite);
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);

async function run(suite: Suite): Promise<void> {
  const installed = await execute(npm("ci", "--prefix", suite.folder, "--prefer-offline", "--no-audit", "--no-fund"), { timeout: TIMEOUT });
  if (installed.code !== 0) return report(`${suite.name}: install`, installed.output);
  let around: Surroundings;
  try {
    around = await suite.start();
  } catch (error) {
    return report(`${suite.name}: start`, String(error));
  }
  try {
    for (const runtime of runtimes) {
      if (!suite.runtimes.includes(runtime.id) || wanted?.includes(runtime.id) === false) continue;
      const folder = mkdtempSync(join(tmpdir(), "tenure-storage-"));
      const xml = join(folder, "report.xml");
      const command = runtime.test([`${suite.folder}/suite.ts`], xml);
      const { code, output, milliseconds } = await execute({ ...command, env: around.env }, { timeout: TIMEOUT });
      const seconds = (milliseconds / 1000).toFixed(1);
      let ran = 0;
      try {
        const { ran: names, failed: faults } = parseReport(readFileSync(xml, "utf8"));
        ran = names.size - faults.length;
      } catch {
        // It died before it could say anything; what it printed says why.
      }
      rmSync(folder, { recursive: true });
      report(`${suite.name} on ${runtime.name}: ${ran} tests (${seconds} s)`, code === 0 && ran > 0 ? undefined : output);
    }
  } finally {
    await around.stop();
  }
}

function report(name: string, complaint: string | undefined): void {
  if (complaint === undefined) passed++;
  else failed++;
  console.log(complaint === undefined ? `ok      ${name}` : `FAILED  ${name}\n${complaint}`);
}
