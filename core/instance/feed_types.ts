/**
 * What an instance tells those who follow it: Cloudflare's events by their own names and fields.
 *
 * Ours beyond Cloudflare: `workflow_state`, the `error` of `step_errored`, the `reason` of `workflow_paused`.
 *
 * @module
 */
import type { Duration } from "../duration.ts";
import type { ErrorSummary } from "../ports/guest.ts";

/** A step's config as its events show it. */
export interface ShownStepConfig {
  /** How it is retried. A delay that is a function is shown as `[dynamic]`. */
  readonly retries: {
    readonly limit: number;
    readonly delay: Duration | "[dynamic]";
    readonly backoff: "constant" | "linear" | "exponential";
  };
  /** Of each attempt. */
  readonly timeout: Duration;
  /** Whether its output is hidden. */
  readonly sensitive?: "output";
}

/** What events of a step, a sleep or a wait say. */
export interface EventOfStep {
  /** The step's name and its number among those of its name: `charge-1`. */
  readonly stepName: string;
}
/** What events of one attempt say. */
export interface EventOfAttempt extends EventOfStep {
  /** From 1. */
  readonly attempt: number;
}
/** What events of a failure say. */
export interface EventOfFailure {
  /** What went wrong. */
  readonly error: ErrorSummary;
}

/** An event by its type, and what it has beside `instanceId`, `eventId` and `timestamp`. */
export type FeedEvent =
  | { readonly type: "workflow_queued" }
  | { readonly type: "workflow_started"; readonly params?: unknown }
  | { readonly type: "workflow_running" }
  /** `reason`: why the engine paused it, `nondeterministic: …`. */
  | { readonly type: "workflow_paused"; readonly reason?: string }
  | { readonly type: "workflow_waiting_for_pause" }
  /** Never told here: what an instance waits for is told by its sleeps and waits. */
  | { readonly type: "workflow_waiting" }
  | { readonly type: "workflow_completed"; readonly output?: unknown }
  | ({ readonly type: "workflow_errored" } & EventOfFailure)
  | { readonly type: "workflow_terminated" }
  /** The run has published another state. */
  | { readonly type: "workflow_state"; readonly state: unknown }
  | ({ readonly type: "step_started"; readonly config?: ShownStepConfig } & EventOfStep)
  /** `output`: `[REDACTED]` when its config says `sensitive: "output"`. */
  | ({ readonly type: "step_completed"; readonly output?: unknown } & EventOfStep)
  | ({ readonly type: "step_errored" } & EventOfStep & EventOfFailure)
  | ({ readonly type: "attempt_started" } & EventOfAttempt)
  | ({ readonly type: "attempt_completed" } & EventOfAttempt)
  /** `retryDelayMs`: another attempt follows after so long. */
  | ({ readonly type: "attempt_errored"; readonly retryDelayMs?: number } & EventOfAttempt & EventOfFailure)
  | ({ readonly type: "sleep_started"; readonly durationMs: number } & EventOfStep)
  | ({ readonly type: "sleep_completed" } & EventOfStep)
  | ({ readonly type: "wait_started"; readonly eventType: string } & EventOfStep)
  | ({ readonly type: "wait_completed" } & EventOfStep)
  | ({ readonly type: "wait_timed_out" } & EventOfStep)
  | { readonly type: "rollback_started" }
  | ({ readonly type: "rollback_step_started"; readonly config?: ShownStepConfig } & EventOfStep)
  | ({ readonly type: "rollback_step_completed" } & EventOfStep)
  | ({ readonly type: "rollback_step_errored" } & EventOfStep & EventOfFailure)
  | ({ readonly type: "rollback_attempt_started" } & EventOfAttempt)
  | ({ readonly type: "rollback_attempt_completed" } & EventOfAttempt)
  | ({ readonly type: "rollback_attempt_errored"; readonly retryDelayMs?: number } & EventOfAttempt & EventOfFailure)
  | { readonly type: "rollback_completed" }
  | { readonly type: "rollback_errored" };

/** An event that an instance tells. */
export type WorkflowInstanceEvent = {
  /** The instance's id. */
  readonly instanceId: string;
  /** Grows with each event, also over restarts; the `cursor` of a later subscription. */
  readonly eventId: number;
  /** When, ms. */
  readonly timestamp: number;
} & FeedEvent;

/** The types of events. */
export type WorkflowInstanceEventType = FeedEvent["type"];

const TYPES: { readonly [T in WorkflowInstanceEventType]: true } = {
  workflow_queued: true,
  workflow_started: true,
  workflow_running: true,
  workflow_paused: true,
  workflow_waiting_for_pause: true,
  workflow_waiting: true,
  workflow_completed: true,
  workflow_errored: true,
  workflow_terminated: true,
  workflow_state: true,
  step_started: true,
  step_completed: true,
  step_errored: true,
  attempt_started: true,
  attempt_completed: true,
  attempt_errored: true,
  sleep_started: true,
  sleep_completed: true,
  wait_started: true,
  wait_completed: true,
  wait_timed_out: true,
  rollback_started: true,
  rollback_step_started: true,
  rollback_step_completed: true,
  rollback_step_errored: true,
  rollback_attempt_started: true,
  rollback_attempt_completed: true,
  rollback_attempt_errored: true,
  rollback_completed: true,
  rollback_errored: true,
};

/** Whether there is such a type. */
export function isEventType(type: unknown): type is WorkflowInstanceEventType {
  return typeof type === "string" && Object.hasOwn(TYPES, type);
}
