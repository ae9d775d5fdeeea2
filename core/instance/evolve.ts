/**
 * What a record does to the state. No I/O, no clock, no dice: replaying a journal gives the state, always.
 *
 * @module
 */
import { placementOf } from "../placement.ts";
import { eachRecord, FORMAT, type Record, type Scheduled, type Settled } from "./records.ts";
import { type BufferedEvent, emptyState, family, identity, type Op, type State } from "./state.ts";

/**
 * Applies one record. The state is changed in place and returned: a journal of n records costs n, not n².
 *
 * @param bytes length of the record's line
 */
export function evolve(state: State, record: Record, bytes: number): State {
  const { head, value } = record;
  const seq = state.seq++;
  state.bytes += bytes;
  state.t = head.t;
  switch (head.k) {
    case "created":
      state.life = head.life;
      state.version = head.version;
      state.seed = head.seed;
      state.params = value ?? "";
      state.concurrency = head.concurrency;
      state.parent = head.parent;
      state.schedule = head.schedule;
      state.metadata = head.metadata;
      state.retention = head.retention;
      state.created = head.t;
      state.placement = placementOf(head);
      break;
    case "scheduled":
      scheduled(state, head, value, seq);
      break;
    case "started": {
      const op = state.ops[head.op] as Op;
      start(state, op, head.attempt, head.t, seq);
      break;
    }
    case "attempt_failed": {
      const op = state.ops[head.op] as Op;
      op.running = false;
      op.failures++;
      op.due = head.due;
      op.dueSet = head.t;
      state.pending.add(op.op);
      cutWithin(state, op);
      break;
    }
    case "settled":
      settled(state, head, value, seq);
      break;
    case "outcome":
      (state.ops[head.op] as Op).known = { ok: head.ok, value, error: head.error, stream: head.stream };
      if (head.stream !== undefined) state.streams++;
      break;
    case "child_started": {
      const op = state.ops[head.op] as Op;
      op.running = false;
      state.pending.add(op.op);
      if (op.child !== undefined) Object.assign(op.child, { started: true, params: undefined });
      break;
    }
    case "event":
      buffer(state, { type: head.type, payload: value ?? "", t: head.at ?? head.t, id: head.id });
      if (head.id !== undefined) state.eventIds.add(head.id);
      break;
    case "pause_requested":
      state.phase = "pausing";
      state.pausedAt = head.t;
      break;
    case "paused":
      // parked by the engine: nobody asked before, so timers stand still from here
      if (state.phase !== "pausing") state.pausedAt = head.t;
      state.stoppedAt = head.t;
      state.phase = "paused";
      state.parked = head.code === undefined ? undefined : { code: head.code, message: head.message ?? "" };
      interrupt(state);
      break;
    case "resumed":
      shift(state, head.t);
      state.phase = state.rollback === undefined ? "active" : "rollingBack";
      state.parked = undefined;
      state.crashes = 0;
      break;
    case "upgraded":
      state.version = head.version;
      break;
    case "interrupted":
      if (head.why === "crash") state.crashes++;
      interrupt(state);
      break;
    case "rollback_started":
      state.phase = "rollingBack";
      state.parked = undefined;
      state.crashes = 0;
      state.rollback = { seq, end: head.end, error: head.error, value: value ?? "u", left: state.undoable.length };
      leaveOpen(state, ({ running, parent }) => running || parent !== -1);
      break;
    case "completed":
    case "errored":
    case "terminated":
      state.phase = head.k === "completed" ? "complete" : head.k;
      state.ended = head.t;
      state.error = head.error;
      state.rolledBack = head.rollback;
      if (head.k === "completed") state.output = value;
      break;
    default:
      head satisfies never;
      throw new TypeError(`There is no record "${(head as Record["head"]).k}"`);
  }
  return state;
}

/**
 * The state that a journal (texts of whole records, one a line) says.
 *
 * @param newest the newest format that is read
 * @throws {TenureError} `storage_newer` when a newer version has written it, `corrupt` when it is no journal
 */
export function stateOf(journal: readonly string[], newest: number = FORMAT): State {
  const state = emptyState();
  eachRecord(journal, (record, line) => void evolve(state, record, line.length), newest);
  return state;
}

