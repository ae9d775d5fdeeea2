/**
 * A journal as a stream of events: what each record tells those who follow an instance.
 *
 * One record may tell several things (a step that is scheduled starts with the same record), or nothing. An event's
 * number is made of its life, its record and its place among that record's events, so it is the same whoever reads it,
 * whenever.
 *
 * @module
 */
import type { Duration } from "../duration.ts";
import type { ErrorSummary } from "../ports/guest.ts";
import { DEFAULT_STEP_CONFIG } from "../step_config.ts";
import { decode } from "../values.ts";
import type { FeedEvent, ShownStepConfig, WorkflowInstanceEvent } from "./feed_types.ts";
import type { Ended, Header, Record, Scheduled, Settled } from "./records.ts";
import { shownOutput } from "./shown.ts";
import { family } from "./state.ts";

/** Events that one record may tell. */
const PER_RECORD = 8;
/** Numbers that one life may use: half a milliard records, and two million restarts before numbers are inexact. */
const PER_LIFE = 2 ** 32;

/** Of which life an event is. */
export function lifeOf(eventId: number): number {
  return Math.floor(eventId / PER_LIFE) + 1;
}

/** A command that has not been settled. */
interface OpenOp {
  readonly head: Scheduled;
  readonly stepName: string;
  attempt: number;
}

/** One life, read from its first record on. Holds of what is open only what its later events tell again. */
export interface Feed {
  /** What the next record tells. */
  take(record: Record): readonly WorkflowInstanceEvent[];
  /** Whether the last record of the life was taken. */
  ended(): boolean;
  /** Number of the next record. */
  next(): number;
}

interface Reader {
  readonly open: Map<number, OpenOp>;
  readonly counts: Map<string, number>;
  /** Names of steps with a rollback handler. */
  readonly undoable: Map<number, string>;
  /** Encoded, until it is told. */
  params: string | undefined;
  started: boolean;
  ended: boolean;
}

/** Begins at the top of a journal. */
export function createFeed(instanceId: string, life: number): Feed {
  const reader: Reader = { open: new Map(), counts: new Map(), undoable: new Map(), params: undefined, started: false, ended: false };
  let seq = 0;
  return {
    take({ head, value }) {
      const first = (life - 1) * PER_LIFE + seq++ * PER_RECORD;
      const tell = TELLS[head.k] as (head: Header, value: string | undefined, reader: Reader) => readonly FeedEvent[];
      return tell(head, value, reader).map((event, n) => ({ instanceId, eventId: first + n, timestamp: head.t, ...event }));
    },
    ended: () => reader.ended,
    next: () => seq,
  };
}

const NOTHING: readonly FeedEvent[] = [];

type Tell<K extends Header["k"]> = (
  head: Extract<Header, { readonly k: K }>,
  value: string | undefined,
  reader: Reader,
) => readonly FeedEvent[];

/** What the records of a kind tell: the place for a new kind of record. */
const TELLS: { readonly [K in Header["k"]]: Tell<K> } = {
  created(_head, value, reader) {
    reader.params = value;
    return [{ type: "workflow_queued" }];
  },
  scheduled: (head, value, reader) => [...started(reader), ...scheduled(head, value, reader)],
  started({ op, attempt }, _value, { open }) {
    const found = open.get(op);
    if (found === undefined) return NOTHING;
    found.attempt = attempt;
    return begun(found);
  },
  attempt_failed({ op, attempt, error, due, t }, _value, { open }) {
    const found = open.get(op);
    if (found === undefined) return NOTHING;
    const { stepName, head: { kind } } = found;
    return [{ type: kind === "rollback" ? "rollback_attempt_errored" : "attempt_errored", stepName, attempt, retryDelayMs: due - t, error }];
  },
  settled,
  // it is told when it is settled
  outcome: () => NOTHING,
  child_started: () => NOTHING,
  // that it was accepted is told by the wait that receives it
  event: () => NOTHING,
  pause_requested: () => [{ type: "workflow_waiting_for_pause" }],
  paused: ({ code, message }) => [{ type: "workflow_paused", ...(code !== undefined && { reason: `${code}: ${message}` }) }],
  resumed: () => [{ type: "workflow_running" }],
  upgraded: () => NOTHING,
  // an attempt that was cut off is told by the one that follows it
  interrupted: () => NOTHING,
  rollback_started: () => [{ type: "rollback_started" }],
  completed: (_head, value, reader) => end(reader, { type: "workflow_completed", ...(value !== undefined && { output: decode(value) }) }),
  errored: ({ error, rollback }, _value, reader) => [
    ...rolledBack(rollback),
    ...end(reader, { type: "workflow_errored", error: error ?? UNKNOWN }),
  ],
  terminated: ({ rollback }, _value, reader) => [...rolledBack(rollback), ...end(reader, { type: "workflow_terminated" }, true)],
};

