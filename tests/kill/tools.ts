/**
 * What modes need of the machine: found, installed where the command may, or named when it is missing.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { install } from "../_runner/install.ts";

/** A need. `signals`: SIGSTOP and SIGTERM as POSIX has them. `root`: may mount. */
export type Need = "postgres" | "signals" | "linux" | "root" | "strace" | "faketime";

/** How needs are called in the help. */
export const NAMES: Readonly<Record<Need, string>> = {
  postgres: "Postgres from npm",
  signals: "Linux or macOS",
  linux: "Linux",
  root: "root",
  strace: "strace",
  faketime: "libfaketime",
};

/** Packages of Debian that bring what may be missing. */
const PACKAGES: Partial<Record<Need, string>> = { strace: "strace", faketime: "faketime" };

/** Finds all that is needed, installs what it may; throws a sentence that names what is missing. */
export async function provide(needs: readonly Need[]): Promise<void> {
  for (const need of needs) {
    if (need === "postgres") await install("tests/postgres");
    if (has(need)) continue;
    const name = PACKAGES[need];
    if (name !== undefined && has("linux") && has("root") && onPath("apt-get") !== undefined) {
      console.log(`Installing ${name}`);
      installPackage(name);
      if (has(need)) continue;
    }
    const how = name === undefined ? "" : `: \`apt-get install -y ${name}\``;
    throw new Error(`Cannot run the mode: it needs ${NAMES[need]}${how}`);
  }
}

/** Whether a need is met. */
export function has(need: Need): boolean {
  switch (need) {
    case "postgres":
      return true;
    case "signals":
      return process.platform !== "win32";
    case "linux":
      return process.platform === "linux";
    case "root":
      return process.getuid?.() === 0;
    case "strace":
      return onPath("strace") !== undefined;
    case "faketime":
      return faketimeLibrary() !== undefined;
    default:
      return need satisfies never;
  }
}

/** Where libfaketime is: preloaded by path, because the command of that name would stand between us and the process. */
export function faketimeLibrary(): string | undefined {
  const folders = ["/usr/lib", "/usr/local/lib"].filter((folder) => existsSync(folder));
  const all = folders.flatMap((folder) => [folder, ...readdirSync(folder).map((name) => join(folder, name))]);
  return all.map((folder) => join(folder, "faketime", "libfaketime.so.1")).find((path) => existsSync(path));
}

function onPath(name: string): string | undefined {
  return (process.env.PATH ?? "").split(":").map((folder) => join(folder, name)).find((path) => existsSync(path));
}

function installPackage(name: string): void {
  const apt = (...args: string[]): unknown => execFileSync("apt-get", args, { stdio: ["ignore", "ignore", "inherit"] });
  try {
    apt("install", "-y", name);
  } catch {
    // Its lists may be too old, or there are none yet.
    apt("update");
    apt("install", "-y", name);
  }
}
