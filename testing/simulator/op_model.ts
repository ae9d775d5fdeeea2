/**
 * The commands and events of a life, as its journal tells them.
 *
 * @module
 */
import type { Kind, Scheduled } from "../../core/instance/records.ts";
import type { StepConfig } from "../../core/ports/guest.ts";
import type { Plan } from "./plan.ts";

/** A command as the journal tells it. */
export interface OpModel {
  readonly op: number;
  readonly kind: Kind;
  readonly name: string;
  readonly parent: number;
  readonly count: number;
  readonly type: string;
  readonly config: StepConfig;
  readonly refused: boolean;
  readonly at: number;
  due: number | null;
  /** When that was said. */
  dueSet: number;
  failures: number;
  running: boolean;
  /** Nobody waits for it any more. */
  closed: boolean;
  /** What came of it in the life before, which is told anew. */
  known: { readonly ok: boolean; readonly value: string | undefined } | undefined;
  /** The instance that it starts. */
  readonly child: Scheduled["child"];
  /** Whether that is there. */
  there: boolean;
  /** The step that it undoes, or -1. */
  readonly of: number;
  settled: { readonly ok: boolean; readonly value: string | undefined; readonly event: number; readonly t: number } | undefined;
  /** For each attempt: who recorded its start, and where. */
  readonly starts: { readonly by: string; readonly seq: number }[];
}

/** An accepted event. */
export interface EventModel {
  readonly type: string;
  readonly value: string;
  readonly accepted: number;
  /** When it was recorded. */
  readonly t: number;
  readonly id: string | undefined;
  consumed: boolean;
}

/** Whether something may still come of it. */
export function isOpen(op: OpModel): boolean {
  return op.settled === undefined && !op.closed;
}

/** Whether an attempt at it runs. */
export function isRunning(op: OpModel): boolean {
  return isOpen(op) && op.running;
}

/** Its name, for people. */
export function nameOf(op: OpModel | undefined): string {
  return op === undefined ? "an unknown op" : `${op.kind} "${op.name}"${op.count > 1 ? ` (${op.count})` : ""} op ${op.op}`;
}

/** When time alone can move one of them, ms. */
export function nextDueOf(ops: readonly OpModel[]): number | null {
  let due: number | null = null;
  for (const op of ops) {
    // what stands in a body moves when that body runs again
    if (isOpen(op) && op.parent < 0 && !op.running && op.due !== null && (due === null || op.due < due)) due = op.due;
  }
  return due;
}

/** One that could move now, whatever the time. */
export function strandedOf(ops: readonly OpModel[], events: readonly EventModel[]): OpModel | undefined {
  return ops.find((op) => {
    // what stands in a body moves when that body is tried again
    if (!isOpen(op) || (op.parent >= 0 && !(ops[op.parent] as OpModel).running)) return false;
    if (op.running || op.refused || op.known !== undefined) return true;
    if (op.kind === "child") return !op.there;
    if (op.kind === "do" || op.kind === "call" || op.kind === "rollback") return op.due === null;
    // what a body published is issued anew by its next attempt
    if (op.kind === "state") return op.parent < 0;
    if (op.kind !== "wait") return false;
    const first = ops.find((other) => other.kind === "wait" && other.type === op.type && isOpen(other) && !other.refused);
    const event = events.find((e) => e.type === op.type && !e.consumed);
    return first === op && event !== undefined && event.accepted <= (op.due ?? Infinity);
  });
}

/** Whether a limit forbids a command in a journal of so many bytes; `undefined`: the record does not say. */
export function refused(limits: Plan["limits"], ops: readonly OpModel[], head: Scheduled, bytes: number): boolean | undefined {
  if (head.kind === "rollback") return undefined;
  const all = (kind: Kind): number => ops.filter((op) => op.kind === kind).length;
  if (ops.length >= limits.steps * 4 + limits.subrequests || bytes >= limits.journalBytes) return true;
  if (head.kind === "do") return all("do") >= limits.steps;
  if (head.kind === "call") return all("call") >= limits.subrequests;
  return head.due === undefined ? undefined : head.due - head.t > limits.sleep;
}

/** Nothing more comes of any other. */
export function leaveOpen(ops: readonly OpModel[], which: (op: OpModel) => boolean): void {
  for (const op of ops) {
    if (!isOpen(op) || which(op)) continue;
    op.closed = true;
    closeWithin(ops, op);
  }
}

/** Nobody waits any more for what stands in one. */
export function closeWithin(ops: readonly OpModel[], op: OpModel): void {
  for (const other of ops) {
    if (other.parent !== op.op || other.settled !== undefined || other.closed) continue;
    other.closed = true;
    closeWithin(ops, other);
  }
}
