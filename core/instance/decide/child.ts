/**
 * Children: instances that a run starts and may wait for.
 *
 * @module
 */
import type { InstanceKey } from "../../ports/store.ts";
import type { ErrorSummary } from "../../ports/guest.ts";
import { encode } from "../../values.ts";
import type { Failure } from "../failures.ts";
import { record } from "../records.ts";
import { isEnded, type State } from "../state.ts";
import { type Facts, NOTHING, type Records, timeOf } from "./common.ts";
import { terminated } from "./control.ts";
import { canRollBack, terminatedWithRollback } from "./rollback.ts";

/** What came of making a child. */
export type Start = { readonly ok: true } | ({ readonly ok: false } & Failure);

/** How a child ended, as its parent hears it. */
export interface ChildOutcome {
  readonly ok: boolean;
  readonly error?: ErrorSummary;
  /** The output or the error, encoded. */
  readonly value: string;
}

/** A child was made and is durable, or could not be: one that nobody waits for is a settled matter then. */
export function childStarted(state: State, opNumber: number, attempt: number, start: Start, facts: Facts): Records {
  const op = state.ops[opNumber];
  if (isEnded(state) || op?.child === undefined || op.settled !== undefined || !op.running || op.attempts !== attempt) return NOTHING;
  const t = timeOf(state, facts.now);
  if (!start.ok) return [record({ k: "settled", t, op: opNumber, ok: false, error: start.error }, start.value)];
  if (!op.child.detached) return [record({ k: "child_started", t, op: opNumber })];
  return [record({ k: "settled", t, op: opNumber, ok: true }, encode({ id: op.child.id }))];
}

/** A child has ended; known once. Of a detached one nobody wants to know. */
export function childEnded(
  state: State,
  opNumber: number,
  child: InstanceKey,
  outcome: ChildOutcome,
  facts: Facts,
): Records {
  const op = state.ops[opNumber];
  if (isEnded(state) || op?.child === undefined || op.child.detached || op.settled !== undefined || op.known !== undefined) return NOTHING;
  if (op.child.id !== child.id || op.child.workflow !== child.workflow || !state.open.has(opNumber)) return NOTHING;
  const t = timeOf(state, facts.now);
  const { ok, error, value } = outcome;
  return [record({ k: "outcome", t, op: opNumber, ok, ...(error !== undefined && { error }) }, value)];
}

/** Its parent has ended: so does it. */
export function cancelled(state: State, rollback: boolean, facts: Facts): Records {
  if (isEnded(state) || (rollback && state.rollback !== undefined)) return NOTHING;
  return rollback && canRollBack(state) ? terminatedWithRollback(state, facts) : terminated(state, facts);
}
