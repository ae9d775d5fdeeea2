/**
 * Attempts at a step's body: their end, their time-out, the next one.
 *
 * @module
 */
import { retryDelay } from "../../backoff.ts";
import { parseDuration } from "../../duration.ts";
import type { ErrorSummary, StepConfig } from "../../ports/guest.ts";
import { DEFAULT_STEP_CONFIG } from "../../step_config.ts";
import type { StoredStream } from "../../stream.ts";
import { byteLength, cutToBytes } from "../../utf8.ts";
import { failure, timedOut } from "../failures.ts";
import { type Header, record } from "../records.ts";
import { isEnded, type Op, type State } from "../state.ts";
import { type Facts, fullText, isFull, NOTHING, type Records, timeOf } from "./common.ts";

/** How an attempt ended, as its guest (or the engine) says. */
export interface AttemptResult {
  readonly ok: boolean;
  /** The result or the error, encoded. */
  readonly value: string;
  readonly error: ErrorSummary | undefined;
  /** Whether another attempt may follow. */
  readonly retry: boolean;
  /** What the step's delay function answered, ms. */
  readonly delay?: number;
  /** The result, when it is a stream: then there is no value. */
  readonly stream?: StoredStream;
}

/** The config that counts for a step: the one first seen. */
export function configOf(op: Op): StepConfig {
  return op.config ?? DEFAULT_STEP_CONFIG;
}

const DEFAULT_TIMEOUT = parseDuration(DEFAULT_STEP_CONFIG.timeout);

/** How long an attempt may take, ms. */
export function attemptTimeout(op: Op): number {
  return op.config === undefined ? DEFAULT_TIMEOUT : parseDuration(op.config.timeout);
}

/** An attempt ended. One that is not the running one is nobody's: late, forged or repeated. The end of a run ends its journal (I7). */
export function attemptEnded(state: State, opNumber: number, attempt: number, result: AttemptResult, facts: Facts): Records {
  const op = state.ops[opNumber];
  if (isEnded(state)) return NOTHING;
  if (op === undefined || op.settled !== undefined || !op.running || op.attempts !== attempt) return NOTHING;
  if (!state.open.has(opNumber)) return NOTHING;
  const t = timeOf(state, facts.now);
  const { limits } = facts;
  const bytes = byteLength(result.value);
  const { stream } = result;
  const full = isFull(state, limits, result.value.length + (stream?.bytes ?? 0));
  // what undoes comes to nothing that could be too large
  if (op.kind === "rollback" && result.ok) return [record({ k: "settled", t, op: opNumber, ok: true })];
  if (result.ok) {
    if (stream !== undefined && !full) return [record({ k: "settled", t, op: opNumber, ok: true, stream })];
    if (bytes <= limits.resultBytes && !full) {
      return [record({ k: "settled", t, op: opNumber, ok: true }, result.value)];
    }
    const tooLarge = `Cannot store the result of step "${op.name}": ${bytes} bytes are more than the limit of ${limits.resultBytes}`;
    const no = failure("WorkflowFatalError", bytes <= limits.resultBytes ? `The ${fullText(limits)}` : tooLarge);
    return [record({ k: "settled", t, op: opNumber, ok: false, error: no.error }, no.value)];
  }
  const error = result.error ?? { name: "Error", message: "" };
  const { retries } = configOf(op);
  if (mayRetry(state, op, result) && !full) {
    const given = retries.delay === undefined ? result.delay ?? 0 : parseDuration(retries.delay);
    const delay = retryDelay({ delay: given, backoff: retries.backoff }, op.failures + 1);
    return [record({ k: "attempt_failed", t, op: opNumber, attempt, error, due: t + delay })];
  }
  const value = bytes <= limits.resultBytes && !full ? result.value : failure(error.name, error.message).value;
  return [record({ k: "settled", t, op: opNumber, ok: false, error }, value)];
}

function mayRetry(state: State, op: Op, result: AttemptResult): boolean {
  const again = op.kind === "rollback" || (op.kind === "do" && state.rollback === undefined);
  return again && !result.ok && result.retry && op.failures < configOf(op).retries.limit;
}

/** Whether the running attempt ends in another one whose time the step's delay function has to say first. */
export function asksForDelay(state: State, opNumber: number, attempt: number, result: AttemptResult, { limits }: Facts): boolean {
  const op = state.ops[opNumber];
  if (op?.config === undefined || op.config.retries.delay !== undefined || !mayRetry(state, op, result)) return false;
  if (isEnded(state) || !state.open.has(opNumber) || !op.running || op.attempts !== attempt) return false;
  return !isFull(state, limits, result.value.length);
}

/** What an attempt comes to whose time is over. */
export function timeOutOf(op: Op): AttemptResult {
  return { ok: false, retry: true, ...timedOut(attemptTimeout(op)) };
}

/** Why there is no answer of a delay function that takes too long. */
export const NO_DELAY: ErrorSummary = { name: "Error", message: "it did not answer within 5 seconds" };

/** What an attempt comes to whose delay function gives no delay: the step fails for good. */
export function noDelay(op: Op, failed: AttemptResult, why: ErrorSummary = NO_DELAY): AttemptResult {
  const { name, message } = failed.error ?? { name: "Error", message: "" };
  const text = `Cannot tell the delay of step "${op.name}": ${why === NO_DELAY ? "" : `${why.name}: `}${why.message} (after ${name}: ${message})`;
  return { ok: false, retry: false, ...failure("NonRetryableDelayError", cutToBytes(text, 4_096)) };
}

/** The next attempt of a step that waits for one begins. */
export function startAttempt(state: State, op: Op, facts: Facts): Records {
  const head: Header = { k: "started", t: timeOf(state, facts.now), op: op.op, attempt: op.attempts + 1 };
  return [record(head)];
}
