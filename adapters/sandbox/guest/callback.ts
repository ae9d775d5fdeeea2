/**
 * What a tenant's callbacks are called with.
 *
 * @module
 */
import type { WorkflowCallbackContext, WorkflowExecutionContext } from "../../../core/entrypoint.ts";
import type { Delivery } from "../../../core/ports/guest.ts";
import { DEFAULT_STEP_CONFIG } from "../../../core/step_config.ts";
import type { Scope } from "./context.ts";
import { NativeError, NativePromise } from "./intrinsics.ts";

/** An attempt that runs. */
export interface Running {
  readonly scope: Scope;
  controller: AbortController | undefined;
  /** Stops the stream that is its result. */
  stop: ((reason: unknown) => void) | undefined;
}

/** The `ctx` of an attempt, of which only what is asked for is made. */
export function bodyContext(
  delivery: Delivery & { readonly d: "body" | "rollback" | "delay" },
  state: Running,
  Controller: typeof AbortController,
): WorkflowCallbackContext {
  let config: WorkflowCallbackContext["config"] | undefined;
  const told = delivery.d === "rollback" ? delivery.step : delivery;
  return {
    step: { name: delivery.name, count: delivery.count },
    attempt: told.attempt,
    // These two are made when they are asked for: few bodies ask.
    get config() {
      const given = told.config ?? DEFAULT_STEP_CONFIG;
      return config ??= { ...given, retries: { ...given.retries } } as WorkflowCallbackContext["config"];
    },
    get signal() {
      state.controller ??= new Controller();
      if (state.scope.closed && !state.controller.signal.aborted) state.controller.abort(abortError());
      return state.controller.signal;
    },
  };
}

/** Why an attempt was aborted. */
export function abortError(): Error {
  const error = new NativeError("The attempt was aborted: its result will not be heard");
  error.name = "AbortError";
  return error;
}

/** What a class is constructed with. */
export function executionContext(guard: ((promise: Promise<unknown>) => void) | undefined): WorkflowExecutionContext {
  return {
    waitUntil(promise) {
      if (promise instanceof NativePromise) guard?.(promise);
    },
    passThroughOnException() {},
    props: {},
  };
}
