/**
 * Reads docs/parity.md: what Cloudflare's Workflows do, what Tenure does, and which test bears it. That the tests are
 * there is checked on the sources, that they ran on the reports of a whole run.
 *
 * @module
 */
import type { Report } from "./junit.ts";

/** Where it is written down. */
export const PARITY_FILE = "docs/parity.md";

/** What is said of one behaviour. */
export type ParityVerdict = "same" | "different" | "not yet";

/** A test, as a row names it. */
export interface TestReference {
  /** Its file. */
  readonly file: string;
  /** Its suite and its sentence, without what a suite adds for each sandbox: `create() > keeps params that are null`. */
  readonly name: string;
}

/** One behaviour. */
export interface ParityRow {
  /** `CF-create-1`. */
  readonly id: string;
  /** What the original does. */
  readonly behaviour: string;
  /** What is said of it. */
  readonly verdict: ParityVerdict;
  /** Why it is not the same. */
  readonly reason: string;
  /** What holds it. */
  readonly tests: readonly TestReference[];
}

const ROW = /^\| (CF-[a-z]+(?:-[a-z]+)*-\d+) \| (.+) \| (same|different|not yet)(?:: (.+?))? \| (.*?) ?\|$/;

/** Reads the rows. A line that begins like one and is none is an error: it would be a row that nobody looks at. */
export function readParity(text: string): ParityRow[] {
  const rows: ParityRow[] = [];
  for (const line of text.split("\n")) {
    if (!/^\| *CF-/.test(line)) continue;
    const [, id = "", behaviour = "", verdict, reason = "", heldBy = ""] = ROW.exec(line) ?? [];
    if (id === "") throw new Error(`Cannot read a row of ${PARITY_FILE}: ${line}`);
    rows.push({ id, behaviour, verdict: verdict as ParityVerdict, reason, tests: referencesIn(heldBy) });
  }
  return rows;
}

/** `` `tests/a_test.ts`: `suite > sentence`, `suite > another` ``: a path holds for what follows it. */
function referencesIn(cell: string): TestReference[] {
  const found: TestReference[] = [];
  let file = "";
  for (const [, part = ""] of cell.matchAll(/`([^`]+)`/g)) {
    if (/^tests\/\S+\.ts$/.test(part)) file = part;
    else found.push({ file, name: part });
  }
  return found;
}

/** Whether a source declares a test: its suite and its sentence stand there, each as a literal of its own. */
export function declares(source: string, name: string): boolean {
  const patterns = [...source.matchAll(/\b(?:describe|it|test|onEach)\(\s*("(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`)/g)].map(([, literal = ""]) => patternOf(literal));
  return partsOf(name).name.split(" > ").every((part) => patterns.some((pattern) => pattern.test(part)));
}

/** What a literal can come to: anything in place of what a template fills in. */
function patternOf(literal: string): RegExp {
  const text = literal.slice(1, -1).replace(/\\(["'`\\])/g, "$1");
  const fixed = (literal[0] === "`" ? text.split(/\$\{[^}]*\}/) : [text]).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${fixed.join("[^]*")}$`);
}

/**
 * Tests of the suite that rows name and that a runtime did not run. What is declared for each sandbox has to have run on
 * all of them, unless the row names one: `create(), on quickjs > …`.
 */
export function compareParity(reports: ReadonlyMap<string, Report>, rows: readonly ParityRow[]): string[] {
  const complaints: string[] = [];
  for (const [runtime, { ran }] of reports) {
    const sandboxes = new Set<string>(), on = new Map<string, Set<string>>();
    for (const { name, sandbox } of [...ran.keys()].map(partsOf)) {
      if (sandbox !== "") sandboxes.add(sandbox);
      on.set(name, (on.get(name) ?? new Set()).add(sandbox));
    }
    for (const { id, tests } of rows) {
      for (const test of tests.filter(({ file }) => file.endsWith("_test.ts"))) {
        const { name, sandbox } = partsOf(test.name);
        const ranOn = on.get(name);
        const missing = ranOn?.has("") || (sandbox !== "" && ranOn?.has(sandbox)) ? [] : [...sandboxes].filter((each) => !ranOn?.has(each));
        if (ranOn === undefined) complaints.push(`${PARITY_FILE}: ${id} names a test that did not run on ${runtime}: ${test.name}`);
        else if (missing.length > 0) complaints.push(`${PARITY_FILE}: ${id} names a test that did not run on ${runtime} with ${missing.join()}: ${test.name}`);
      }
    }
  }
  return complaints;
}

/** A test that is declared for each sandbox, and perhaps each store, is one sentence: `create(), on quickjs > …`. */
function partsOf(test: string): { readonly name: string; readonly sandbox: string } {
  const at = test.indexOf(" > ");
  const [suffix = "", sandbox = ""] = /, on (trusted|quickjs)(?: and \w+)?$/.exec(test.slice(0, Math.max(0, at))) ?? [];
  return { name: sandbox === "" ? test : test.slice(0, at - suffix.length) + test.slice(at), sandbox };
}
