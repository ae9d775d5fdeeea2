import { describe, it } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { parseReport, type Report } from "./_runner/junit.ts";
import { compareParity, declares, readParity } from "./_runner/parity.ts";
import { compareMode, compareReports, readExceptions } from "./_runner/support.ts";

const node = `<testsuites>
  <testsuite name="outer() &lt;a>" tests="2"><testsuite name="inner">
    <testcase name="says &amp;quot;no&amp;quot;" classname="x" file="/t/a_test.ts"/></testsuite>
    <testcase name="is a > b" classname="x"/>
    <testcase name="later" classname="x"><skipped type="skipped" message="why"/></testcase></testsuite>
  <testcase name="breaks" failure="bad"><failure message="bad > worse">&lt;testcase name="fake"/></failure></testcase>
</testsuites>`;
const bun = `<testsuites name="bun test"><testsuite name="tests/a_test.ts" file="tests/a_test.ts">
  <testsuite name="outer() &lt;a&gt;" file="tests/a_test.ts"><testsuite name="inner" file="tests/a_test.ts">
    <testcase name="says &quot;no&quot;" classname="inner" /></testsuite>
    <testcase name="is a &gt; b" classname="x" />
    <testcase name="later" classname="x"><skipped /></testcase></testsuite>
  <testcase name="breaks"><failure type="Error" message="bad">x</failure></testcase></testsuite></testsuites>`;
const deno = `<testsuites name="deno test"><testsuite name="./tests/a_test.ts">
  <testcase name="outer() &lt;a&gt;" classname="x"></testcase>
  <testcase name="breaks"><failure message="bad">x</failure></testcase></testsuite>
  <testsuite name="ext:deno_node/testing.ts"><testcase name="outer() &lt;a&gt; &gt; inner"></testcase>
  <testcase name="outer() &lt;a&gt; &gt; inner &gt; says &quot;no&quot;"></testcase>
  <testcase name="outer() &lt;a&gt; &gt; is a &gt; b"></testcase>
  <testcase name="outer() &lt;a&gt; &gt; later"><skipped/></testcase></testsuite></testsuites>`;

function report(...names: string[]): Report {
  const ran = new Map<string, number>();
  for (const name of names) ran.set(name, (ran.get(name) ?? 0) + 1);
  return { ran, skipped: new Set(), failed: [] };
}

describe("parseReport()", () => {
  for (const [name, xml] of Object.entries({ node, bun, deno })) {
    it(`finds the leaf tests in what ${name} reports`, () => {
      const { ran, skipped, failed } = parseReport(xml);
      assertEquals(new Set(ran.keys()), new Set(['outer() <a> > inner > says "no"', "outer() <a> > is a > b", "breaks"]));
      assertEquals([...skipped], ["outer() <a> > later"]);
      assertEquals(failed, ["breaks"]);
    });
  }
  it("finds nothing in nothing", () => {
    assertEquals(parseReport("").ran.size, 0);
  });
});

describe("compareReports()", () => {
  const reports = new Map([["Node 24", report("a", "b > c", "b > c")], ["Deno", report("a", "b > c")]]);
  it("complains about a test that one runtime did not run, counting tests of one name", () => {
    assertEquals(compareReports(reports, { exceptions: [], whole: true }), ["not run on Deno: b > c"]);
  });
  it("complains about a test that every runtime skipped", () => {
    const skipping = new Map([["Bun", { ...report("a"), skipped: new Set(["s"]) }]]);
    assertEquals(compareReports(skipping, { exceptions: [], whole: true }), ["not run on Bun: s"]);
  });
  it("excuses a test or a suite by name", () => {
    for (const test of ["b", "b > c"]) {
      assertEquals(compareReports(reports, { exceptions: [{ test, runtime: "Deno" }], whole: true }), []);
    }
  });
  it("complains about an excuse that nobody needs, unless only some tests were asked for", () => {
    const exceptions = [{ test: "b", runtime: "Deno" }, { test: "a", runtime: "Node" }];
    assertEquals(compareReports(reports, { exceptions, whole: true }).length, 1);
    assertEquals(compareReports(reports, { exceptions, whole: false }), []);
  });
});

