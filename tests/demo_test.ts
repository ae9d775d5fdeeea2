import { spawn } from "node:child_process";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { runtime } from "../examples/demo/child.ts";
import { type Entry, judge, stretches } from "../examples/demo/effect_log.ts";
import { isAllowed } from "../examples/tenants/licence-audit/spdx.ts";
import { command } from "./kill/command.ts";

const LIMIT = 90_000;

describe("the demonstration", () => {
  it("is killed in the middle of bodies, goes on and runs nothing again that was done", async () => {
    const { code, output } = await run("../examples/demo/main.ts");
    assertEquals(code, 0, output);
    const { name, version } = runtime();
    assert(output.startsWith(`Tenure on ${name} ${version}: `), output);
    assertMatch(output, /SIGKILL in the middle of [1-9]\d* bodies/);
    assertMatch(output, /attempt 1 ╳ at \d+\.\d\d s, attempt 2 ✓ at \d+\.\d\d s/);
    assertMatch(output, /The audit of tenure: passed, decided by the reviewer\n[1-9]\d+ packages: [1-9]\d+ MIT/);
    assertMatch(output, /no step that was done ran twice, and none was lost/);
  });
});

describe("judge()", () => {
  const body = (step: string, attempt: number) => ({ tenant: "t", instance: "i", step, attempt });
  const begin = (step: string, attempt = 1): Entry => ({ at: 1, what: "begin", body: body(step, attempt) });
  const end = (step: string, attempt = 1): Entry => ({ at: 2, what: "end", body: body(step, attempt) });
  const recorded = (step: string): Entry => ({ at: 3, what: "recorded", tenant: "t", instance: "i", step });
  const killed: Entry = { at: 4, what: "killed" };

  it("accepts bodies that were cut off, failed or ended unheard, and then ran again", () => {
    const failed: Entry = { at: 2, what: "failed", body: body("c", 1) };
    const log = [begin("a"), begin("b"), end("b"), begin("c"), failed, killed, begin("a", 2), end("a", 2), begin("b", 2), end("b", 2)];
    log.push(begin("c", 2), end("c", 2), begin("d"), end("d"), ...["a", "b", "c", "d"].map(recorded));
    assertEquals(judge(log), { steps: 4, once: 1, cutOff: 2, retried: 1, ranAgain: [], neverEnded: [] });
    assertEquals(stretches(log).map(({ how }) => how), ["cut off", "ended", "failed", "ended", "ended", "ended", "ended"]);
  });
  it("finds a body that begins after its step was done", () => {
    assertEquals(judge([begin("a"), end("a"), recorded("a"), killed, begin("a", 2)]).ranAgain, ["t/i/a, attempt 2"]);
  });
  it("finds a step that is said to be done although no body of it ended", () => {
    assertEquals(judge([begin("a"), killed, recorded("a")]).neverEnded, ["t/i/a"]);
  });
});

describe("isAllowed()", () => {
  const cases: [string | null, boolean][] = [
    ["MIT", true],
    ["GPL-3.0-only", false],
    [null, false],
    ["(MIT OR GPL-3.0-only)", true],
    ["MIT AND GPL-3.0-only", false],
    ["GPL-3.0-only OR MIT AND ISC", true],
    ["(GPL-3.0-only OR MIT) AND LGPL-2.1", false],
    ["MIT ISC", false],
  ];
  for (const [expression, expected] of cases) {
    it(`says ${expected} to ${expression}`, () => assertEquals(isAllowed(expression, ["MIT", "ISC"]), expected));
  }
});

/** Runs a program of this repository on the runtime that we run on. */
function run(path: string): Promise<{ code: number | null; output: string }> {
  const [bin, ...args] = command(fileURLToPath(new URL(path, import.meta.url)));
  return new Promise((resolve, reject) => {
    const child = spawn(bin, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NO_COLOR: "1" } });
    const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT);
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => output += text);
    child.stderr.setEncoding("utf8").on("data", (text: string) => output += text);
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code, output });
    });
  });
}
