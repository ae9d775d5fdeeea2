/**
 * Everything that is checked without running the code: types for Node and for Deno, lint, documentation, and that both
 * packages could be published as they are.
 *
 *     npm run check             all
 *     npm run check -- lint     those whose name contains the word
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { type Command, execute, npm } from "../tests/_runner/execute.ts";
import { ci } from "../tests/_runner/install.ts";
import { runtimes } from "../tests/_runner/runtimes.ts";

const TIMEOUT = 300_000;
/** What a check of all sources looks at; not all of it has to be there. */
const SOURCES = ["mod.ts", "core", "adapters", "testing", "cli", "tests", "scripts", "examples", "bench"].filter((path) => existsSync(path));
/** Where our types are compared with Cloudflare's. */
const CLOUDFLARE = "tests/types";
const deno = runtimes.find(({ id }) => id === "deno")!.bin;
const { exports } = JSON.parse(readFileSync("deno.json", "utf8")) as { exports: Record<string, string> };

const checks: [string, Command][] = [
  ["types", tool("typescript/bin/tsc", "--noEmit", "--pretty", "false")],
  // a package of declarations that nothing else needs: in a folder of its own, where every other check passes it by
  ["install Cloudflare's types", ci(CLOUDFLARE)],
  ["types beside Cloudflare's types", tool("typescript/bin/tsc", "--noEmit", "--pretty", "false", "--project", CLOUDFLARE)],
  ["types for Deno", { bin: deno, args: ["check", "--quiet", ...SOURCES] }],
  ["lint", { bin: deno, args: ["lint", "--quiet", ...SOURCES] }],
  ["documentation", { bin: deno, args: ["doc", "--lint", "--quiet", ...Object.values(exports)] }],
  ["publish to JSR", { bin: deno, args: ["publish", "--dry-run", "--allow-dirty", "--quiet"] }],
  ["build", npm("run", "build")],
  ["publish to npm", tool("publint/src/cli.js", "--strict")],
  ["types as npm serves them", tool("@arethetypeswrong/cli/dist/index.js", "--pack", ".", "--profile", "esm-only", "--no-emoji")],
];

const words = process.argv.slice(2);
let passed = 0, failed = 0;
for (const [name, command] of checks) {
  if (words.length > 0 && !words.some((word) => name.includes(word))) continue;
  const { code, output, milliseconds } = await execute(command, { timeout: TIMEOUT });
  if (code === 0) passed++;
  else failed++;
  console.log(`${code === 0 ? "ok    " : "FAILED"}  ${name} (${(milliseconds / 1000).toFixed(1)} s)`);
  if (code !== 0) console.log(output);
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);

/** A program that one of our development dependencies brings. */
function tool(path: string, ...args: string[]): Command {
  return { bin: process.execPath, args: [join("node_modules", path), ...args] };
}