describe("compareMode()", () => {
  const usual = report("a, on x > one", "a, on x > two", "a, on x > three", "other > one");

  it("complains about a test that a mode did not run, unless it is left out", () => {
    const inMode = report("a, on x > one");
    assertEquals(compareMode(usual, inMode, ["two"]), ["not run: a, on x > three"]);
    assertEquals(compareMode(usual, inMode, ["two", "three"]), []);
  });
  it("complains about a sentence left out that no test of these suites has", () => {
    const inMode = report("a, on x > one", "a, on x > two", "a, on x > three");
    assertEquals(compareMode(usual, inMode, ["four"]), ["left out, but there is no such test: four"]);
  });
});

describe("readExceptions()", () => {
  it("reads the lines that give a reason and nothing else", () => {
    const text = "# Support\n- not run: `a > b` on Deno: no such API\n- not run: `c` on Bun:\n- runs: `d` on Bun: x\n";
    assertEquals(readExceptions(text), [{ test: "a > b", runtime: "Deno" }]);
  });
});

describe("readParity()", () => {
  const row = (verdict: string): string => `| CF-do-1 | It does. | ${verdict} | \`tests/a_test.ts\`: \`a > b\`, \`a > c "d"\`; \`tests/types/x.ts\`: \`is theirs\` |`;
  it("reads what holds a behaviour, and why it is not the same", () => {
    const [same, different] = readParity(`# Title\n${row("same")}\n${row("different: it is better")}\n`);
    assertEquals(same?.tests, [{ file: "tests/a_test.ts", name: "a > b" }, { file: "tests/a_test.ts", name: 'a > c "d"' }, { file: "tests/types/x.ts", name: "is theirs" }]);
    assertEquals([different?.id, different?.verdict, different?.reason], ["CF-do-1", "different", "it is better"]);
  });
  it("takes no row that it cannot read", () => {
    for (const line of [row("better"), "| CF-do-1 | It does. | same |", "|CF-do-1 | It does. | same | – |"]) assertThrows(() => readParity(line), Error, "Cannot read a row");
  });
});

describe("declares()", () => {
  const source = 'onEach("a step", (test) => { for (const n of [1]) test(`sleeps ${n} ms`, f); it("is {a}", g); });';
  it("finds suite and sentence, whatever a template fills in", () => {
    for (const name of ["a step > sleeps 5 ms", "a step, on quickjs > sleeps 6 ms", "a step > is {a}", "is {a}"]) assertEquals(declares(source, name), true, name);
    for (const name of ["a step > sleeps 5 s", "another > is {a}", "a step > is a", "step > is {a}"]) assertEquals(declares(source, name), false, name);
  });
});

describe("compareParity()", () => {
  const rows = readParity("| CF-do-1 | It does. | same | `tests/a_test.ts`: `a > b`, `c > d`; `tests/types/x.ts`: `is theirs` |");
  it("complains about what one runtime did not run, of the suite alone", () => {
    const reports = new Map([["Node 24", report("a > b", "c, on trusted and sqlite > d")], ["Deno", report("a > b", "c, on Tuesday > d")]]);
    assertEquals(compareParity(reports, rows), ["docs/parity.md: CF-do-1 names a test that did not run on Deno: c > d"]);
  });
  it("wants a test that is declared for each sandbox on all of them, unless the row names one", () => {
    const reports = new Map([["Bun", report("a, on trusted > b", "a, on quickjs > b", "c, on quickjs > d")]]);
    assertEquals(compareParity(reports, rows), ["docs/parity.md: CF-do-1 names a test that did not run on Bun with trusted: c > d"]);
    assertEquals(compareParity(reports, readParity("| CF-do-1 | It does. | same | `tests/a_test.ts`: `a > b`, `c, on quickjs > d` |")), []);
  });
});
