/**
 * Every measurement runs in a process of its own, so that no engine pays for the heap or the profile of another.
 *
 * @module
 */
import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ENTRY = fileURLToPath(new URL("../_tasks/main.ts", import.meta.url));
const TIMEOUT = 120_000;

/** Runs a task in a new process and answers what it reports; it is killed when it takes longer, ms. */
export async function inChild<Report>(task: object, { timeout = TIMEOUT }: { readonly timeout?: number } = {}): Promise<Report> {
  const output = await runNode([ENTRY, JSON.stringify(task)], undefined, timeout);
  const last = output.trimEnd().split("\n").pop() ?? "";
  return JSON.parse(last) as Report;
}

/** Runs Node with these arguments; answers what it wrote. */
export function runNode(args: readonly string[], cwd?: string, timeout: number = TIMEOUT): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"], ...(cwd !== undefined && { cwd }) });
    const timer = setTimeout(() => child.kill("SIGKILL"), timeout);
    let output = "", errors = "";
    child.stdout.on("data", (chunk) => output += chunk);
    child.stderr.on("data", (chunk) => errors += chunk);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (code === 0) return resolve(output);
      reject(new Error(`Cannot measure ${args.join(" ")}: it ended with ${signal ?? code}\n${errors}`));
    });
  });
}
