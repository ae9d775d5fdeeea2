import { describe, it } from "node:test";
import { assertEquals, assertGreater, assertMatch } from "@std/assert";
import type { Job } from "./kill/client.ts";
import { currentRuntime } from "./kill/command.ts";
import type { Entry, Event } from "./kill/log.ts";
import { effect } from "./kill/modes/effect.ts";
import type { Plan } from "./kill/plan.ts";
import { runMode } from "./kill/run.ts";
import { judge } from "./kill/verdict.ts";

// A small one of what `npm run test:kill` does: how soon it goes on is for that to judge, on a machine that does nothing else.
describe("a process that is killed", () => {
  it("goes on with what it ran, loses nothing and runs nothing again", async () => {
    const { verdict } = await runMode(effect, {
      times: 3,
      seed: 1,
      runtime: currentRuntime(),
      atOnce: 3,
      within: 20_000,
      patience: 60_000,
    });
    assertEquals(verdict.violations, []);
    assertEquals(verdict.kills.total, 3);
    assertGreater(verdict.complete, 0);
    // The last of these kills always finds one: it comes between the end of a body and what the body hears of it.
    assertGreater(verdict.repeats.unheard, 0);
  });
});

const WHO = "acme/job-0";
const PLAN: Plan = [
  { do: "a", ms: 5, fails: 1 },
  { sleep: "nap", ms: 50 },
  { do: "b", ms: 5, fails: 0 },
  { wait: "w", type: "go", n: 0 },
  { do: "c", ms: 5, fails: 0 },
];
const JOB: Job = { tenant: "acme", id: "job-0", who: WHO, plan: PLAN };
const GO = { type: "go", n: 0 };

/** An entry, at a time and of a life. */
type Line = [at: number, life: number, event: Event];

const begin = (step: string, attempt: number, saw: Record<string, unknown> = {}, key = step): Event => (
  { what: "begin", who: WHO, step, attempt, key, saw }
);
const end = (step: string, attempt: number, value = `${step}${attempt}`, key = step): Event => (
  { what: "end", who: WHO, step, attempt, key, saw: {}, value }
);
const failed = (step: string, attempt: number): Event => ({ what: "failed", who: WHO, step, attempt, key: step, saw: {} });
const shown = (status: string, steps: Record<string, unknown>, output: Record<string, unknown> | null = null): Event => (
  { what: "shown", who: WHO, shown: { status, output, error: null, steps } }
);
const killed = (bodies: string[] = [], commit = false): Event => ({ what: "killed", starting: false, bodies, commit });
const OUTPUT = { a: "a2", nap: "slept", b: "b2", w: GO, c: "c2" };

/** Two lives: a body is cut off, another ends unheard. */
const GOOD: Line[] = [
  [0, 1, { what: "spawned" }],
  [5, 1, { what: "loaded" }],
  [10, 1, { what: "up" }],
  [20, 1, { what: "created", who: WHO }],
  [30, 1, begin("a", 1)],
  [35, 1, failed("a", 1)],
  [70, 1, begin("a", 2)],
  [75, 1, end("a", 2)],
  [80, 1, shown("running", { a: "a2" })],
  [130, 1, begin("b", 1, { a: "a2", nap: "slept" })],
  [140, 1, killed([WHO])],
  [140, 2, { what: "spawned" }],
  [150, 2, { what: "loaded" }],
  [160, 2, begin("b", 2, { a: "a2", nap: "slept" })],
  [170, 2, end("b", 2)],
  [180, 2, { what: "sent", who: WHO, ...GO }],
  [190, 2, begin("c", 1, { a: "a2", nap: "slept", b: "b2", w: GO })],
  [195, 2, end("c", 1)],
  [196, 2, killed([], true)],
  [196, 3, { what: "spawned" }],
  [250, 3, begin("c", 2, { a: "a2", nap: "slept", b: "b2", w: GO })],
  [255, 3, end("c", 2)],
  [300, 3, shown("complete", { a: "a2", b: "b2", c: "c2" }, OUTPUT)],
];

