/** The state machine by itself: records in, records out; no guest, no store, no clock. */
import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { schedule } from "../core/instance/decide/command.ts";
import type { Facts, Records } from "../core/instance/decide/common.ts";
import { eventReceived, interrupted, pauseReached, pauseRequested, resumed } from "../core/instance/decide/control.ts";
import { nextAtRest, whenAtRest } from "../core/instance/decide/rest.ts";
import { attemptEnded, type AttemptResult } from "../core/instance/decide/step.ts";
import { evolve, stateOf } from "../core/instance/evolve.ts";
import { readRecord, record, writeRecord } from "../core/instance/records.ts";
import { createReplay } from "../core/instance/replay.ts";
import { emptyState, nextDue, type State } from "../core/instance/state.ts";
import { DEFAULT_LIMITS } from "../core/limits.ts";

const OK: AttemptResult = { ok: true, value: "j1", error: undefined, retry: true };
const NO: AttemptResult = { ok: false, value: "u", error: { name: "Error", message: "no" }, retry: true };
const all = (): boolean => true;

/** A journal being written: each decision is applied and kept. */
function machine(limits = {}): { state: State; lines: string[]; at(now: number): Facts; take(records: Records): Records } {
  const state = emptyState();
  const lines: string[] = [];
  const take = (records: Records): Records => {
    for (const r of records) {
      const line = writeRecord(r);
      lines.push(line);
      evolve(state, readRecord(line), line.length);
    }
    return records;
  };
  take([record({ k: "created", v: 1, t: 1_000, life: 1, version: "v", seed: "s", rng: 1 }, "j{}")]);
  return { state, lines, at: (now) => ({ now, limits: { ...DEFAULT_LIMITS, ...limits }, draining: false }), take };
}

const kinds = (records: Records): string[] => records.map((r) => r.head.k);

describe("schedule()", () => {
  it("starts a step with the record that schedules it", () => {
    const { state, at, take } = machine();
    take(schedule(state, { c: "do", id: 1, in: 0, name: "a" }, -1, at(1_001)));
    assertEquals([state.ops[0]?.running, state.ops[0]?.attempts], [true, 1]);
  });

  it("never lets time go back, whatever the wall clock says", () => {
    const { state, at, take } = machine();
    take(schedule(state, { c: "sleep", id: 1, in: 0, name: "a", ms: 10 }, -1, at(500)));
    assertEquals([state.t, state.ops[0]?.due], [1_000, 1_010]);
  });

  it("records a refusal with the command, so that replay meets it again", () => {
    const { state, at, take } = machine({ steps: 1 });
    take(schedule(state, { c: "do", id: 1, in: 0, name: "a" }, -1, at(1_001)));
    take(schedule(state, { c: "do", id: 2, in: 0, name: "b" }, -1, at(1_002)));
    take(whenAtRest(state, all, at(1_003)));
    assertEquals(state.ops[1]?.settled?.error?.message, "The limit of 1 steps has been reached");
  });
});

describe("attemptEnded()", () => {
  it("tries again after each delay until the limit, then settles with the last error", () => {
    const { state, at, take } = machine();
    const config = { retries: { limit: 2, delay: 100, backoff: "exponential" as const }, timeout: 1_000 };
    take(schedule(state, { c: "do", id: 1, in: 0, name: "a", config }, -1, at(1_000)));
    const dues: (number | null)[] = [];
    for (let now = 1_000, attempt = 1; state.ops[0]?.settled === undefined; attempt++) {
      take(attemptEnded(state, 0, attempt, NO, at(now)));
      dues.push(state.ops[0]?.due ?? null);
      now = state.ops[0]?.due ?? now;
      take(whenAtRest(state, all, at(now)));
    }
    assertEquals([dues, state.ops[0].attempts, state.ops[0].settled.ok], [[1_100, 1_300, null], 3, false]);
  });

  it("hears no attempt but the one that runs", () => {
    const { state, at, take } = machine();
    take(schedule(state, { c: "do", id: 1, in: 0, name: "a" }, -1, at(1_000)));
    assertEquals(attemptEnded(state, 0, 2, OK, at(1_001)), []);
    take(attemptEnded(state, 0, 1, OK, at(1_001)));
    assertEquals(attemptEnded(state, 0, 1, OK, at(1_002)), []);
  });

  it("settles with an error when the result is larger than the limit", () => {
    const { state, at, take } = machine({ resultBytes: 4 });
    take(schedule(state, { c: "do", id: 1, in: 0, name: "a" }, -1, at(1_000)));
    take(attemptEnded(state, 0, 1, { ...OK, value: 'j"éé"' }, at(1_001)));
    assertEquals(state.ops[0]?.settled?.ok, false);
  });
});

