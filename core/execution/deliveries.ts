/**
 * The frames that an execution delivers.
 *
 * @module
 */
import { frame } from "../frame.ts";
import type { Op, State } from "../instance/state.ts";
import type { OfAttempt } from "../ports/guest.ts";
import { decode, encode } from "../values.ts";
import type { Attempt } from "./attempt.ts";

/** A frame, the clock that the guest sees (`null`: the real one), and whose turn it is (an op; -1: the run). */
export interface Outgoing {
  readonly frame: string;
  readonly time: number | null;
  readonly owner: number;
  /** The attempt that it begins: one that is over when its turn comes is not begun (I5). */
  readonly begins?: { readonly closed: boolean };
}

/** Collects what a guest that acts by itself has issued between turns. */
export const COLLECT: Outgoing = { frame: "", time: null, owner: -1 };

/** What the platform grants to a run: plain data by value, bindings by name. */
export interface Grants {
  /** Encoded record of plain data. */
  readonly data: string;
  readonly bindings: readonly string[];
}

/** The first delivery: makes the class and calls `run`. */
export function start(
  state: State,
  run: { readonly workflow: string; readonly id: string; readonly grants: Grants; readonly className: string },
): Outgoing {
  const { params, created: now, seed, schedule, metadata } = state;
  const event = { timestamp: now, instanceId: run.id, workflowName: run.workflow, schedule, metadata };
  const head = { d: "start", now, seed, class: run.className, event, bindings: run.grants.bindings };
  return { frame: frame(head, startValue(params, run.grants.data)), time: now, owner: -1 };
}

/** Joins two encoded values without decoding them when both are plain JSON, as they mostly are. */
function startValue(params: string, env: string): string {
  if (params[0] === "j" && env[0] === "j") return `j{"params":${params.slice(1)},"env":${env.slice(1)}}`;
  return encode({ params: decode(params), env: decode(env) });
}

/** The outcome of a command: for the run at the time of its record, for a body in real time. */
export function settle(state: State, op: Op, id: number, now: number): Outgoing {
  const outcome = op.settled;
  const t = outcome?.t ?? now;
  let value = outcome?.value;
  const event = outcome === undefined || outcome.event < 0 ? undefined : state.events[outcome.event];
  if (event !== undefined) {
    value = encode({ payload: decode(event.payload), timestamp: new Date(event.t), type: event.type });
  }
  const run = op.parent === -1;
  const head = { d: "settle", now: run ? t : now, id, ok: outcome?.ok ?? false, stream: outcome?.stream?.pieces };
  return { frame: frame(head, value), time: run ? t : null, owner: op.parent };
}

/** An answer within a body: of a binding call or a timer. */
export function answer(id: number, ok: boolean, value: string | undefined, owner: number, now: number): Outgoing {
  return { frame: frame({ d: "settle", now, id, ok }, value), time: null, owner };
}

/** What is told of an attempt. */
function ofAttempt(state: State, op: Op, { id, attempt }: Attempt, now: number, seed: string): Record<keyof OfAttempt, unknown> {
  const { name, count } = op.of < 0 ? op : state.ops[op.of] as Op;
  return { now, id, attempt, name, count, config: op.config, seed };
}

/** Runs an attempt at a body. */
export function body(state: State, op: Op, begins: Attempt, now: number, seed: string): Outgoing {
  return { frame: frame({ d: "body", ...ofAttempt(state, op, begins, now, seed) }), time: null, owner: op.op, begins };
}

/** Asks for the wait before the next attempt. */
export function delay(state: State, op: Op, asking: Attempt, error: string, now: number, seed: string): Outgoing {
  return { frame: frame({ d: "delay", ...ofAttempt(state, op, asking, now, seed) }, error), time: null, owner: op.op };
}

/** Answers the run: at the time that its clock shows. */
export function answerRun(id: number, ok: boolean, value: string, now: number): Outgoing {
  return { frame: frame({ d: "settle", now, id, ok }, value), time: now, owner: -1 };
}

/**
 * Runs an attempt at a rollback handler.
 *
 * @param undone the guest's number of the step that it undoes
 */
export function rollback(state: State, op: Op, begins: Attempt, undone: number | undefined, now: number, seed: string): Outgoing {
  const { settled, attempts, config } = state.ops[op.of] as Op;
  const error = decode(state.rollback?.value ?? "u");
  const value = settled?.ok === true && settled.value !== undefined ? { error, output: decode(settled.value) } : { error };
  const stream = settled?.stream === undefined ? undefined : { of: undone, pieces: settled.stream.pieces };
  const head = { d: "rollback", ...ofAttempt(state, op, begins, now, seed), step: { attempt: attempts, config }, stream };
  return { frame: frame(head, encode(value)), time: null, owner: op.op, begins };
}

/** Aborts an attempt's signal. */
export function abort(id: number, attempt: number, owner: number): Outgoing {
  return { frame: frame({ d: "abort", id, attempt }), time: null, owner };
}
