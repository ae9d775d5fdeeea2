/**
 * An instance in memory: its state, what of it is not durable yet, and its execution while it has one.
 *
 * @module
 */
import type { Execution } from "../execution/run.ts";
import { evolve } from "../instance/evolve.ts";
import { type Record, writeRecord } from "../instance/records.ts";
import { isEnded, nextDue, type State, type Status } from "../instance/state.ts";
import { toForget } from "../retention.ts";
import type { Append, Head, InstanceKey, ShardBatch } from "../ports/store.ts";
import { NO_SHARE, noneOwed, type Owed, type Share, withShare } from "./accounts.ts";
import type { Damage } from "./damaged.ts";

/** A caller who waits for durability. */
export interface Waiter {
  ok(): void;
  /** The ownership is gone. `unknown`: whether what was asked for counts is not known; else it does not. */
  lost(unknown: boolean): void;
  /** The storage does not answer; it is tried further, but the caller is told, and nothing after that. Without it: waits on. */
  outage?(cause: unknown): void;
}

/** Resolves when what is queued of `live`, or else of all of the tenant's, is durable, or the shard is not ours any more. */
export type Durable = (tenant: string, live?: Live) => Promise<void>;

/** A message of the inbox and what came of it. */
export interface Ack {
  readonly key: string;
  readonly outcome: string;
  /** When, ms. */
  readonly at: number;
}

/** One instance in memory. */
export interface Live {
  readonly key: InstanceKey;
  /** Its {@linkcode keyText}. */
  readonly text: string;
  /** `undefined`: deleted or damaged, kept until that is durable. */
  state: State | undefined;
  /** Why it has none although it is there. */
  damage: Damage | undefined;
  /** What runs it. */
  execution: Execution | undefined;
  /** Where its activation stands. */
  activity: "none" | "queued" | "opening" | "running" | "resting";
  /** The head as last handed to the store. */
  written: string;
  /** What that head was made of, when it was made here: nothing else of a state moves a head. */
  shown: { readonly status: Status; readonly wake: number | null; readonly ended: number | null; readonly parked: State["parked"]; readonly published: string | undefined } | undefined;
  /** Whether the old journal has to go first. */
  drop: boolean;
  /** Lines not handed to the store yet. */
  lines: string[];
  /** Number of the first of them. */
  first: number;
  /** Records with a smaller number are durable. */
  durable: number;
  /** Whether it is queued with the committer. */
  queued: boolean;
  /** Whether a batch with it is in flight: until that is over the store cannot be read in its place. */
  inFlight: boolean;
  /** Called when all lines are durable. */
  waiters: (() => void)[];
  /** Who asked for what is in these lines: told with the batch that holds them. */
  callers: Waiter[];
  /** Messages that these lines apply: acknowledged in the batch that holds them, or a crash would apply them twice. */
  acks: Ack[];
  /** Cells that say what these lines say: written in the batch that holds them. */
  cells: ShardBatch["cells"][number][];
  /** Its turn, made once: what the run queue holds. */
  turn: (() => void) | undefined;
  /** Stops the timer of a running instance. */
  stopTimer: (() => void) | undefined;
  /** When that timer fires, monotonic ms; `Infinity`: there is none. */
  timerAt: number;
  /** It is held: nothing new begins. Called when it may have come to rest. */
  held: (() => void) | undefined;
  /** When it is forgotten, once it has ended, ms; `null`: never. */
  forgottenAt: number | null;
  /** What the tenant's account has of it. */
  share: Share;
  /** What is to be counted there with its next head. */
  owed: Owed;
  /** Steps in the lines that were handed to the store. */
  handed: number;
  /** It has a place among those that run. */
  placed: boolean;
  /** Openings of its guest that failed, one after the other. */
  unopened: number;
  /** A crash was counted when it was loaded: that has to be durable before it runs. */
  crashed: boolean;
  /** How large its journal was when it was last asked for something, while it is kept for that; else 0. */
  warm: number;
  /** It runs and has been through deaths without progress. */
  suspect: boolean;
}