describe("whenAtRest()", () => {
  it("lets an event that was sent in time win over a time-out that is seen first", () => {
    const { state, at, take } = machine();
    take(schedule(state, { c: "wait", id: 1, in: 0, name: "w", type: "go", timeout: 100 }, -1, at(1_000)));
    take(eventReceived(state, { type: "go", payload: "j1", id: undefined, at: 1_090 }, at(5_000)));
    take(whenAtRest(state, all, at(5_000)));
    assertEquals([state.ops[0]?.settled?.ok, state.ops[0]?.settled?.event], [true, 0]);
  });

  it("lets the time-out win over an event that was sent after it", () => {
    const { state, at, take } = machine();
    take(schedule(state, { c: "wait", id: 1, in: 0, name: "w", type: "go", timeout: 100 }, -1, at(1_000)));
    take(eventReceived(state, { type: "go", payload: "j1", id: undefined, at: 1_200 }, at(5_000)));
    take(whenAtRest(state, all, at(5_000)));
    assertEquals([state.ops[0]?.settled?.ok, state.buffered], [false, 1]);
  });

  it("gives the first event to the wait that was registered first", () => {
    const { state, at, take } = machine();
    for (const id of [1, 2]) take(schedule(state, { c: "wait", id, in: 0, name: "w", type: "go", timeout: 100 }, -1, at(1_000)));
    for (const n of [7, 8]) take(eventReceived(state, { type: "go", payload: `j${n}`, id: undefined, at: 1_001 }, at(1_001)));
    take(whenAtRest(state, all, at(1_002)));
    take(whenAtRest(state, all, at(1_002)));
    assertEquals(state.ops.map((op) => op.settled?.event), [0, 1]);
  });

  it("settles what was due first, whenever it is asked", () => {
    const { state, at, take } = machine();
    take(schedule(state, { c: "sleep", id: 1, in: 0, name: "long", ms: 200 }, -1, at(1_000)));
    take(schedule(state, { c: "sleep", id: 2, in: 0, name: "short", ms: 100 }, -1, at(1_000)));
    for (let n = 0; n < 2; n++) take(whenAtRest(state, all, at(9_000)));
    assertEquals(state.settlements, [1, 0]);
  });

  it("does nothing for a command that the guest has not issued again", () => {
    const { state, at, take } = machine();
    take(schedule(state, { c: "sleep", id: 1, in: 0, name: "a", ms: 1 }, -1, at(1_000)));
    assertEquals(whenAtRest(state, () => false, at(9_000)), []);
  });
});

describe("a pause", () => {
  it("waits for the attempt that runs, holds what is new, and moves due times by its length", () => {
    const { state, at, take } = machine();
    take(schedule(state, { c: "do", id: 1, in: 0, name: "a" }, -1, at(1_000)));
    take(schedule(state, { c: "sleep", id: 2, in: 0, name: "s", ms: 500 }, -1, at(1_000)));
    assertEquals(kinds(take(pauseRequested(state, at(1_100)))), ["pause_requested"]);
    take(schedule(state, { c: "do", id: 3, in: 0, name: "b" }, -1, at(1_150)));
    assertEquals([state.ops[2]?.running, nextAtRest(state, () => true, at(1_150))], [false, Infinity]);
    take(attemptEnded(state, 0, 1, OK, at(1_200)));
    assertEquals(kinds(take(pauseReached(state, at(1_200)))), ["paused"]);
    take(resumed(state, at(2_100)));
    assertEquals([state.ops[1]?.due, state.phase], [2_500, "active"]);
  });
});

