/**
 * The runtimes of the one suite. All come from npm packages, at the versions that package.json pins,
 * so that a machine needs nothing but npm.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Command } from "./execute.ts";

/** One runtime. */
export interface Runtime {
  /** What `--runtime` takes. */
  id: string;
  /** What docs/support.md calls it. */
  name: string;
  /** Its executable. */
  bin: string;
  /** Runs test files and writes their JUnit report to `report`. */
  test(files: string[], report: string): Command;
  /** Runs one script. */
  run(script: string): Command;
}

/** Every runtime that the suite runs on. */
export const runtimes: Runtime[] = [
  node("node24", "Node 24", "node"),
  node("node22", "Node 22", "node-22"),
  deno(),
  bun(),
];

function node(id: string, name: string, packageName: string): Runtime {
  const bin = locate(packageName, "bin/node.exe", "bin/node");
  return {
    id,
    name,
    bin,
    // All files in one process, as on the others: a process for each takes as long as the tests themselves.
    test: (files, report) => ({
      bin,
      args: [
        "--conditions=tenure-source",
        "--disable-warning=ExperimentalWarning",
        "--test",
        id === "node22" ? "--experimental-test-isolation=none" : "--test-isolation=none",
        "--test-reporter=spec",
        "--test-reporter-destination=stdout",
        "--test-reporter=junit",
        `--test-reporter-destination=${report}`,
        ...files,
      ],
    }),
    run: (script) => ({ bin, args: ["--disable-warning=ExperimentalWarning", script] }),
  };
}

function deno(): Runtime {
  const bin = locate("deno", "deno.exe", "deno");
  return {
    id: "deno",
    name: "Deno",
    bin,
    // Types are checked by `npm run check`, once and not with every run.
    test: (files, report) => ({ bin, args: ["test", "-A", "--no-check", `--junit-path=${report}`, ...files] }),
    run: (script) => ({ bin, args: ["run", "-A", script] }),
  };
}

function bun(): Runtime {
  const bin = locate("bun", "bin/bun.exe", "bin/bun");
  return {
    id: "bun",
    name: "Bun",
    bin,
    // Bun ends a test after 5 s unless told otherwise, the others never do; `./` marks a path, all else is a filter.
    test: (files, report) => ({
      bin,
      args: ["test", "--timeout=120000", "--reporter=junit", `--reporter-outfile=${report}`, ...files.map((file) => `./${file}`)],
    }),
    run: (script) => ({ bin, args: [script] }),
  };
}

/** The executable of an npm package: looked up as a dependency is, because npm may nest it. */
function locate(packageName: string, ...candidates: string[]): string {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  for (const from of [root, join(root, "tests/_runtimes")]) {
    try {
      const folder = dirname(createRequire(join(from, "package.json")).resolve(`${packageName}/package.json`));
      const found = candidates.map((candidate) => join(folder, candidate)).find((path) => existsSync(path));
      if (found) return found;
    } catch {
      // Not to be had from this folder.
    }
  }
  return join(root, "node_modules/.bin", packageName + (process.platform === "win32" ? ".exe" : ""));
}
