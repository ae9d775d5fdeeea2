/**
 * A life that comes from a restart at a step: what it has to keep of the life before, and what stands behind that (I33).
 *
 * @module
 */
import { type Record, writeRecord } from "../../core/instance/records.ts";
import type { LifeModel, Wrong } from "./life_model.ts";
import type { EventModel, OpModel } from "./op_model.ts";

/** A place in a journal that somebody has asked for. */
export interface Place {
  readonly kind: "do" | "sleep" | "wait";
  readonly name: string;
  readonly count: number;
}

/** How many records of the life before a life keeps that begins with these; the most of what was asked for. 0: it is none of a restart at a step. */
export function keptOf(before: LifeModel, records: readonly Record[], asked: readonly Place[]): number {
  let same = 1;
  while (same < records.length && same < before.records.length && writeRecord(records[same] as Record) === writeRecord(before.records[same] as Record)) same++;
  const places = asked.map(({ kind, name, count }) => {
    const op = before.find(-1, kind, name, count);
    // it may stand in the first record that was not committed: what comes before that is what is kept
    return op === undefined ? before.records.length : before.records.findIndex(({ head }) => head.k === "scheduled" && head.op === op.op);
  });
  const fitting = places.filter((at) => at <= same);
  // the first command of a life may be issued anew in the same millisecond: of several places, it is one whose cut is there
  const cut = fitting.filter((at) => !runsAfter(records.slice(0, at)) || records.slice(at, at + 2).some(({ head }) => head.k === "interrupted" && head.why === "restart"));
  return Math.max(0, ...(cut.length > 0 ? cut : fitting));
}

/** Whether an attempt runs after these records. */
function runsAfter(records: readonly Record[]): boolean {
  const running = new Set<number>();
  for (const { head } of records) {
    if (head.k === "started" || (head.k === "scheduled" && head.start !== undefined)) running.add(head.op);
    else if (head.k === "settled" || head.k === "attempt_failed" || head.k === "child_started") running.delete(head.op);
    else if (head.k === "interrupted" || head.k === "paused") running.clear();
  }
  return running.size > 0;
}

/** What has to stand behind what is kept, in this order; `undefined` of an outcome: what became of it was not committed. */
interface Due {
  readonly k: "resumed" | "interrupted" | "outcome" | "event";
  readonly op?: OpModel;
  readonly event?: EventModel;
}

/** Watches the records behind those that are kept. */
export interface RestartWatch {
  /** Whether the record is one that a restart adds; or what is wrong with it. */
  next(record: Record): boolean | Wrong;
  /** What is missing. */
  end(): Wrong | undefined;
}

/** Watches a life that keeps the records before `at`. `life` has them. */
export function watchRestart(before: LifeModel, life: LifeModel): RestartWatch {
  const at = before.records[life.records.length]?.head;
  const first = at === undefined ? before.ops.length : at.k === "scheduled" ? at.op : 0;
  const due: Due[] = [];
  if (life.phase !== "active") due.push({ k: "resumed" });
  if (life.busy()) due.push({ k: "interrupted" });
  for (const op of before.ops.slice(0, first)) {
    const kept = life.ops[op.op];
    if (kept === undefined || kept.settled !== undefined || kept.known !== undefined || op.refused || op.parent !== -1) continue;
    if (op.kind === "do" || op.kind === "call" || op.kind === "child") {
      due.push({ k: "outcome", op });
    } else if (op.settled !== undefined && op.settled.event >= life.events.length) {
      due.push({ k: "event", event: before.events[op.settled.event] as EventModel });
    }
  }

  function fits({ k, op, event }: Due, { head, value }: Record): boolean {
    if (head.k !== k) return false;
    if (head.k === "interrupted") return head.why === "restart";
    if (head.k === "outcome") {
      if (head.op !== op?.op) return false;
      const said = op.settled ?? op.known;
      // what was decided and not committed is looked at beside what was done
      return said === undefined || (said.ok === head.ok && said.value === value);
    }
    return head.k !== "event" || (head.type === event?.type && value === event.value && head.id === event.id);
  }

  return {
    next(record) {
      const { head } = record;
      while (due.length > 0) {
        const next = due[0] as Due;
        if (fits(next, record)) {
          due.shift();
          return true;
        }
        // nothing may have come of it
        if (next.k !== "outcome" || (next.op?.settled ?? next.op?.known) !== undefined) break;
        due.shift();
      }
      if (head.k === "outcome" || (head.k === "interrupted" && head.why === "restart")) return ["I33", `${head.k} that nobody asks for`];
      return false;
    },
    end() {
      const missing = due.find(({ k, op }) => k !== "outcome" || (op?.settled ?? op?.known) !== undefined);
      return missing === undefined ? undefined : ["I33", `${missing.k}${missing.op === undefined ? "" : ` of "${missing.op.name}"`} is not kept`];
    },
  };
}
