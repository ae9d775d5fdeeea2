/**
 * How a program of this repository is started on a runtime.
 *
 * @module
 */
import process from "node:process";
import { runtimes } from "../_runner/runtimes.ts";

/** The runtimes that a program can be started on. */
export type RuntimeName = "node" | "deno" | "bun";

/** What each needs to find the sources under the name `tenure`. */
const FLAGS: Record<RuntimeName, string[]> = {
  node: ["--conditions=tenure-source", "--disable-warning=ExperimentalWarning"],
  deno: ["run", "-A", "--no-check"],
  bun: [],
};

/** The runtime that we run on. */
export function currentRuntime(): RuntimeName {
  const { deno, bun } = process.versions as Record<string, string | undefined>;
  return deno !== undefined ? "deno" : bun !== undefined ? "bun" : "node";
}

/** The command line that starts `program`: on the very runtime that we run on, or on the project's one of that name. */
export function command(program: string, runtime: RuntimeName = currentRuntime()): [bin: string, ...args: string[]] {
  const bin = runtime === currentRuntime() ? process.execPath : runtimes.find(({ id }) => id.startsWith(runtime))?.bin;
  if (bin === undefined) throw new TypeError(`Cannot run on "${runtime}": there is no such runtime`);
  return [bin, ...FLAGS[runtime], program];
}
