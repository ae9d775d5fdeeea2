/**
 * Brings the peers: `npm ci` in this folder when its lock file is newer than what is installed.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("..", import.meta.url));
const LOCK = `${FOLDER}package-lock.json`;
/** A copy of the lock file that was installed. */
const STAMP = `${FOLDER}node_modules/.installed-lock.json`;

/** Installs what is missing; says so on stderr. */
export function installPeers(): void {
  const lock = readFileSync(LOCK, "utf8");
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === lock) return;
  process.stderr.write("installing the peers (npm ci in bench/) …\n");
  // npm of whoever started us, else the one of the system
  const npm = process.env["npm_execpath"];
  const [command, first] = npm !== undefined && /\.[cm]?js$/.test(npm) ? [process.execPath, [npm]] : ["npm", []];
  execFileSync(command, [...first, "ci", "--no-audit", "--no-fund"], {
    cwd: FOLDER,
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  writeFileSync(STAMP, lock);
}

/** Names and versions of what is measured against. */
export function peerVersions(): string {
  const { dependencies } = JSON.parse(readFileSync(`${FOLDER}package.json`, "utf8")) as { dependencies: Record<string, string> };
  return Object.entries(dependencies).map(([name, version]) => `${name} ${version}`).join(", ");
}
