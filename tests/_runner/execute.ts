import { spawn } from "node:child_process";
import process from "node:process";

/** One program to run. */
export interface Command {
  /** The program, as an absolute path where it matters which one. */
  bin: string;
  /** Its arguments. */
  args: string[];
  /** What its environment has more than ours. */
  env?: Record<string, string>;
}

/** Options of {@linkcode execute}. */
export interface ExecuteOptions {
  /** Where it runs. */
  cwd?: string;
  /** After so many milliseconds it is killed, and everything that it started. */
  timeout: number;
}

/** How a program ended. */
export interface Execution {
  /** Its exit code; null when it was killed or never started. */
  code: number | null;
  /** What it printed, both streams as they came. */
  output: string;
  /** What it printed to standard output alone. */
  stdout: string;
  /** Whether the time-out ended it. */
  timedOut: boolean;
  /** How long it took. */
  milliseconds: number;
}

/** How long a program that is to end may take to say why. */
const GRACE = 2_000;

/** What is still running, to be taken along when we are ended ourselves. */
const running = new Set<number>();
process.once("exit", () => running.forEach(killTree));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

/** Runs a program to its end; never rejects, a program that cannot be started ends with a null code and the reason as output. */
export function execute({ bin, args, env }: Command, { cwd, timeout }: ExecuteOptions): Promise<Execution> {
  const start = performance.now();
  return new Promise((resolve) => {
    let output = "", stdout = "", timedOut = false;
    // A group of its own, so that the time-out reaches the children of the program too.
    const child = spawn(bin, args, { cwd, env: { ...environment(), ...env }, stdio: ["ignore", "pipe", "pipe"], detached: process.platform !== "win32" });
    const pid = child.pid ?? 0;
    running.add(pid);
    const timer = setTimeout(() => {
      timedOut = true;
      // Asked first: interrupted, Node's test runner says which tests were running.
      child.kill("SIGINT");
      setTimeout(killTree, GRACE, pid).unref();
    }, timeout);
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text, stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => output += text);
    const end = (code: number | null): void => {
      clearTimeout(timer);
      running.delete(pid);
      resolve({ code, output, stdout, timedOut, milliseconds: performance.now() - start });
    };
    child.on("error", (error) => {
      output += `Cannot run "${bin}": ${error.message}\n`;
      end(null);
    });
    child.on("close", (code) => end(code));
  });
}

/** The npm that runs this script, or the one on the path. */
export function npm(...args: string[]): Command {
  const cli = process.env.npm_execpath;
  if (cli?.endsWith(".js")) return { bin: process.execPath, args: [cli, ...args] };
  return { bin: process.platform === "win32" ? "npm.cmd" : "npm", args };
}

/** Our own environment without colours, and without what npm tells its scripts: a nested npm would take our folder for its own. */
function environment(): Record<string, string | undefined> {
  const kept = Object.entries(process.env).filter(([name]) =>
    !/^npm_(package|lifecycle)_|^npm_config_local_prefix$|^(FORCE_COLOR|NODE_TEST_CONTEXT)$/i.test(name)
  );
  return { ...Object.fromEntries(kept), NO_COLOR: "1" };
}

function killTree(pid: number): void {
  if (pid === 0) return;
  if (process.platform === "win32") {
    spawn("taskkill", ["/pid", String(pid), "/T", "/F"]);
    return;
  }
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It ended between the time-out and here.
  }
}
