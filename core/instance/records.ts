/**
 * What a journal can hold, version 1.
 *
 * A record is one line: a JSON header, then, when it carries a tenant's value, a tab and the value as encoded by
 * `core/values.ts` (neither can hold a raw tab or line break, so no value is ever escaped twice). A header's fields
 * keep their meaning for ever; a reader ignores fields that it does not know.
 *
 * @module
 */
import { TenureError } from "../errors.ts";
import type { Placement } from "../placement.ts";
import type { ErrorSummary, StepConfig } from "../ports/guest.ts";
import type { Retention } from "../retention.ts";
import type { StoredStream } from "../stream.ts";

/** What a command is. `rollback`: a handler that undoes a `do`; the engine issues it. */
export type Kind = "do" | "sleep" | "wait" | "call" | "timer" | "state" | "rollback" | "child";

interface At {
  /** When, ms; never less than that of the record before (I14). */
  readonly t: number;
}

/** The newest format that this version knows: it reads every one up to it. */
export const FORMAT = 1;

/** A bound on how many instances of a workflow with the same key run at one time. */
export interface Concurrency {
  readonly key: string;
  readonly limit: number;
}

/** Whose child an instance is; of the same tenant. */
export interface Parent {
  readonly workflow: string;
  readonly id: string;
  /** The command by which it was started. */
  readonly op: number;
  /** The seed of that run: one that is begun anew starts others. */
  readonly seed: string;
}

/** The due time of a schedule. */
export interface CronSchedule {
  readonly cron: string;
  /** Ms. */
  readonly scheduledTime: number;
}

/** The first record of a life. Value: the params. */
export interface Created extends At, Placement {
  readonly k: "created";
  /** The format of the journal, which it keeps to its end: a reader refuses one that is newer than its {@linkcode FORMAT}. */
  readonly v: number;
  /** 1, and one more at each restart. */
  readonly life: number;
  /** Content hash of the code. */
  readonly version: string;
  /** Seed of the guest's generator. */
  readonly seed: string;
  /** Version of that generator. */
  readonly rng: 1;
  /** How long it is kept once it has ended, when it was asked for, ms. */
  readonly retention?: Retention;
  /** How many with its key may run at one time. */
  readonly concurrency?: Concurrency;
  /** The run that has started it as a child. */
  readonly parent?: Parent;
  /** What it was made by, when it was a schedule. */
  readonly schedule?: CronSchedule;
  /** What the platform noted of it, encoded. */
  readonly metadata?: string;
}

/** A command was issued for the first time. Value: the state that it publishes (state, unless it is refused). */
export interface Scheduled extends At {
  readonly k: "scheduled";
  /** Dense number of the command within the life. */
  readonly op: number;
  readonly kind: Kind;
  readonly name: string;
  /** The `do` in whose body it was issued. */
  readonly in?: number;
  /** Its first attempt starts with this record. */
  readonly start?: 1;
  /** When it is due (sleep, timer) or times out (wait), ms. */
  readonly due?: number;
  /** Event type (wait). */
  readonly type?: string;
  /** Config (do), when it is not the default. */
  readonly config?: StepConfig;
  /** It is refused: settled so at the next rest. */
  readonly refused?: ErrorSummary;
  /** It has a rollback handler (do), with this config when it is not the default. */
  readonly rollback?: 1 | StepConfig;
  /** The `do` that it undoes (rollback). */
  readonly of?: number;
  /** The instance to make, of the same tenant (child); the params are the record's value. */
  readonly child?: { readonly workflow: string; readonly id: string; readonly detached?: true };
}

/** An attempt at a body, or a call, begins: durable before it does. */
export interface Started extends At {
  readonly k: "started";
  readonly op: number;
  /** From 1. */
  readonly attempt: number;
}

/** An attempt failed and another follows. */
export interface AttemptFailed extends At {
  readonly k: "attempt_failed";
  readonly op: number;
  readonly attempt: number;
  readonly error: ErrorSummary;
  /** When the next one starts, ms. */
  readonly due: number;
}

/** A command's one outcome. Value: the result, or the error when not `ok`; none for an event or a time-out. */
export interface Settled extends At {
  readonly k: "settled";
  readonly op: number;
  readonly ok: boolean;
  /** Of an error. */
  readonly error?: ErrorSummary;
  /** The number of the event that a wait received. */
  readonly event?: number;
  /** The result is a stream (do). It has no value. */
  readonly stream?: StoredStream;
}

/**
 * What a command comes to is known, and not by an attempt: it is settled so when the run comes to rest. Of a step that
 * a restart keeps, which the life before settled after the place from which this one goes on; of a child that has ended.
 * Value: the result or the error.
 */
export interface OutcomeKnown extends At {
  readonly k: "outcome";
  readonly op: number;
  readonly ok: boolean;
  readonly error?: ErrorSummary;
  /** The result is a stream. */
  readonly stream?: StoredStream;
}

/** A child is there: from here on it is waited for. */
export interface ChildStarted extends At {
  readonly k: "child_started";
  readonly op: number;
}

