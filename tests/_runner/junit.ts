/**
 * Reads what the three test runners report. Each nests in its own way: Node by suites, Bun by suites below one for each
 * file, Deno not at all (a full name for each, suites among them). What comes out is the same: `suite > suite > test`.
 *
 * @module
 */

/** What one runtime did. */
export interface Report {
  /** How often a test of this name ran to its end. */
  ran: Map<string, number>;
  /** Tests that the runner listed but skipped. */
  skipped: Set<string>;
  /** Tests that failed. */
  failed: string[];
}

interface Case {
  name: string;
  outcome: "ran" | "skipped" | "failed";
}

/** An attribute may hold a bare `>`: Node does not escape it. */
const TAG = /<(\/?)(testsuite|testcase|skipped|failure|error)\b((?:[^>"]|"[^"]*")*?)(\/?)>/g;

/** Reads a JUnit report. */
export function parseReport(xml: string): Report {
  const report: Report = { ran: new Map(), skipped: new Set(), failed: [] };
  for (const { name, outcome } of leaves(cases(xml))) {
    if (outcome === "skipped") {
      report.skipped.add(name);
      continue;
    }
    report.ran.set(name, (report.ran.get(name) ?? 0) + 1);
    if (outcome === "failed") report.failed.push(name);
  }
  return report;
}

function cases(xml: string): Case[] {
  const found: Case[] = [], suites: string[] = [];
  for (const [, close, tag, attributes = "", empty] of xml.matchAll(TAG)) {
    if (tag === "testsuite") {
      if (close) suites.pop();
      else if (!empty) suites.push(isFile(attributes) ? "" : nameOf(attributes));
    } else if (tag === "testcase" && !close) {
      found.push({ name: [...suites.filter((suite) => suite !== ""), nameOf(attributes)].join(" > "), outcome: "ran" });
    } else if (!close) {
      found.at(-1)!.outcome = tag === "skipped" ? "skipped" : "failed";
    }
  }
  return found;
}

/** A suite that is a file, or Deno's own module, is no part of a name: Node does not say it. */
function isFile(attributes: string): boolean {
  return /\.[cm]?[jt]s$/.test(rawName(attributes));
}

/** Deno lists each suite beside its tests; a leaf is what no other name continues. */
function leaves(all: Case[]): Case[] {
  const inner = new Set<string>();
  for (const { name } of all) {
    for (let at = name.indexOf(" > "); at !== -1; at = name.indexOf(" > ", at + 1)) inner.add(name.slice(0, at));
  }
  return all.filter(({ name }) => !inner.has(name));
}

function rawName(attributes: string): string {
  return /\bname="([^"]*)"/.exec(attributes)?.[1] ?? "";
}

/** Unescaped until nothing changes: Node escapes a quote twice. Spaces are made one, because Node drops line breaks. */
function nameOf(attributes: string): string {
  let text = rawName(attributes), before: string;
  do {
    before = text;
    text = text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&apos;", "'")
      .replace(/&#(x?)([\da-f]+);/gi, (_, hex: string, digits: string) => String.fromCodePoint(parseInt(digits, hex ? 16 : 10)))
      .replaceAll("&amp;", "&");
  } while (text !== before);
  return text;
}
