/**
 * Starts the platform in a process of its own, on the runtime that we run on ourselves.
 *
 * @module
 */
import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type FromPlatform, readLines, type ToPlatform } from "./wire.ts";

/** A running platform. */
export interface Platform {
  /** Its process. */
  readonly pid: number;
  tell(message: ToPlatform): void;
  /** SIGKILL: it does not get to do anything about it. */
  kill(): void;
  /** Resolves when it is gone and all that it said was heard: with its exit code, `null` when it was killed. */
  readonly gone: Promise<number | null>;
}

/** Starts one on the data in `folder`. */
export function startPlatform(folder: string, heard: (message: FromPlatform) => void): Platform {
  const program = fileURLToPath(new URL("./platform.ts", import.meta.url));
  const child = spawn(process.execPath, [...FLAGS[runtime().name], program, folder], { stdio: ["pipe", "pipe", "inherit"] });
  readLines(child.stdout, heard);
  // A killed process takes its end of the pipe with it.
  child.stdin.on("error", () => {});
  return {
    pid: child.pid ?? 0,
    tell: (message) => void child.stdin.write(`${JSON.stringify(message)}\n`),
    kill: () => void child.kill("SIGKILL"),
    gone: new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve(code));
    }),
  };
}

/** What each runtime needs to find this repository's sources under the name `tenure`. */
const FLAGS: Record<"Node" | "Deno" | "Bun", string[]> = {
  Node: ["--conditions=tenure-source", "--disable-warning=ExperimentalWarning"],
  Deno: ["run", "-A"],
  Bun: [],
};

/** The runtime that this process runs on. */
export function runtime(): { name: keyof typeof FLAGS; version: string } {
  const { deno, bun, node } = process.versions as Record<string, string | undefined>;
  if (deno !== undefined) return { name: "Deno", version: deno };
  if (bun !== undefined) return { name: "Bun", version: bun };
  return { name: "Node", version: node ?? "" };
}
