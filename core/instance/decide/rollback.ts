/**
 * Rollback: when a run has failed, or is terminated with it, the steps that have begun and have a handler are undone,
 * the last begun first, one after the other. What runs at that moment comes to its end before; nothing else begins.
 * The first handler that fails for good stops it.
 *
 * @module
 */
import type { ErrorSummary } from "../../ports/guest.ts";
import { failure } from "../failures.ts";
import { type Header, record, type RollbackStarted } from "../records.ts";
import { isBusy, type Op, type State } from "../state.ts";
import { type Facts, NOTHING, type Records, timeOf } from "./common.ts";

/** Whether there is something to undo. */
export function canRollBack(state: State): boolean {
  return state.undoable.length > 0 && state.rollback === undefined;
}

/** It begins; afterwards the instance ends as `end` says. */
export function rollbackStarted(
  state: State,
  end: RollbackStarted["end"],
  why: { readonly error: ErrorSummary; readonly value: string },
  facts: Facts,
): Records {
  return [record({ k: "rollback_started", t: timeOf(state, facts.now), end, error: why.error }, why.value)];
}

/** A termination with rollback. */
export function terminatedWithRollback(state: State, facts: Facts): Records {
  return rollbackStarted(state, "terminated", failure("Error", "The instance was terminated"), facts);
}

/**
 * What follows when nothing runs any more: the next handler, or the end.
 *
 * @param held whether the guest holds the handler of a step: after a replay only those that the replay has reached
 */
export function nextRollback(state: State, held: (op: number) => boolean, facts: Facts): Records {
  const { rollback, undoable } = state;
  if (state.phase !== "rollingBack" || rollback === undefined || isBusy(state)) return NOTHING;
  const last = state.ops[state.ops[undoable[rollback.left] ?? -1]?.undone ?? -1];
  if (last !== undefined && last.settled === undefined) return NOTHING;
  if (last?.settled?.ok === false) return rolledBack(state, last.settled.error, facts);
  if (rollback.left === 0) return rolledBack(state, "complete", facts);
  if (facts.draining) return NOTHING;
  const op = state.ops[undoable[rollback.left - 1] as number] as Op;
  if (!held(op.op)) return rollbackLost(state, op, facts);
  const head: Header = {
    k: "scheduled",
    t: timeOf(state, facts.now),
    op: state.ops.length,
    kind: "rollback",
    name: op.name,
    of: op.op,
    start: 1,
    ...(typeof op.rollback === "object" && { config: op.rollback }),
  };
  return [record(head)];
}

/** The code does not reach a step any more that is to be undone. */
export function rollbackLost(state: State, { name }: Pick<Op, "name">, facts: Facts): Records {
  const message = `Cannot roll back the step "${name}": the code does not reach it any more`;
  return rolledBack(state, { name: "WorkflowFatalError", message }, facts);
}

/** The end of an instance that rolls back. */
export function rolledBack(state: State, outcome: "complete" | ErrorSummary | undefined, facts: Facts): Records {
  const { rollback } = state;
  if (rollback === undefined) return NOTHING;
  const t = timeOf(state, facts.now);
  const ended = { t, rollback: outcome ?? { name: "Error", message: "" } };
  return rollback.end === "terminated"
    ? [record({ k: "terminated", ...ended })]
    : [record({ k: "errored", ...ended, error: rollback.error }, rollback.value)];
}
