/**
 * What a run came to, read from its journal.
 *
 * @module
 */
import { stateOf } from "../../core/instance/evolve.ts";
import { type HistoryEntry, readHistory } from "../../core/instance/history.ts";
import type { Op, State } from "../../core/instance/state.ts";
import type { Image } from "../../core/ports/store.ts";
import { shownOutput } from "../../core/instance/shown.ts";

/** A step of a run. */
export interface TestStep {
  /** `step.do`, `step.sleep` or `step.sleepUntil`, `step.waitForEvent`. */
  readonly kind: "do" | "sleep" | "wait";
  /** Its name. */
  readonly name: string;
  /** How many of its kind and name there were up to it. */
  readonly count: number;
  /** The name of the step in whose body it stands. */
  readonly within?: string;
  /** How often its body was begun; 0 for what has none. */
  readonly attempts: number;
  /** `pending`: it had not ended when the run did. */
  readonly status: "complete" | "errored" | "pending";
  /** What a body returned (`[REDACTED]` when its config says `sensitive: "output"`), or the payload that a wait got. */
  readonly result?: unknown;
  /** Why it failed for good. */
  readonly error?: { readonly name: string; readonly message: string };
}

/** What a journal tells. */
export interface JournalReport {
  readonly steps: readonly TestStep[];
  readonly history: readonly HistoryEntry[];
  /** How long the run slept, ms. */
  readonly slept: number;
  /** From its beginning to its end, ms. */
  readonly elapsed: number;
  /** Types of events that came and no step received. */
  readonly unreceived: readonly string[];
}

/** Reads a journal. */
export function reportOf({ head, journal }: Image): JournalReport {
  const state = stateOf(journal);
  const history = readHistory(journal, 0, Infinity);
  const last = history[history.length - 1] as HistoryEntry;
  const received = new Set(state.ops.map(({ settled }) => settled?.event));
  let slept = 0;
  for (const { kind, at, settled } of state.ops) if (kind === "sleep" && settled !== undefined) slept += settled.t - at;
  return {
    steps: state.ops.filter(isStep).map((op) => stepOf(op, state)),
    history,
    slept,
    elapsed: (head.ended ?? last.timestamp.getTime()) - state.created,
    unreceived: state.events.filter((_, n) => !received.has(n)).map(({ type }) => type),
  };
}

type Step = Op & { readonly kind: TestStep["kind"] };

function isStep(op: Op): op is Step {
  return op.kind === "do" || op.kind === "sleep" || op.kind === "wait";
}

function stepOf({ kind, name, count, parent, attempts, config, settled }: Step, { ops, events }: State): TestStep {
  const within = ops[parent]?.name;
  const step = { kind, name, count, ...(within !== undefined && { within }), attempts };
  if (settled === undefined) return { ...step, status: "pending" };
  if (!settled.ok) return { ...step, status: "errored", ...(settled.error && { error: settled.error }) };
  if (kind === "sleep") return { ...step, status: "complete" };
  const text = kind === "wait" ? events[settled.event]?.payload : settled.value;
  return { ...step, status: "complete", result: text === undefined && settled.stream === undefined ? undefined : shownOutput(config, text, settled.stream) };
}
