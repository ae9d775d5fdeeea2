/**
 * What a workflow's author writes against: Cloudflare's own classes and types by their own names, so that the same
 * source type-checks and runs on both.
 *
 * Ours beyond Cloudflare: the `signal` of {@linkcode WorkflowCallbackContext}, and {@linkcode WorkflowStep.setState}.
 *
 * @module
 */

/** Units of a duration. */
export type WorkflowDurationLabel = "second" | "minute" | "hour" | "day" | "week" | "month" | "year";

/** `"10 seconds"`, or a number of milliseconds. */
export type WorkflowSleepDuration = `${number} ${WorkflowDurationLabel}${"s" | ""}` | number;

/** Wait before a retry. */
export type WorkflowDelayDuration = WorkflowSleepDuration;

/** Longest time of one attempt, or of a wait for an event. */
export type WorkflowTimeoutDuration = WorkflowSleepDuration;

/** How the wait grows with the attempts. */
export type WorkflowBackoff = "constant" | "linear" | "exponential";

/** What of a step is hidden in everything that is shown. */
export type WorkflowStepSensitivity = "output";

/** What a delay function is given. */
export type WorkflowDynamicDelayContext = {
  ctx: WorkflowStepContext<WorkflowDelayFunction>;
  error: Error;
};

/**
 * Computes the wait before a retry, in the attempt that has failed: it may use the real time, randomness and bindings,
 * and has 5 seconds to answer. Its answer goes through `backoff` and is recorded. One that throws, answers with no
 * duration or not in time fails the step for good, with a `NonRetryableDelayError`.
 */
export type WorkflowDelayFunction = (
  input: WorkflowDynamicDelayContext,
) => WorkflowDelayDuration | Promise<WorkflowDelayDuration>;

/** Options of a step. */
export type WorkflowStepConfig = {
  /** @default {{ limit: 5, delay: "10 seconds", backoff: "exponential" }} */
  retries?: {
    /** Retries after the first attempt. */
    limit: number;
    delay: WorkflowDelayDuration | number | WorkflowDelayFunction;
    /** @default {"exponential"} */
    backoff?: WorkflowBackoff;
  };
  /**
   * Of each attempt.
   *
   * @default {"10 minutes"}
   */
  timeout?: WorkflowTimeoutDuration | number;
  /** Hides the step's output from status, history, logs and spans. */
  sensitive?: WorkflowStepSensitivity;
};

/** {@linkcode WorkflowStepConfig} with a static delay. */
export type WorkflowStepConfigWithStaticDelay = Omit<WorkflowStepConfig, "retries"> & {
  retries?: { limit: number; delay: WorkflowDelayDuration | number; backoff?: WorkflowBackoff };
};

/** {@linkcode WorkflowStepConfig} with a delay function. */
export type WorkflowStepConfigWithDelayFunction = Omit<WorkflowStepConfig, "retries"> & {
  retries: { limit: number; delay: WorkflowDelayFunction; backoff?: WorkflowBackoff };
};

/** Options of a rollback handler. */
export type WorkflowStepRollbackConfig = Pick<WorkflowStepConfig, "retries" | "timeout">;

/** What started an instance made by a schedule. */
export type WorkflowCronSchedule = {
  cron: string;
  /** Ms since the Unix epoch. */
  scheduledTime: number;
};

/** What `run` is called with. */
export type WorkflowEvent<T> = {
  /** The instance's params. */
  payload: Readonly<T>;
  /** When the instance was created. */
  timestamp: Date;
  instanceId: string;
  workflowName: string;
  schedule?: WorkflowCronSchedule;
};

/** What `step.waitForEvent` resolves with. */
export type WorkflowStepEvent<T> = {
  payload: Readonly<T>;
  timestamp: Date;
  type: string;
  sensitive?: WorkflowStepSensitivity;
};