/** What is said of a log, of which some lines are others: by their time, `null` for none. */
function verdictOn(changes: Record<number, Line[] | null> = {}, job: Job = JOB, within = 1_000): ReturnType<typeof judge> {
  const lines = GOOD.flatMap((line) => line[0] in changes ? changes[line[0]] ?? [] : [line]);
  return judge(lines.map(([at, life, event]): Entry => ({ at, life, ...event })), [job], { within });
}

describe("judge()", () => {
  it("accepts bodies that were cut off, failed or ended unheard, and counts them", () => {
    const verdict = verdictOn();
    assertEquals(verdict.violations, []);
    assertEquals(verdict.repeats, { "cut off": 1, failed: 1, unheard: 1 });
    assertEquals([verdict.created, verdict.complete, verdict.terminated, verdict.bodies], [1, 1, 0, 6]);
    assertEquals(verdict.kills, { total: 2, body: 1, commit: 1, either: 2, starting: 0, rest: 0 });
    assertEquals(verdict.resumed, [{ first: true, restart: 20, waited: 0, loaded: 10 }]);
    assertEquals([...verdict.served], [[1, 2], [2, 1], [3, 1]]);
  });

  const cases: [finds: string, says: RegExp, changes: Record<number, Line[] | null>, within?: number][] = [
    ["an instance that was acknowledged and never seen", /lost: it was acknowledged/, {
      80: null,
      300: null,
    }],
    ["an instance that does not end", /stuck: running at the end/, { 300: [[300, 3, shown("running", {})]] }],
    ["a body that runs again after a client was shown its result", /a ran again \(attempt 3\) after its result was shown to a client/, {
      160: [[155, 2, begin("a", 3)], [156, 2, end("a", 3, "a2")], [160, 2, begin("b", 2)]],
    }],
    ["a body that runs again after the world was shown its result", /b ran again .* shown to the world by attempt 1 of c/, {
      250: [[240, 3, begin("b", 3)], [241, 3, end("b", 3, "b2")], [250, 3, begin("c", 2)]],
    }],
    ["a body that runs again unseen after its record", /its output says "c2" of c, whose last body gave "c3"/, {
      255: [[255, 3, end("c", 2)], [256, 3, killed()], [257, 4, begin("c", 3)], [258, 4, end("c", 3)]],
    }],
    ["a body that runs again although nothing had cut it off", /b began again \(attempt 2\) although nothing had cut off attempt 1/, {
      140: [[140, 1, { what: "gone", code: 0 }]],
    }],
    ["a body that runs in two processes at a time", /b began again \(attempt 2\) although nothing/, {
      140: [[140, 2, { what: "spawned" }]],
      150: null,
      160: [[160, 2, begin("b", 2)]],
      196: null,
      250: null,
      255: null,
      300: [[300, 2, shown("complete", {}, { ...OUTPUT, c: "c1" })]],
    }],
    ["an attempt with the number of one before", /b began with attempt 1 after attempt 1/, { 160: [[160, 2, begin("b", 1)]] }],
    ["another idempotency key in another attempt", /b has another idempotency key in attempt 2/, {
      160: [[160, 2, begin("b", 2, {}, "other")]],
    }],
    ["one idempotency key for two steps", /one idempotency key for acme\/job-0 b and acme\/job-0 c/, {
      190: [[190, 2, begin("c", 1, {}, "b")]],
    }],
    ["a result that changes", /a is "x" \(shown to the world by attempt 2 of b\) and was "a2" \(shown to a client\)/, {
      160: [[160, 2, begin("b", 2, { a: "x" })]],
    }],
    ["an output that is not what bodies gave", /its output says "x" of b, whose last body gave "b2"/, {
      190: [[190, 2, begin("c", 1)]],
      250: [[250, 3, begin("c", 2)]],
      300: [[300, 3, shown("complete", {}, { ...OUTPUT, b: "x" })]],
    }],
    ["an output that lacks something", /its output lacks c/, {
      300: [[300, 3, shown("complete", {}, { a: "a2", nap: "slept", b: "b2", w: GO })]],
    }],
    ["an output that has something that nobody asked for", /its output has x, which was not asked for/, {
      300: [[300, 3, shown("complete", {}, { ...OUTPUT, x: 1 })]],
    }],
    ["an event in place of another", /w got {"type":"go","n":1} in place of event 0 of go/, {
      190: [[190, 2, begin("c", 1)]],
      250: [[250, 3, begin("c", 2)]],
      300: [[300, 3, shown("complete", {}, { ...OUTPUT, w: { type: "go", n: 1 } })]],
    }],
    ["a sleep that ends early", /nap took 20.0 ms in place of 50/, { 130: [[95, 1, begin("b", 1)]] }],
    ["a body that ends and did not run", /b ended in an attempt that did not run/, { 170: [[170, 2, end("b", 3)]] }],
    ["a body that runs after the end", /c ran \(attempt 3\) after it was complete/, {
      300: [[300, 3, shown("complete", {}, OUTPUT)], [301, 3, killed()], [302, 4, begin("c", 3)]],
    }],
    ["an end that does not last", /was complete and then running/, {
      300: [[300, 3, shown("complete", {}, OUTPUT)], [310, 3, shown("running", {})]],
    }],
    ["an end that nobody asked for", /is terminated, and nobody asked for it/, { 300: [[300, 3, shown("terminated", {})]] }],
    ["an instance that ran and that nobody asked for", /acme\/job-9 ran and nobody asked for it/, {
      255: [[255, 3, end("c", 2)], [256, 3, { ...begin("a", 1, {}, "z"), who: "acme/job-9" } as Event]],
    }],
    ["an instance that was cut off and does not go on", /acme\/job-0 was interrupted and never went on/, {
      300: [[300, 3, shown("complete", {}, OUTPUT)], [310, 3, killed([WHO])]],
    }],
    ["a restart after which it takes too long to go on", /went on within 15 ms after a restart, acme\/job-0 was the first after 20/, {}, 15],
    ["a life that is long and goes on with nothing", /no interrupted instance went on within 15 ms after a restart: acme\/job-0/, {
      150: [[150, 2, { what: "loaded" }], [157, 2, { what: "shot", ms: 0 }], [158, 2, killed()], [159, 3, { what: "spawned" }]],
      160: [[160, 3, begin("b", 2)]],
      170: [[170, 3, end("b", 2)]],
      190: [[190, 3, begin("c", 1)]],
      195: [[195, 3, end("c", 1)]],
      196: null,
      250: null,
      255: null,
      300: [[300, 3, shown("complete", {}, { ...OUTPUT, c: "c1" })]],
    }, 15],
  ];
  for (const [finds, says, changes, within] of cases) {
    it(`finds ${finds}`, () => {
      const { violations } = verdictOn(changes, JOB, within);
      assertMatch(violations.join("\n"), says);
    });
  }

  it("takes the time that a process waited for a core for the machine's", () => {
    const slow: Line[] = [[155, 2, { what: "waited", ms: 10 }], [160, 2, begin("b", 2)]];
    assertEquals(verdictOn({ 160: slow }, JOB, 15).violations, []);
  });

  it("accepts an end that a client asked for, and nothing after it", () => {
    const job = { ...JOB, terminate: 100 };
    const ends: Line[] = [[196, 2, { what: "terminating", who: WHO }], [197, 2, { what: "terminated", who: WHO }]];
    const rest = { 250: null, 255: null, 300: [[300, 2, shown("terminated", {})] as Line] };
    const verdict = verdictOn({ 196: ends, ...rest }, job);
    assertEquals([verdict.violations, verdict.terminated], [[], 1]);
    const after: Line[] = [...ends, [198, 2, begin("c", 2)]];
    assertMatch(verdictOn({ 196: after, ...rest }, job).violations.join(), /c ran \(attempt 2\) after it was terminated/);
  });

  it("says nothing about instances that it is told to leave alone", () => {
    const entries = GOOD.slice(0, -1).map(([at, life, event]): Entry => ({ at, life, ...event }));
    assertEquals(judge(entries, [JOB], { within: 1_000, except: new Set([WHO]) }).violations, []);
  });
});
