/**
 * What a command needs that nothing else does: dependencies in a folder with a package.json and a lock file of its own.
 *
 * @module
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { type Command, execute, npm } from "./execute.ts";

/** Installs a folder's dependencies. */
export function ci(folder: string): Command {
  return npm("ci", "--prefix", folder, "--prefer-offline", "--no-audit", "--no-fund");
}

/**
 * Installs them, unless what its lock file says is there; says so on stderr.
 *
 * @throws with npm's output when that fails
 */
export async function install(folder: string): Promise<void> {
  const lock = readFileSync(join(folder, "package-lock.json"), "utf8");
  const stamp = join(folder, "node_modules", ".installed-lock.json");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  process.stderr.write(`installing what ${folder} needs (npm ci) …\n`);
  const { code, output } = await execute(ci(folder), { timeout: 600_000 });
  if (code !== 0) throw new Error(`Cannot install what ${folder} needs:\n${output}`);
  writeFileSync(stamp, lock);
}