/** What delay functions and rollback handlers learn of their step, and callbacks too. */
export type WorkflowStepContext<Delay = WorkflowDelayDuration | number> = {
  /** The step's name, and how many times this name has been used so far. */
  step: { name: string; count: number };
  /** From 1. */
  attempt: number;
  /** With the defaults filled in. */
  config: {
    retries?: { limit: number; backoff?: WorkflowBackoff } & (Delay extends WorkflowDelayFunction ? Record<never, never>
      : { delay: WorkflowDelayDuration | number });
    timeout?: WorkflowTimeoutDuration | number;
    sensitive?: WorkflowStepSensitivity;
  };
};

/** What a step's callback is called with: a copy of its own, changing it changes nothing. */
export type WorkflowCallbackContext<Delay = WorkflowDelayDuration | number> = WorkflowStepContext<Delay> & {
  /** Aborts when this attempt's result will no longer be heard: time-out, terminate, drain. Tenure's, not Cloudflare's. */
  signal: AbortSignal;
};

/** What a rollback handler is called with. */
export type WorkflowRollbackContext<T = unknown, Delay = WorkflowDelayDuration | number> = {
  ctx: WorkflowStepContext<Delay>;
  error: Error;
  output: T | undefined;
  /**
   * `name-count`.
   *
   * @deprecated Use `ctx.step.name` and `ctx.step.count` instead.
   */
  stepName: string;
};

/**
 * Undoes a step: called when the run has failed, or is terminated with rollback, for each step that has begun. The last
 * one begun comes first, and the first that fails for good stops the rest. It may call what is granted, and run no steps.
 */
export type WorkflowRollbackHandler<T = unknown, Delay = WorkflowDelayDuration | number> = (
  ctx: WorkflowRollbackContext<T, Delay>,
) => Promise<void>;

/** The last argument of `step.do`. */
export type WorkflowStepRollbackOptions<T = unknown, Delay = WorkflowDelayDuration | number> = {
  rollback: WorkflowRollbackHandler<T, Delay>;
  rollbackConfig?: WorkflowStepRollbackConfig;
};

/**
 * A step's body.
 *
 * A union, because the compiler compares the parameters of a lone function type strictly, and then Cloudflare's step
 * (whose context has no `signal`) would not be one of ours.
 */
export type WorkflowStepCallback<T, Delay = WorkflowDelayDuration | number> =
  | ((ctx: WorkflowCallbackContext<Delay>) => Promise<T>)
  | ((ctx: WorkflowCallbackContext<Delay>) => PromiseLike<T>);

/** What `run` makes its durable steps with. */
export interface WorkflowStep {
  /**
   * Runs a callback and records its result: it runs until it has succeeded once or used up its retries, and never
   * after that; a replay gets the recorded result.
   */
  do<T>(name: string, callback: WorkflowStepCallback<T>, rollbackOptions?: WorkflowStepRollbackOptions<T>): Promise<T>;
  /** The same with options, where the delay is a function. */
  do<T>(
    name: string,
    config: WorkflowStepConfigWithDelayFunction,
    callback: WorkflowStepCallback<T, WorkflowDelayFunction>,
    rollbackOptions?: WorkflowStepRollbackOptions<T, WorkflowDelayFunction>,
  ): Promise<T>;
  /** The same with options. */
  do<T>(
    name: string,
    config: WorkflowStepConfigWithStaticDelay,
    callback: WorkflowStepCallback<T>,
    rollbackOptions?: WorkflowStepRollbackOptions<T>,
  ): Promise<T>;
  /** The same with options of either form. */
  do<T>(
    name: string,
    config: WorkflowStepConfig,
    callback: WorkflowStepCallback<T>,
    rollbackOptions?: WorkflowStepRollbackOptions<T>,
  ): Promise<T>;
  /** Sleeps durably: nothing is held in memory meanwhile. */
  sleep: (name: string, duration: WorkflowSleepDuration) => Promise<void>;
  /** Sleeps until a time, which must not be past. */
  sleepUntil: (name: string, timestamp: Date | number) => Promise<void>;
  /** Waits for the next event of a type, 24 hours at most. */
  // Two signatures where one would do: the compiler compares overloads with their type parameters erased, and only so
  // is Cloudflare's (whose T has a constraint) one of ours and ours one of theirs.
  waitForEvent<T>(name: string, options: { type: string }): Promise<WorkflowStepEvent<T>>;
  /** The same with a time-out: rejects with a `WorkflowTimeoutError` when it has passed. */
  waitForEvent<T>(
    name: string,
    options: { type: string; timeout?: WorkflowTimeoutDuration | number },
  ): Promise<WorkflowStepEvent<T>>;
  /**
   * Publishes what the run wants to be known of it, at most 64 KiB: `instance.state()` shows the last one, and
   * `instance.subscribe()` tells each. Recorded like a step, so a replay publishes nothing again; in a step's callback
   * each attempt publishes its own. Tenure's, not Cloudflare's: `await step.setState?.(…)` runs on both.
   */
  setState?: (state: unknown) => Promise<void>;
  /**
   * Starts another workflow of the same tenant and waits for what it returns; nothing is held in memory meanwhile. It
   * ends with this run, however that ends, unless it is detached. Recorded like a step, and not to be used in a step's
   * callback. Tenure's, not Cloudflare's.
   */
  invoke?: WorkflowInvoke;
}

