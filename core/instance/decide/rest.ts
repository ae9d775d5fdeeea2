/**
 * What a live instance does when its guest is at rest and everything settled has been delivered.
 *
 * A settlement is recorded only here or at the end of an attempt, that is: when every command that the guest issued
 * before is recorded. So the journal's order is the order of delivery, and replay can follow it.
 *
 * @module
 */
import { refusal, timedOut } from "../failures.ts";
import { record } from "../records.ts";
import type { Op, State } from "../state.ts";
import { mayStart } from "./command.ts";
import { type Facts, NOTHING, type Records, timeOf } from "./common.ts";
import { startAttempt } from "./step.ts";

/**
 * The next thing that happens, oldest first: a refusal, a due time, an event for its wait, an attempt to start.
 * An event that was accepted up to a wait's time-out wins over it, however late both are seen (I18).
 *
 * @param issued whether the live guest has issued the command: only then can its body run or its outcome be delivered
 */
export function whenAtRest(state: State, issued: (op: number) => boolean, facts: Facts): Records {
  if (state.pending.size === 0 || !isGoing(state)) return NOTHING;
  let first: { readonly at: number; readonly op: Op; readonly event: number } | undefined;
  for (const n of state.pending) {
    const op = state.ops[n] as Op;
    if (!issued(n) || !mayStart(state, op, facts)) continue;
    const found = candidate(state, op, facts.now);
    if (found !== undefined && (first === undefined || found.at < first.at)) first = { ...found, op };
  }
  if (first === undefined) return NOTHING;
  const { op, event } = first;
  const t = timeOf(state, facts.now);
  if (op.refused !== undefined) {
    const no = refusal(op.refused);
    return [record({ k: "settled", t, op: op.op, ok: false, error: no.error }, no.value)];
  }
  if (op.known !== undefined) {
    const { ok, value, error, stream } = op.known;
    return [record({ k: "settled", t, op: op.op, ok, ...(error !== undefined && { error }), ...(stream !== undefined && { stream }) }, value)];
  }
  switch (op.kind) {
    case "do":
    case "call":
    case "rollback":
    case "child":
      return startAttempt(state, op, facts);
    case "sleep":
    case "timer":
    case "state":
      return [record({ k: "settled", t, op: op.op, ok: true })];
    case "wait": {
      if (event >= 0) return [record({ k: "settled", t, op: op.op, ok: true, event })];
      const no = timedOut(op.timeout);
      return [record({ k: "settled", t, op: op.op, ok: false, error: no.error }, no.value)];
    }
    default:
      return op.kind satisfies never;
  }
}

/** When time alone brings the next decision of {@linkcode whenAtRest}: ms, `Infinity` for never. */
export function nextAtRest(state: State, issued: (op: number) => boolean, facts: Facts): number {
  let next = Infinity;
  if (state.pending.size === 0) return next;
  if (!isGoing(state)) return next;
  for (const n of state.pending) {
    const op = state.ops[n] as Op;
    if (op.due !== null && op.due < next && issued(n) && mayStart(state, op, facts)) next = op.due;
  }
  return next;
}

function isGoing({ phase }: State): boolean {
  return phase === "active" || phase === "pausing" || phase === "rollingBack";
}

function candidate(state: State, op: Op, now: number): { at: number; event: number } | undefined {
  if (op.refused !== undefined || op.known !== undefined) return { at: op.at, event: -1 };
  if (op.kind === "wait" && firstWaiter(state, op)) {
    const event = state.queues.get(op.type)?.[0];
    const accepted = event === undefined ? Infinity : state.events[event]?.t ?? Infinity;
    if (event !== undefined && (op.due === null || accepted <= op.due)) return { at: Math.max(accepted, op.at), event };
  }
  if (op.child?.started === true) return undefined;
  if (op.due !== null) return op.due <= now ? { at: op.due, event: -1 } : undefined;
  return op.kind === "do" || op.kind === "call" || op.kind === "state" || op.kind === "rollback" || op.kind === "child" ? { at: op.at, event: -1 } : undefined;
}

/** The wait of a type that was registered first gets its first event. */
function firstWaiter(state: State, op: Op): boolean {
  for (const n of state.pending) {
    const other = state.ops[n] as Op;
    if (other.kind === "wait" && other.type === op.type && other.refused === undefined) return other === op;
  }
  return false;
}
