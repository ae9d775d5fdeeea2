/**
 * Beginning anew at a step: a new life keeps the journal up to where the step was issued. What was issued before and
 * came to its end after that keeps its outcome, too; everything else is forgotten, and happens again.
 *
 * @module
 */
import { stateOf } from "../evolve.ts";
import { type Created, type Kind, type Record, record, writeRecord } from "../records.ts";
import { isBusy, type Op, type State } from "../state.ts";
import { type Facts, timeOf } from "./common.ts";

/** A step, sleep or wait of the run. */
export interface Place {
  readonly kind: Extract<Kind, "do" | "sleep" | "wait">;
  readonly name: string;
  /** Which of that kind and name, from 1. */
  readonly count: number;
}

/** What stands in that place of a history. */
export function opAt(state: State, { kind, name, count }: Place): Op | undefined {
  return state.ops.find((op) => op.parent === -1 && op.kind === kind && op.name === name && op.count === count);
}

/**
 * The journal of the new life.
 *
 * @param before the journal of the life that it comes from up to the record in which `at` was issued, without it
 * @param state what the whole of that journal says
 */
export function restartedAt(before: readonly Record[], state: State, at: Op, facts: Facts): Record[] {
  const { head, value } = before[0] as Record & { readonly head: Created };
  // the same seed: what was issued by chance is issued again
  const records = [record({ ...head, life: state.life + 1 }, value), ...before.slice(1)];
  const begun = stateOf(records.map(writeRecord));
  const t = timeOf(begun, facts.now);
  if (begun.phase !== "active") records.push(record({ k: "resumed", t }));
  if (isBusy(begun)) records.push(record({ k: "interrupted", t, why: "restart" }));
  for (const { op } of state.ops) {
    if (op >= at.op || begun.ops[op]?.settled !== undefined || begun.ops[op]?.known !== undefined) continue;
    const kept = keptOf(state, state.ops[op] as Op, begun, t);
    if (kept !== undefined) records.push(kept);
  }
  return records;
}

/** What is kept of a command that had not come to its end: an outcome, or the event that it received. Time-outs and sleeps come by themselves. */
function keptOf(state: State, op: Op, begun: State, t: number): Record | undefined {
  const { settled } = op;
  const outcome = settled ?? op.known;
  if (outcome === undefined || op.refused !== undefined || op.parent !== -1) return undefined;
  if (op.kind === "do" || op.kind === "call" || op.kind === "child") {
    const { ok, error, value, stream } = outcome;
    return record({ k: "outcome", t, op: op.op, ok, ...(error !== undefined && { error }), ...(stream !== undefined && { stream }) }, value);
  }
  const event = settled === undefined ? undefined : state.events[settled.event];
  // one that stands in what is kept waits there
  if (settled === undefined || event === undefined || settled.event < begun.events.length) return undefined;
  const { type, payload, t: at, id } = event;
  return record({ k: "event", t, type, ...(at < t && { at }), ...(id !== undefined && { id }) }, payload);
}