/** How a child is started. */
export type WorkflowInvokeOptions<Params = unknown> = {
  /** The exported class, or a workflow that the host has registered. */
  workflow: string;
  /** @default {{}} */
  params?: Params;
  /**
   * The instance's id. One that is taken, also by a child of an earlier life of this run, rejects.
   *
   * @default {crypto.randomUUID()}
   */
  id?: string;
};

/** What {@linkcode WorkflowStep.invoke} is. */
export interface WorkflowInvoke {
  /** Starts it without waiting: it goes on whatever becomes of this run. */
  (name: string, options: WorkflowInvokeOptions & { detach: true }): Promise<{ id: string }>;
  /** Resolves with its output; rejects with its error, or when it was terminated, deleted or could not be started. */
  <Output = unknown>(name: string, options: WorkflowInvokeOptions & { detach?: false }): Promise<Output>;
}

/** What a class is constructed with beside its env: there for Cloudflare's signature. */
export interface WorkflowExecutionContext {
  /** Does nothing: what must happen belongs into a step. */
  waitUntil(promise: Promise<unknown>): void;
  /** Does nothing. */
  passThroughOnException(): void;
  /** Empty. */
  readonly props: unknown;
}

/**
 * Base class of a workflow.
 *
 * @typeParam Env what the platform grants
 * @typeParam T the params
 *
 * @example
 * ```ts ignore
 * import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
 *
 * export class Greet extends WorkflowEntrypoint<unknown, { name: string }> {
 *   async run(event: WorkflowEvent<{ name: string }>, step: WorkflowStep) {
 *     return await step.do("greet", async () => `Hello, ${event.payload.name}`);
 *   }
 * }
 * ```
 */
export abstract class WorkflowEntrypoint<Env = unknown, T = unknown> {
  /** As Cloudflare's; it has nothing to hand on here. */
  protected ctx: WorkflowExecutionContext;
  /** What the platform grants, and nothing else. */
  protected env: Env;
  /** Called by the engine. */
  constructor(ctx: WorkflowExecutionContext, env: Env) {
    this.ctx = ctx;
    this.env = env;
  }
  /** The workflow: called anew for every replay. */
  abstract run(event: Readonly<WorkflowEvent<T>>, step: WorkflowStep): Promise<unknown>;
}

/** Thrown in a step: no retry. */
export class NonRetryableError extends Error {
  /** Makes one. */
  constructor(message: string, name: string = "NonRetryableError") {
    super(message);
    this.name = name;
  }
}