const UNKNOWN: ErrorSummary = { name: "Error", message: "" };

/** The first sign that it runs. */
function started(reader: Reader): readonly FeedEvent[] {
  if (reader.started) return NOTHING;
  reader.started = true;
  return [{ type: "workflow_started", ...(reader.params !== undefined && { params: decode(reader.params) }) }, { type: "workflow_running" }];
}

function rolledBack(outcome: Ended["rollback"]): readonly FeedEvent[] {
  if (outcome === undefined) return NOTHING;
  return [{ type: outcome === "complete" ? "rollback_completed" : "rollback_errored" }];
}

function begun({ head: { kind }, stepName, attempt }: OpenOp): readonly FeedEvent[] {
  if (kind === "do") return [{ type: "attempt_started", stepName, attempt }];
  return kind === "rollback" ? [{ type: "rollback_attempt_started", stepName, attempt }] : NOTHING;
}

function end(reader: Reader, event: FeedEvent, fromOutside = false): readonly FeedEvent[] {
  reader.ended = true;
  return fromOutside ? [event] : [...started(reader), event];
}

function scheduled(head: Scheduled, value: string | undefined, { open, counts, undoable }: Reader): readonly FeedEvent[] {
  const group = family(head.in ?? -1, head.kind, head.name);
  const count = (counts.get(group) ?? 0) + 1;
  counts.set(group, count);
  const stepName = undoable.get(head.of ?? -1) ?? `${head.name}-${count}`;
  const op: OpenOp = { head, stepName, attempt: head.start ?? 0 };
  open.set(head.op, op);
  if (head.rollback !== undefined) undoable.set(head.op, stepName);
  switch (head.kind) {
    case "do":
    case "rollback": {
      const type = head.kind === "do" ? "step_started" : "rollback_step_started";
      const event: FeedEvent = { type, stepName, config: shownConfig(head.config) };
      return head.start === 1 ? [event, ...begun(op)] : [event];
    }
    case "sleep":
      return [{ type: "sleep_started", stepName, durationMs: Math.max(0, (head.due ?? head.t) - head.t) }];
    case "wait":
      return [{ type: "wait_started", stepName, eventType: head.type ?? "" }];
    case "child":
      return [{ type: "step_started", stepName }];
    case "state":
      return value === undefined ? NOTHING : [{ type: "workflow_state", state: decode(value) }];
    case "call":
    case "timer":
      return NOTHING;
    default:
      return head.kind satisfies never;
  }
}

function settled(head: Settled, value: string | undefined, { open }: Reader): readonly FeedEvent[] {
  const found = open.get(head.op);
  if (found === undefined) return NOTHING;
  forget(open, head.op);
  const { stepName, attempt, head: { kind, config, refused } } = found;
  const error = head.error ?? UNKNOWN;
  switch (kind) {
    case "do": {
      const last: FeedEvent = head.ok
        ? { type: "step_completed", stepName, ...((value ?? head.stream) !== undefined && { output: shownOutput(config, value, head.stream) }) }
        : { type: "step_errored", stepName, error };
      if (attempt === 0) return [last];
      return [head.ok ? { type: "attempt_completed", stepName, attempt } : { type: "attempt_errored", stepName, attempt, error }, last];
    }
    case "child":
      return [head.ok ? { type: "step_completed", stepName, ...(value !== undefined && { output: decode(value) }) } : { type: "step_errored", stepName, error }];
    case "rollback":
      return head.ok
        ? [{ type: "rollback_attempt_completed", stepName, attempt }, { type: "rollback_step_completed", stepName }]
        : [{ type: "rollback_attempt_errored", stepName, attempt, error }, { type: "rollback_step_errored", stepName, error }];
    case "sleep":
    case "wait":
      if (refused !== undefined) return [{ type: "step_errored", stepName, error }];
      if (kind === "sleep") return [{ type: "sleep_completed", stepName }];
      return [{ type: head.ok ? "wait_completed" : "wait_timed_out", stepName }];
    case "call":
    case "timer":
    case "state":
      return NOTHING;
    default:
      return kind satisfies never;
  }
}

/** With a step goes what was issued in its body and is not settled. */
function forget(open: Map<number, OpenOp>, op: number): void {
  open.delete(op);
  for (const [inner, { head }] of open) if (head.in === op) forget(open, inner);
}

function shownConfig({ retries, timeout, sensitive }: Scheduled["config"] & object = DEFAULT_STEP_CONFIG): ShownStepConfig {
  const { limit, delay = "[dynamic]", backoff } = retries;
  // a duration, or it would not have been recorded
  return { retries: { limit, delay: delay as Duration | "[dynamic]", backoff }, timeout: timeout as Duration, ...(sensitive !== undefined && { sensitive }) };
}
