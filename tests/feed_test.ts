import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { createFeed, lifeOf } from "../core/instance/feed.ts";
import { record } from "../core/instance/records.ts";
import type { Header } from "../core/instance/records.ts";

const CREATED: Header = { k: "created", v: 1, t: 1, life: 1, version: "v", seed: "s", rng: 1 };

/** What a journal of these headers tells, without numbers and times. */
function told(...heads: Header[]): unknown[] {
  const feed = createFeed("i", 1);
  return heads.flatMap((head) => feed.take(record(head))).map(({ instanceId: _, eventId: __, timestamp: ___, ...event }) => event);
}

describe("createFeed()", () => {
  it("says why the engine has paused an instance", () => {
    assertEquals(told(CREATED, { k: "paused", t: 2, code: "crash_limit", message: "6 crashes" }), [
      { type: "workflow_queued" },
      { type: "workflow_paused", reason: "crash_limit: 6 crashes" },
    ]);
  });

  it("tells the end of an instance that never began to run", () => {
    const feed = createFeed("i", 1);
    feed.take(record(CREATED));
    assertEquals([feed.ended(), feed.take(record({ k: "terminated", t: 3 })).map(({ type }) => type), feed.ended()], [false, ["workflow_terminated"], true]);
  });

  it("tells of a refused command that it failed, and of no attempt", () => {
    const no = { name: "WorkflowFatalError", message: "too many" };
    for (const kind of ["do", "sleep", "wait"] as const) {
      const events = told(CREATED, { k: "scheduled", t: 2, op: 0, kind, name: "x", refused: no }, { k: "settled", t: 2, op: 0, ok: false, error: no });
      assertEquals(events.at(-1), { type: "step_errored", stepName: "x-1", error: no });
      assertEquals(events.length, 5);
    }
  });

  it("numbers events by life, record and place: the same for every reader, greater in a later life", () => {
    const ids = (life: number): number[] => {
      const feed = createFeed("i", life);
      const heads: Header[] = [CREATED, { k: "scheduled", t: 2, op: 0, kind: "do", name: "a", start: 1 }, { k: "settled", t: 3, op: 0, ok: true }];
      return heads.flatMap((head) => feed.take(record(head)).map(({ eventId }) => eventId));
    };
    assertEquals(ids(1), [0, 8, 9, 10, 11, 16, 17]);
    assertEquals(ids(3).map((id) => id - 2 * 2 ** 32), ids(1));
    assertEquals([0, 17, 2 ** 32 - 1, 2 ** 32].map(lifeOf), [1, 1, 1, 2]);
  });

  it("says nothing of what has ended without a record of its own", () => {
    const within: Header[] = [
      { k: "scheduled", t: 2, op: 0, kind: "do", name: "out", start: 1 },
      { k: "scheduled", t: 2, op: 1, kind: "do", name: "in", in: 0, start: 1 },
      { k: "settled", t: 3, op: 0, ok: true },
    ];
    const events = told(CREATED, ...within, { k: "started", t: 4, op: 1, attempt: 2 }, { k: "settled", t: 4, op: 1, ok: true });
    assertEquals(events.length, 9);
  });
});
