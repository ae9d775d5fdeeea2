/**
 * The state of one life of one instance: what its journal says, and nothing else.
 *
 * @module
 */
import type { Placement } from "../placement.ts";
import type { ErrorSummary, StepConfig } from "../ports/guest.ts";
import type { Retention } from "../retention.ts";
import type { StoredStream } from "../stream.ts";
import type { Concurrency, CronSchedule, Kind, Parent } from "./records.ts";

/** A command of the run, or of a body. */
export interface Op {
  /** Its number: the index in {@linkcode State.ops}. */
  readonly op: number;
  readonly kind: Kind;
  readonly name: string;
  /** The `do` in whose body it was issued, or -1: the run. */
  readonly parent: number;
  /** Occurrence of kind + name within the parent, from 1. */
  readonly count: number;
  /** Number of its `scheduled` record. */
  readonly seq: number;
  /** When it was scheduled, ms. */
  readonly at: number;
  readonly type: string;
  /** `undefined`: the default. */
  readonly config: StepConfig | undefined;
  readonly refused: ErrorSummary | undefined;
  /** Due time of a sleep or timer, time-out of a wait, next attempt of a `do`; `null`: none. */
  due: number | null;
  /** When that was set, ms: a pause moves it by what of the pause came after. */
  dueSet: number;
  /** How long a wait waits, ms, whatever pauses add to it. */
  readonly timeout: number;
  /** Attempts that were started. */
  attempts: number;
  /** Attempts that consumed a retry. */
  failures: number;
  /** Whether an attempt runs, as far as the journal knows. */
  running: boolean;
  /** When the attempt that runs began, ms. */
  startedAt: number;
  /** Whether a step was issued inside its body. */
  nested: boolean;
  /** Number of the record that began its first attempt, or -1. */
  begun: number;
  /** Its rollback handler: that it has one, with its config when it is not the default. */
  readonly rollback: true | StepConfig | undefined;
  /** The instance that it starts (child). */
  readonly child: ChildOf | undefined;
  /** The `do` that it undoes (rollback), or -1. */
  readonly of: number;
  /** Its rollback (do), or -1: not begun. */
  undone: number;
  /** What it comes to, when that is known before it is settled. */
  known: Pick<Outcome, "ok" | "value" | "error" | "stream"> | undefined;
  settled: Outcome | undefined;
}

/** An instance that a run starts, of its own tenant. */
export interface ChildOf {
  readonly workflow: string;
  readonly id: string;
  /** It does not end with its parent, which does not wait for it. */
  readonly detached: boolean;
  /** Encoded; not needed any more once it is there. */
  params: string | undefined;
  /** Whether it is there. */
  started: boolean;
}

/** How a command ended. */
export interface Outcome {
  readonly ok: boolean;
  readonly value: string | undefined;
  readonly error: ErrorSummary | undefined;
  /** The result, when it is a stream. */
  readonly stream: StoredStream | undefined;
  /** Index in {@linkcode State.events} of the event received, or -1. */
  readonly event: number;
  /** Number of its record. */
  readonly seq: number;
  /** Time of its record: what the guest's clock shows when it is delivered. */
  readonly t: number;
}

/** An accepted event. */
export interface BufferedEvent {
  readonly type: string;
  readonly payload: string;
  readonly t: number;
  /** The sender's id for it. */
  readonly id: string | undefined;
}

/** The states that a user sees. */
export type Status =
  | "queued"
  | "running"
  | "waiting"
  | "waitingForPause"
  | "paused"
  | "rollingBack"
  | "complete"
  | "errored"
  | "terminated";

