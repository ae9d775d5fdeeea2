/**
 * The end of a run: by itself, by a limit, by the death of its guest.
 *
 * @module
 */
import type { Death, ErrorSummary } from "../../ports/guest.ts";
import { byteLength } from "../../utf8.ts";
import { type Failure, failure } from "../failures.ts";
import { record } from "../records.ts";
import { isBusy, isEnded, type State } from "../state.ts";
import { type Facts, NOTHING, type Records, timeOf } from "./common.ts";
import { interrupted, parked } from "./control.ts";
import { canRollBack, rollbackStarted, rolledBack } from "./rollback.ts";
import { attemptEnded } from "./step.ts";

/** How a run ended, as its guest (or the engine) says. */
export interface RunResult {
  readonly ok: boolean;
  /** The output or the error, encoded. */
  readonly value: string;
  readonly error: ErrorSummary | undefined;
}

/** `run` ended, or the engine ends it. Of an ended one: nothing. One that fails rolls back what can be. */
export function runEnded(state: State, { ok, value, error }: RunResult, facts: Facts): Records {
  if (isEnded(state)) return NOTHING;
  const bytes = byteLength(value);
  const { resultBytes } = facts.limits;
  if (ok && bytes <= resultBytes && state.rollback === undefined) return [record({ k: "completed", t: timeOf(state, facts.now) }, value)];
  const summary = error ?? { name: "Error", message: "" };
  if (!ok && bytes <= resultBytes) return runFailed(state, { error: summary, value }, facts);
  const no = ok
    ? failure("WorkflowFatalError", `Cannot store the output: ${bytes} bytes are more than the limit of ${resultBytes}`)
    : failure(summary.name, summary.message);
  return runFailed(state, no, facts);
}

function runFailed(state: State, { error, value }: Failure, facts: Facts): Records {
  // it rolls back, and cannot go on
  if (state.rollback !== undefined) return rolledBack(state, error, facts);
  if (canRollBack(state)) return rollbackStarted(state, "errored", { error, value }, facts);
  return [record({ k: "errored", t: timeOf(state, facts.now), error }, value)];
}

/** Nothing that the run waits for can happen any more. */
export function runStalled(state: State, facts: Facts): Records {
  const no = failure("WorkflowFatalError", "The workflow stopped: nothing that it waits for can happen any more");
  return runEnded(state, { ok: false, ...no }, facts);
}

/**
 * A guest died. Of its own code: that step or that run fails, and whatever else ran is cut off. Of anything else: the
 * guest is made anew, counted as a crash, unless its sandbox has only taken it back; without its code it is parked.
 *
 * @param owner op in whose body it died, or -1: in the run
 */
export function guestDied(state: State, death: Death, owner: number, facts: Facts): Records {
  if (isEnded(state)) return NOTHING;
  if (death.code === "code_unavailable") return parked(state, death.code, death.message, facts);
  if (death.code === "guest_failed") return interrupted(state, "crash", facts);
  if (death.code === "evicted") return isBusy(state) ? interrupted(state, "guest", facts) : NOTHING;
  const no = failure("WorkflowFatalError", death.message);
  const op = state.ops[owner];
  if (op === undefined) return runEnded(state, { ok: false, ...no }, facts);
  const fails = attemptEnded(state, owner, op.attempts, { ok: false, retry: false, ...no }, facts);
  return [...fails, ...interrupted(state, "guest", facts)];
}