/** Makes one of a loaded or an empty state. */
export function makeLive(key: InstanceKey, text: string, state: State | undefined): Live {
  return {
    key,
    text,
    state,
    damage: undefined,
    execution: undefined,
    activity: "none",
    written: "",
    shown: undefined,
    drop: false,
    lines: [],
    first: state?.seq ?? 0,
    durable: state?.seq ?? 0,
    queued: false,
    inFlight: false,
    callers: [],
    acks: [],
    cells: [],
    waiters: [],
    turn: undefined,
    stopTimer: undefined,
    timerAt: Infinity,
    held: undefined,
    forgottenAt: null,
    share: NO_SHARE,
    owed: noneOwed(),
    handed: state?.steps ?? 0,
    placed: false,
    unopened: 0,
    crashed: false,
    warm: 0,
    suspect: false,
  };
}

/** Applies records to the state and keeps their lines for the next commit. */
export function appendTo(live: Live, state: State, records: readonly Record[]): void {
  for (const record of records) {
    const line = writeRecord(record);
    evolve(state, record, line.length);
    live.lines.push(line);
  }
}

/** What a user sees. */
function statusOf(live: Live, state: State): Status {
  switch (state.phase) {
    case "active":
      if (live.activity === "resting") return "waiting";
      return live.activity === "queued" ? "queued" : "running";
    case "pausing":
      return "waitingForPause";
    default:
      return state.phase;
  }
}

/** What a head holds beside its columns. */
export interface HeadData {
  readonly life: number;
  readonly version: string;
  /** Encoded. */
  readonly output?: string;
  /** Encoded: the last one that was published. */
  readonly state?: string;
  readonly error?: { readonly name: string; readonly message: string };
  readonly parked?: { readonly code: string; readonly message: string };
  /** What came of the rollback before the end. */
  readonly rollback?: "complete" | { readonly name: string; readonly message: string };
  /** It has streams. */
  readonly streams?: 1;
  /** What the tenant's account has of it: steps, bytes. */
  readonly n?: readonly [number, number];
}

/** What the head says beside its columns, without its share of the account. */
function dataOf(state: State): string {
  const data: { -readonly [K in keyof HeadData]: HeadData[K] } = { life: state.life, version: state.version };
  if (state.output !== undefined) data.output = state.output;
  if (state.published !== undefined) data.state = state.published;
  if (state.error !== undefined) data.error = state.error;
  if (state.parked !== undefined) data.parked = state.parked;
  if (state.rolledBack !== undefined) data.rollback = state.rolledBack;
  if (state.streams > 0) data.streams = 1;
  return JSON.stringify(data);
}

/** The head that the state implies now, with this text. */
function headOf(live: Live, state: State, data: string): Head {
  return {
    ...live.key,
    status: statusOf(live, state),
    wake: wakeOf(live, state),
    created: state.created,
    ended: state.ended,
    data: withShare(data, state),
  };
}

/** When recovery or the timers have to find it (I11). */
export function wakeOf(live: Live, state: State): number | null {
  if (isEnded(state)) return toForget(live.forgottenAt);
  if (state.phase === "paused") return null;
  // it does not run: should the owner die, it is not what killed it
  if (live.activity === "queued") return Math.max(1, state.created);
  return live.activity === "resting" ? nextDue(state) : 0;
}

/** The lines as one append, taken. */
export function takeLines(live: Live): Append | undefined {
  const { lines } = live;
  if (lines.length === 0) return undefined;
  const append = { key: live.key, seq: live.first, count: lines.length, text: lines.join("\n") };
  live.lines = [];
  live.first += append.count;
  live.handed = live.state?.steps ?? live.handed;
  return append;
}

/** The head, when it is another than the store has. */
export function changedHead(live: Live): Head | undefined {
  const { state } = live;
  if (state === undefined) {
    live.written = "";
    return live.damage?.head;
  }
  const status = statusOf(live, state), wake = wakeOf(live, state);
  const { ended, parked, published } = state;
  const { shown } = live;
  // most commits move no head: that is found out without making one
  if (shown?.status === status && shown.wake === wake && shown.ended === ended && shown.parked === parked && shown.published === published && !live.drop) return undefined;
  live.shown = { status, wake, ended, parked, published };
  const data = dataOf(state);
  const text = `${status} ${wake} ${ended} ${data}`;
  if (text === live.written && !live.drop) return undefined;
  live.written = text;
  return headOf(live, state, data);
}