/** What the journal says. Owned by one execution at a time and changed only by `evolve`. */
export interface State {
  life: number;
  version: string;
  seed: string;
  params: string;
  concurrency: Concurrency | undefined;
  /** Whose child it is. */
  parent: Parent | undefined;
  /** Commands that start children. */
  readonly children: number[];
  /** The due time that it was made for, by a schedule. */
  schedule: CronSchedule | undefined;
  /** What the platform noted of it, encoded: its code is not told. */
  metadata: string | undefined;
  retention: Retention | undefined;
  created: number;
  /** What was wished for at its creation. */
  placement: Placement;
  /** Where it is: "active" covers queued, running and waiting. */
  phase: "active" | "pausing" | "paused" | "rollingBack" | "complete" | "errored" | "terminated";
  /** Why the engine parked it. */
  parked: { readonly code: string; readonly message: string } | undefined;
  /** Time of the last record. */
  t: number;
  /** Number of records. */
  seq: number;
  /** Bytes (UTF-16 units) of the journal so far, and of the streams that it refers to. */
  bytes: number;
  /** Streams that it refers to, at least: whether there are any. */
  streams: number;
  readonly ops: Op[];
  /** Op by identity ({@linkcode identity}). */
  readonly byIdentity: Map<string, number>;
  /** Ops by kind and name within a parent, counted. */
  readonly counts: Map<string, number>;
  /** Ops of the run in the order in which they were settled. */
  readonly settlements: number[];
  /** Ops not settled that still matter, in the order of their numbers. */
  readonly open: Set<number>;
  /** Those of them that wait for the engine: for a time, an event, or to be started. */
  readonly pending: Set<number>;
  /** `do`s. */
  steps: number;
  calls: number;
  /** Commands refused. */
  refusals: number;
  readonly events: BufferedEvent[];
  readonly eventIds: Set<string>;
  /** Indices of events not consumed, by type, in the order accepted. */
  readonly queues: Map<string, number[]>;
  /** Number of events not consumed. */
  buffered: number;
  /** Crashes since the last progress. */
  crashes: number;
  /** When the pause was asked for. */
  pausedAt: number;
  /** When it was reached. */
  stoppedAt: number;
  /** The last state that was published, encoded. */
  published: string | undefined;
  /** Steps that have begun and have a rollback handler, in that order. */
  readonly undoable: number[];
  /** The rollback, from its start on. */
  rollback: Rollback | undefined;
  /** What came of it. */
  rolledBack: "complete" | ErrorSummary | undefined;
  output: string | undefined;
  error: ErrorSummary | undefined;
  ended: number | null;
}

/** Why and since when an instance rolls back. */
export interface Rollback {
  /** Number of its record: nothing that was settled later is delivered to the run. */
  readonly seq: number;
  /** How the instance ends afterwards. */
  readonly end: "errored" | "terminated";
  readonly error: ErrorSummary;
  /** The error that handlers are given, encoded. */
  readonly value: string;
  /** So many of {@linkcode State.undoable} have still to be undone: the first ones. */
  left: number;
}

/** A state before its first record. */
export function emptyState(): State {
  return {
    life: 0,
    version: "",
    seed: "",
    params: "",
    concurrency: undefined,
    parent: undefined,
    children: [],
    schedule: undefined,
    metadata: undefined,
    retention: undefined,
    created: 0,
    placement: {},
    phase: "active",
    parked: undefined,
    t: 0,
    seq: 0,
    bytes: 0,
    streams: 0,
    ops: [],
    byIdentity: new Map(),
    counts: new Map(),
    settlements: [],
    open: new Set(),
    pending: new Set(),
    steps: 0,
    calls: 0,
    refusals: 0,
    events: [],
    eventIds: new Set(),
    queues: new Map(),
    buffered: 0,
    crashes: 0,
    pausedAt: 0,
    stoppedAt: 0,
    published: undefined,
    undoable: [],
    rollback: undefined,
    rolledBack: undefined,
    output: undefined,
    error: undefined,
    ended: null,
  };
}

/** Kind and name within a parent: what occurrences are counted by. */
export function family(parent: number, kind: Kind, name: string): string {
  return `${parent} ${kind} ${name}`;
}

/** What makes a command the same as a recorded one: parent, kind, name and occurrence, as at Cloudflare. */
export function identity(parent: number, kind: Kind, name: string, count: number): string {
  return `${parent} ${kind} ${count} ${name}`;
}

/** Whether nothing can happen any more. */
export function isEnded(state: State): boolean {
  return state.ended !== null;
}

/** The earliest due time of what the run waits for, or `null`. What stands in a body moves when that body runs. */
export function nextDue(state: State): number | null {
  let due: number | null = null;
  for (const n of state.pending) {
    const { due: at, parent } = state.ops[n] as Op;
    if (parent === -1 && at !== null && (due === null || at < due)) due = at;
  }
  return due;
}

/** Whether an attempt or a call runs, as far as the journal knows. */
export function isBusy(state: State): boolean {
  return state.open.size > state.pending.size;
}