/** An event was accepted. Value: its payload. */
export interface EventReceived extends At {
  readonly k: "event";
  readonly type: string;
  /** When it was sent, ms, if that was before: decides between it and a time-out. */
  readonly at?: number;
  /** The sender's id for it: the same id is one event. */
  readonly id?: string;
}

/** A pause was asked for: timers stand still from here, nothing new starts. */
export interface PauseRequested extends At {
  readonly k: "pause_requested";
}

/** Nothing runs any more. With a code: parked by the engine. */
export interface Paused extends At {
  readonly k: "paused";
  readonly code?: "nondeterministic" | "crash_limit" | "code_unavailable";
  readonly message?: string;
  /** What the history holds where the code parts ways with it: `step "a"` (nondeterministic). */
  readonly expected?: string;
  /** What the code did there; without it: nothing (nondeterministic). */
  readonly found?: string;
}

/** It goes on; the due times that were pending move by the length of the pause. */
export interface Resumed extends At {
  readonly k: "resumed";
}

/** It runs in another version from here on: one that was seen to keep to all that stands before. Nothing runs meanwhile. */
export interface Upgraded extends At {
  readonly k: "upgraded";
  /** Content hash of the code. */
  readonly version: string;
}

/** Attempts that were running are cut off: they raise `attempt` and consume no retry. */
export interface Interrupted extends At {
  readonly k: "interrupted";
  /** `crash`: the owner died (counted); `release`: it let go; `guest`: the guest died of another attempt; `restart`: it began anew. */
  readonly why: "crash" | "release" | "guest" | "restart";
}

/** From here on it only undoes: steps that began and have a rollback handler, the last begun first. Value: the error of the run. */
export interface RollbackStarted extends At {
  readonly k: "rollback_started";
  /** How it ends afterwards. */
  readonly end: "errored" | "terminated";
  /** Of the run. */
  readonly error: ErrorSummary;
}

/** The end. Value: output or error. */
export interface Ended extends At {
  readonly k: "completed" | "errored" | "terminated";
  readonly error?: ErrorSummary;
  /** What came of the rollback before it: all was undone, or the first failure that stopped it. */
  readonly rollback?: "complete" | ErrorSummary;
}

/** Any record's header. */
export type Header =
  | Created
  | Scheduled
  | Started
  | AttemptFailed
  | Settled
  | OutcomeKnown
  | ChildStarted
  | EventReceived
  | PauseRequested
  | Paused
  | Resumed
  | Upgraded
  | Interrupted
  | RollbackStarted
  | Ended;

/** A record: its header and its value, when it has one. */
export interface Record {
  readonly head: Header;
  readonly value?: string;
}

/** Makes a record. */
export function record(head: Header, value?: string): Record {
  return value === undefined ? { head } : { head, value };
}

/** The line of a record. */
export function writeRecord(r: Record): string {
  const head = JSON.stringify(r.head);
  return r.value === undefined ? head : `${head}\t${r.value}`;
}

/** Every kind: with another one a line is not ours, or damaged. */
const KINDS: ReadonlySet<string> = new Set<Header["k"]>([
  "created",
  "scheduled",
  "started",
  "attempt_failed",
  "settled",
  "outcome",
  "child_started",
  "event",
  "pause_requested",
  "paused",
  "resumed",
  "upgraded",
  "interrupted",
  "rollback_started",
  "completed",
  "errored",
  "terminated",
]);

/** Reads a line that {@linkcode writeRecord} wrote; throws when it is none. */
export function readRecord(line: string): Record {
  const tab = line.indexOf("\t");
  const head = JSON.parse(tab < 0 ? line : line.slice(0, tab)) as Header;
  if (!KINDS.has(head.k) || !Number.isSafeInteger(head.t)) throw new TypeError("It is no record");
  return tab < 0 ? { head } : { head, value: line.slice(tab + 1) };
}

/**
 * Calls `each` with every record of a journal (texts of whole records, one a line) and its line.
 *
 * @param newest the newest format that is read
 * @param first number of the first record
 * @throws {TenureError} `storage_newer` when a newer version has written it, `corrupt` when it is no journal
 */
export function eachRecord(journal: readonly string[], each: (record: Record, line: string) => void, newest: number = FORMAT, first: number = 0): void {
  let seq = first;
  for (const text of journal) {
    for (const line of text.split("\n")) {
      try {
        const read = readRecord(line);
        if (seq === 0) checkFirst(read, newest);
        each(read, line);
        seq++;
      } catch (cause) {
        if (cause instanceof TenureError) throw cause;
        throw new TenureError("corrupt", `Cannot read the journal: its record ${seq} is damaged`, { cause });
      }
    }
  }
}

function checkFirst({ head }: Record, newest: number): void {
  if (head.k !== "created") throw new TypeError("A journal begins with the creation of its instance");
  if (head.v > newest) {
    throw new TenureError("storage_newer", `Cannot read the journal: its format ${head.v} is newer than this version's ${newest}`);
  }
}
