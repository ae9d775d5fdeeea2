/**
 * A journal as a person reads it.
 *
 * @module
 */
import { eachRecord, FORMAT, type Header, type Kind, type Scheduled } from "./records.ts";
import { placementOf, type Placement } from "../placement.ts";
import type { ErrorSummary } from "../ports/guest.ts";
import { decode } from "../values.ts";
import { shownOutput } from "./shown.ts";

/** One entry of an instance's history. */
export interface HistoryEntry extends Placement {
  /** Its number: dense, from 0. */
  readonly seq: number;
  /** When. */
  readonly timestamp: Date;
  /** What happened. */
  readonly type:
    | "created"
    | "scheduled"
    | "started"
    | "attempt_failed"
    | "settled"
    | "outcome"
    | "child_started"
    | "event"
    | "pause_requested"
    | "paused"
    | "resumed"
    | "upgraded"
    | "interrupted"
    | "rollback_started"
    | "completed"
    | "errored"
    | "terminated";
  /** What the entry is of: a step, a sleep, a wait, a binding call, a timer, a published state, the rollback of a step. */
  readonly kind?: Kind;
  /** Its name. */
  readonly name?: string;
  /** Its number within the life. */
  readonly op?: number;
  /** The step that it undoes (rollback). */
  readonly of?: number;
  /** The instance that it starts (child). */
  readonly child?: { readonly workflow: string; readonly id: string };
  /** The `do` in whose body it was issued. */
  readonly parent?: number;
  /** The attempt, from 1. */
  readonly attempt?: number;
  /** Whether it settled well. */
  readonly ok?: boolean;
  /** When it is due or tried again. */
  readonly due?: Date;
  /** An event's type. */
  readonly event?: string;
  /** Params, result, payload, published state or output. `[REDACTED]` is the result of a step whose config says `sensitive: "output"`. */
  readonly value?: unknown;
  /** What failed. */
  readonly error?: ErrorSummary;
  /** The version of the code that it runs in from here on (created, upgraded). */
  readonly version?: string;
  /** Why it was paused or cut off by the engine, or how it ends after a rollback. */
  readonly reason?: string;
  /** What came of the rollback before the end. */
  readonly rollback?: "complete" | ErrorSummary;
}

/** Reads entries from `from`, at most `limit`, of a journal whose format is at most `newest`. */
export function readHistory(journal: readonly string[], from: number, limit: number, newest: number = FORMAT): HistoryEntry[] {
  const ops: Scheduled[] = [];
  const entries: HistoryEntry[] = [];
  let seq = 0;
  eachRecord(journal, ({ head, value }) => {
    if (head.k === "scheduled") ops[head.op] = head;
    if (seq >= from && entries.length < limit) entries.push(entryOf(seq, head, value, ops));
    seq++;
  }, newest);
  return entries;
}

function entryOf(
  seq: number,
  head: Header,
  value: string | undefined,
  ops: readonly Scheduled[],
): HistoryEntry {
  const entry: { -readonly [K in keyof HistoryEntry]: HistoryEntry[K] } = {
    seq,
    timestamp: new Date(head.t),
    type: head.k,
  };
  const op = "op" in head ? ops[head.op] : undefined;
  if (op !== undefined) Object.assign(entry, { kind: op.kind, name: op.name, op: op.op });
  if (head.k === "scheduled") {
    if (head.in !== undefined) entry.parent = head.in;
    if (head.start === 1) entry.attempt = 1;
    if (head.of !== undefined) entry.of = head.of;
    if (head.child !== undefined) entry.child = { workflow: head.child.workflow, id: head.child.id };
  }
  if ("attempt" in head) entry.attempt = head.attempt;
  if ("ok" in head) entry.ok = head.ok;
  if ("due" in head && head.due !== undefined) entry.due = new Date(head.due);
  if ("version" in head) entry.version = head.version;
  if (head.k === "created") Object.assign(entry, placementOf(head));
  if (head.k === "event") entry.event = head.type;
  if ("error" in head && head.error !== undefined) entry.error = head.error;
  else if (head.k === "settled" && head.stream !== undefined) entry.value = shownOutput(op?.config, undefined, head.stream);
  else if (head.k === "outcome" && head.stream !== undefined) entry.value = shownOutput(op?.config, undefined, head.stream);
  else if (value !== undefined) entry.value = head.k === "settled" ? shownOutput(op?.config, value) : decode(value);
  if (head.k === "paused" && head.code !== undefined) entry.reason = `${head.code}: ${head.message}`;
  if (head.k === "interrupted") entry.reason = head.why;
  if (head.k === "rollback_started") entry.reason = head.end;
  if ((head.k === "errored" || head.k === "terminated") && head.rollback !== undefined) entry.rollback = head.rollback;
  return entry;
}
