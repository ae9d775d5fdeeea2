/**
 * The process under test, as its parent holds it.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { command, type RuntimeName } from "./command.ts";
import { type Files, type FromChild, readLines, type ToChild } from "./wire.ts";

/** How a process is started. */
export interface Launch {
  /** The built program. */
  readonly program: string;
  readonly runtime: RuntimeName;
  /** A command that starts it in its place: it has to become the process, so that signals reach it. */
  readonly through?: readonly string[];
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A running process. */
export interface Child {
  readonly pid: number | undefined;
  /** How long its main thread was ready and had no core, ms; 0 where nobody knows. */
  waited(): number;
  tell(messages: ToChild[]): void;
  signal(name: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT"): void;
  /** Resolves when it is gone and all that it said was heard: with its exit code, `null` when a signal ended it. */
  readonly gone: Promise<number | null>;
}

/** Starts one. */
export function startChild(files: Files, launch: Launch, heard: (messages: FromChild[]) => void): Child {
  const { program, runtime, through = [], env } = launch;
  const [bin = "", ...args] = [...through, ...command(program, runtime), JSON.stringify(files)];
  const child = spawn(bin, args, { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, ...env } });
  readLines<FromChild>(child.stdout, heard);
  // A killed process takes its end of the pipe with it.
  child.stdin.on("error", () => {});
  return {
    pid: child.pid,
    waited: () => waitedForCore(child.pid),
    tell(messages) {
      if (messages.length > 0) child.stdin.write(messages.map((message) => `${JSON.stringify(message)}\n`).join(""));
    },
    signal: (name) => void child.kill(name),
    gone: new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve(code));
    }),
  };
}

/** Ms that the main thread of a process was ready and had no core, as Linux counts. */
function waitedForCore(pid: number | undefined): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[1]) / 1e6;
  } catch {
    // No Linux, or it is gone.
    return 0;
  }
}
