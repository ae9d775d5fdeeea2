import { existsSync, readFileSync } from "node:fs";
import type { Report } from "./junit.ts";

/** Where it is written down what does not run where, and why. */
export const SUPPORT_FILE = "docs/support.md";

/** A test that is not run on one runtime, for a reason that is written down. */
export interface Exception {
  /** The full name of the test, or of a suite around it. */
  test: string;
  /** The runtime, by its name; `Node` stands for every Node. */
  runtime: string;
}

/** Reads lines like ``- not run: `suite > test` on Deno: why``. */
export function readExceptions(text: string): Exception[] {
  return [...text.matchAll(/^- not run: `([^`\n]+)` on ([^:\n]+): \S/gm)].map(([, test, runtime]) => ({ test: test!, runtime: runtime! }));
}

/** The exceptions of this repository. */
export function exceptionsOfRepository(): Exception[] {
  return existsSync(SUPPORT_FILE) ? readExceptions(readFileSync(SUPPORT_FILE, "utf8")) : [];
}

/** Options of {@linkcode compareReports}. */
export interface CompareOptions {
  /** What may be missing. */
  exceptions: Exception[];
  /** Whether every test was asked for, so that an exception that nobody needed is one too many. */
  whole: boolean;
}

/** What is wrong between runtimes: tests that did not run and are not excused, and excuses that nobody needs. */
export function compareReports(reports: Map<string, Report>, { exceptions, whole }: CompareOptions): string[] {
  const complaints: string[] = [], used = new Set<Exception>();
  const all = new Map<string, number>();
  for (const { ran, skipped } of reports.values()) {
    for (const name of skipped) all.set(name, Math.max(all.get(name) ?? 0, 1));
    for (const [name, times] of ran) all.set(name, Math.max(all.get(name) ?? 0, times));
  }
  for (const [runtime, { ran }] of reports) {
    for (const [name, times] of all) {
      if ((ran.get(name) ?? 0) >= times) continue;
      const excuse = exceptions.find((exception) => covers(exception, runtime, name));
      if (excuse) used.add(excuse);
      else complaints.push(`not run on ${runtime}: ${name}`);
    }
  }
  for (const exception of whole ? exceptions : []) {
    const known = [...reports.keys()].some((runtime) => isFor(exception, runtime));
    if (known && !used.has(exception)) {
      complaints.push(`${SUPPORT_FILE} says that "${exception.test}" is not run on ${exception.runtime}, but it is, or there is no such test`);
    }
  }
  return complaints;
}

/**
 * What is wrong with a run of some suites in a mode, beside a run of all in none: tests that it did not run and that are
 * not left out on purpose, and sentences left out that no test has.
 */
export function compareMode(usual: Report, inMode: Report, leftOut: readonly string[]): string[] {
  const parts = [...usual.ran.keys()].map((name) => ({ name, suite: name.slice(0, name.lastIndexOf(" > ")), sentence: name.slice(name.lastIndexOf(" > ") + 3) }));
  const suites = new Set([...inMode.ran.keys()].map((name) => name.slice(0, name.lastIndexOf(" > "))));
  const missing = parts.filter(({ name, suite, sentence }) => suites.has(suite) && !inMode.ran.has(name) && !leftOut.includes(sentence));
  const unknown = leftOut.filter((sentence) => parts.every((part) => part.sentence !== sentence));
  return [...missing.map(({ name }) => `not run: ${name}`), ...unknown.map((sentence) => `left out, but there is no such test: ${sentence}`)];
}

function covers(exception: Exception, runtime: string, name: string): boolean {
  return isFor(exception, runtime) && (name === exception.test || name.startsWith(`${exception.test} > `));
}

function isFor(exception: Exception, runtime: string): boolean {
  return runtime === exception.runtime || runtime.startsWith(`${exception.runtime} `);
}
