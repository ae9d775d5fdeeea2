/**
 * The commands and events of a life, as its journal tells them.
 *
 * @module
 */
import type { Kind } from "../../core/instance/records.ts";
import type { StepConfig } from "../../core/ports/guest.ts";

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