function scheduled(state: State, head: Scheduled, value: string | undefined, seq: number): void {
  const parent = head.in ?? -1;
  const group = family(parent, head.kind, head.name);
  const count = (state.counts.get(group) ?? 0) + 1;
  state.counts.set(group, count);
  const op: Op = {
    op: head.op,
    kind: head.kind,
    name: head.name,
    parent,
    count,
    seq,
    at: head.t,
    type: head.type ?? "",
    config: head.config,
    refused: head.refused,
    due: head.due ?? null,
    dueSet: head.t,
    timeout: (head.due ?? head.t) - head.t,
    attempts: 0,
    failures: 0,
    running: false,
    startedAt: 0,
    nested: false,
    begun: -1,
    rollback: head.rollback === 1 ? true : head.rollback,
    child: head.child === undefined ? undefined : { ...head.child, detached: head.child.detached === true, params: value, started: false },
    of: head.of ?? -1,
    undone: -1,
    known: undefined,
    settled: undefined,
  };
  state.ops.push(op);
  state.open.add(op.op);
  if (head.start === 1) start(state, op, 1, head.t, seq);
  else state.pending.add(op.op);
  const around = state.ops[parent];
  if (around !== undefined) around.nested = true;
  const undoes = state.ops[op.of];
  if (undoes !== undefined) undoes.undone = op.op;
  if (undoes !== undefined && state.rollback !== undefined) state.rollback.left--;
  state.byIdentity.set(identity(parent, head.kind, head.name, count), op.op);
  if (head.kind === "do") state.steps++;
  if (head.kind === "child") state.children.push(op.op);
  if (head.kind === "call") state.calls++;
  if (head.kind === "state" && value !== undefined) state.published = value;
  if (head.refused !== undefined) state.refusals++;
}

function start(state: State, op: Op, attempt: number, t: number, seq: number): void {
  if (op.begun < 0) {
    op.begun = seq;
    if (op.rollback !== undefined) state.undoable.push(op.op);
  }
  op.attempts = attempt;
  op.running = true;
  op.startedAt = t;
  op.due = null;
  state.pending.delete(op.op);
}

function buffer(state: State, event: BufferedEvent): void {
  const queue = state.queues.get(event.type);
  if (queue === undefined) state.queues.set(event.type, [state.events.length]);
  else queue.push(state.events.length);
  state.events.push(event);
  state.buffered++;
}

function settled(state: State, head: Settled, value: string | undefined, seq: number): void {
  const op = state.ops[head.op] as Op;
  op.settled = { ok: head.ok, value, error: head.error, stream: head.stream, event: head.event ?? -1, seq, t: head.t };
  op.known = undefined;
  if (head.stream !== undefined) {
    state.streams++;
    state.bytes += head.stream.bytes;
  }
  op.running = false;
  op.due = null;
  close(state, op);
  if (op.parent === -1 && op.kind !== "rollback") state.settlements.push(op.op);
  if (head.event !== undefined) {
    state.queues.get(op.type)?.shift();
    state.buffered--;
  }
  state.crashes = 0;
}

/** A settled step takes what was issued in its body and is not settled with it: nobody waits for that any more. */
function close(state: State, op: Op): void {
  state.open.delete(op.op);
  state.pending.delete(op.op);
  if (!op.nested) return;
  for (const n of state.open) {
    const inner = state.ops[n] as Op;
    if (inner.parent === op.op) close(state, inner);
  }
}

/** Nothing more comes of any other. */
function leaveOpen(state: State, which: (op: Op) => boolean): void {
  for (const n of state.open) {
    const op = state.ops[n] as Op;
    if (!which(op)) close(state, op);
  }
}

/** What ran within an attempt is cut off with it. */
function cutWithin(state: State, op: Op): void {
  if (!op.nested) return;
  for (const n of state.open) {
    const inner = state.ops[n] as Op;
    if (inner.parent !== op.op) continue;
    inner.running = false;
    state.pending.add(n);
    cutWithin(state, inner);
  }
}

function interrupt(state: State): void {
  // whoever undoes begins nothing again
  if (state.rollback !== undefined) leaveOpen(state, ({ kind }) => kind === "rollback");
  for (const n of state.open) {
    (state.ops[n] as Op).running = false;
    state.pending.add(n);
  }
}

/**
 * The only thing that moves a due time (I13): by as long as its timer stood still. Those of running bodies do so only
 * when the pause is reached.
 */
function shift(state: State, now: number): void {
  const stopped = state.phase === "paused" ? state.stoppedAt : now;
  for (const n of state.open) {
    const op = state.ops[n] as Op;
    if (op.due !== null) op.due += now - Math.max(op.dueSet, op.parent === -1 ? state.pausedAt : stopped);
  }
}