describe("interrupted()", () => {
  it("raises the attempt and consumes no retry", () => {
    const { state, at, take } = machine();
    take(schedule(state, { c: "do", id: 1, in: 0, name: "a" }, -1, at(1_000)));
    take(interrupted(state, "crash", at(1_100)));
    take(whenAtRest(state, all, at(1_200)));
    assertEquals([state.ops[0]?.attempts, state.ops[0]?.failures], [2, 0]);
  });

  it("parks an instance after more crashes than the limit, and forgets them with any progress", () => {
    const { state, at, take } = machine({ crashes: 2 });
    take(schedule(state, { c: "do", id: 1, in: 0, name: "a" }, -1, at(1_000)));
    for (let n = 0; n < 2; n++) take(interrupted(state, "crash", at(1_100)));
    take(whenAtRest(state, all, at(1_200)));
    take(attemptEnded(state, 0, 2, OK, at(1_200)));
    assertEquals(state.crashes, 0);
    for (let n = 0; n < 2; n++) assertEquals(kinds(take(interrupted(state, "crash", at(1_300)))), ["interrupted"]);
    assertEquals(kinds(take(interrupted(state, "crash", at(1_300)))), ["interrupted", "paused"]);
  });
});

describe("a step inside a step", () => {
  it("is forgotten with the step around it", () => {
    const { state, at, take } = machine();
    take(schedule(state, { c: "do", id: 1, in: 0, name: "a" }, -1, at(1_000)));
    take(schedule(state, { c: "sleep", id: 2, in: 1, name: "s", ms: 5 }, 0, at(1_000)));
    take(attemptEnded(state, 0, 1, OK, at(1_001)));
    assertEquals([state.open.size, state.pending.size, nextDue(state)], [0, 0, null]);
  });

  it("has names of its own", () => {
    const { state, at, take } = machine();
    take(schedule(state, { c: "do", id: 1, in: 0, name: "a" }, -1, at(1_000)));
    take(schedule(state, { c: "do", id: 2, in: 1, name: "a" }, 0, at(1_000)));
    const replay = createReplay(state);
    const outer = replay.match(-1, "do", "a").known, inner = replay.match(0, "do", "a").known;
    assertEquals([outer?.op, inner?.op, inner?.count], [0, 1, 1]);
  });
});

describe("createReplay()", () => {
  it("holds a settlement back until every command before it was issued again", () => {
    const { state, at, take } = machine();
    for (const [id, name] of [[1, "a"], [2, "b"]] as const) take(schedule(state, { c: "do", id, in: 0, name }, -1, at(1_000)));
    take(attemptEnded(state, 1, 1, OK, at(1_001)));
    const replay = createReplay(state);
    replay.bind(replay.match(-1, "do", "b").known?.op as number, 9);
    assertEquals(replay.next(), undefined);
    replay.bind(replay.match(-1, "do", "a").known?.op as number, 10);
    assertEquals(replay.next()?.name, "b");
  });

  it("knows a command that cannot have been issued here", () => {
    const { state, at, take } = machine();
    take(schedule(state, { c: "do", id: 1, in: 0, name: "a" }, -1, at(1_000)));
    take(attemptEnded(state, 0, 1, OK, at(1_001)));
    const replay = createReplay(state);
    const found = replay.match(-1, "do", "other");
    assert(found.known === undefined && found.diverged);
  });
});

describe("stateOf()", () => {
  it("reads every prefix of a journal, one record or many a row", () => {
    const { state, lines, at, take } = machine();
    take(schedule(state, { c: "do", id: 1, in: 0, name: "a\ttab" }, -1, at(1_000)));
    take(eventReceived(state, { type: "go", payload: 'j"x\\ty"', id: "e", at: 1_000 }, at(1_000)));
    take(attemptEnded(state, 0, 1, OK, at(1_001)));
    for (let n = 1; n <= lines.length; n++) {
      const rows = stateOf(lines.slice(0, n)), joined = stateOf([lines.slice(0, n).join("\n")]);
      assertEquals(rows, joined);
      assertEquals(rows.seq, n);
    }
    assertEquals(stateOf(lines), state);
  });
});
