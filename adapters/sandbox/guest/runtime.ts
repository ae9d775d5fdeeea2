/**
 * The guest's side of the protocol in core/ports/guest.ts: turns deliveries into promises settled and bodies run, and
 * what a tenant's code does into commands. Shared by every sandbox.
 *
 * What it guarantees to the tenant: a delivery that is unknown, repeated or senseless changes nothing. To the host it
 * guarantees nothing, because in a VM the tenant's code sits beside it.
 *
 * @module
 */
import type { WorkflowCallbackContext, WorkflowEntrypoint, WorkflowExecutionContext } from "../../../core/entrypoint.ts";
import { parseFrame } from "../../../core/frame.ts";
import type { Command, Delivery } from "../../../core/ports/guest.ts";
import { decode, encode } from "../../../core/values.ts";
import { makeEnv } from "./bindings.ts";
import type { ContextTracker, Scope } from "./context.ts";
import { type Failure, failureOf, refusalOf } from "./failure.ts";
import { errorField, numberField, textField } from "./headers.ts";
import { freeze, NativeDate, NativeError, NativePromise, safeMap } from "./intrinsics.ts";
import { type Body, makeStep } from "./step.ts";

/** A workflow class as a tenant exports it. */
export type WorkflowClass = new (ctx: WorkflowExecutionContext, env: Record<string, unknown>) => WorkflowEntrypoint;

/** What the runtime is given. */
export interface RuntimeHost {
  /** Takes a frame for the host. */
  send(frame: string): void;
  /** The class that is exported by this name. */
  find(className: string): WorkflowClass | undefined;
  /** Knows in which scope code runs. */
  readonly context: ContextTracker;
  /** Sees every promise before it is handed out, so that a realm with an unhandled rejection handler can quiet it. */
  guard?(promise: Promise<unknown>): void;
  /** Sees the `env` and the logical time of the run before its class is made. */
  started?(env: Record<string, unknown>, now: number): void;
}

/** One guest's runtime. */
export interface Runtime {
  /** Takes a delivery. Never throws. */
  deliver(text: string): void;
  /** Issues a timer: its callback runs once, and never when {@linkcode forget} comes first. */
  timer(ms: number, callback: () => void): number;
  /** Forgets a command: its settlement will be an unknown one. */
  forget(id: number): void;
  /** Sends a line of a log. */
  log(level: (Command & { c: "log" })["level"], text: string): void;
  /** The scope in which code runs now, the run's when there is none. */
  scope(): Scope | undefined;
  /** Whether something that is not the host's to settle keeps it from resting: a body, or the run itself. */
  busy(): boolean;
  /** Aborts every attempt, sends nothing more and takes nothing more. */
  stop(): void;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Of a `do`. */
  readonly body: Body | undefined;
}

interface Pending {
  readonly scope: Scope;
  readonly waiting: Waiting;
  /** The highest attempt so far. */
  attempt: number;
}

interface Running {
  readonly scope: Scope;
  controller: AbortController | undefined;
}

type Start = Delivery & { d: "start" };
type RunBody = Delivery & { d: "body" };

const OUTPUT = freeze({ __proto__: null, root: "output" }) as { root: string };
const ARGUMENTS = freeze({ __proto__: null, root: "arguments" }) as { root: string };

/** Makes the runtime of one guest. */
export function createRuntime(host: RuntimeHost): Runtime {
  const { context, guard } = host;
  const send = host.send;
  const pending = new safeMap<number, Pending>();
  const running = new safeMap<string, Running>();
  const Controller = globalThis.AbortController;
  let bodies = 0;
  let lastId = 0;
  let run: Scope | undefined;
  let ended = false;
  let stopped = false;

  function sendFrame(header: string, value: string | undefined): void {
    if (!stopped) send(value === undefined ? header : `${header}\n${value}`);
  }

  function scope(): Scope | undefined {
    return context.current() ?? run;
  }

  /** Sends a command of the current scope. */
  function register(kind: string, fields: string, value: string | undefined, waiting: Waiting): number {
    const owner = scope();
    if (owner === undefined) throw new NativeError("Cannot reach the platform: the workflow has not started");
    if (owner.closed || stopped) throw abortError();
    const id = ++lastId;
    pending.set(id, { scope: owner, waiting, attempt: 0 });
    owner.open++;
    sendFrame(`{"c":"${kind}","id":${id},"in":${owner.id}${fields}}`, value);
    return id;
  }

  function issue(kind: string, fields: string, body?: Body, value?: string): Promise<unknown> {
    const promise = new NativePromise<unknown>((resolve, reject) => {
      register(kind, fields, value, { resolve, reject, body });
    });
    guard?.(promise);
    return promise;
  }

  function refuse(error: unknown): Promise<never> {
    const refused = new NativePromise<never>((_resolve, reject) => reject(error));
    guard?.(refused);
    return refused;
  }

  function call(target: string, method: string, args: unknown[]): Promise<unknown> {
    let value: string;
    try {
      value = encode(args, ARGUMENTS);
    } catch (error) {
      return refuse(error);
    }
    return issue("call", textField("target", target) + textField("method", method), undefined, value);
  }

  const step = makeStep({ issue, refuse, now: () => scope()?.now ?? 0 });

  function deliver(text: string): void {
    if (stopped) return;
    const taken = parseFrame(text);
    if (taken === undefined || typeof taken.header !== "object" || taken.header === null) return;
    const delivery = taken.header as Delivery;
    switch (delivery.d) {
      case "start":
        return start(delivery, taken.value);
      case "settle":
        return settle(delivery, taken.value);
      case "body":
        return runBody(delivery);
      case "abort":
        return abort(delivery.id, delivery.attempt);
    }
  }

  function start(delivery: Start, value: string | undefined): void {
    if (run !== undefined) return;
    run = { id: 0, attempt: 0, seed: delivery.seed, now: delivery.now, open: 0, closed: false };
    context.run(run, () => void runWorkflow(delivery, value));
  }

  async function runWorkflow(delivery: Start, value: string | undefined): Promise<void> {
    let text: string;
    try {
      const given = value === undefined ? {} : decode(value) as { params?: unknown; env?: unknown };
      const env = makeEnv(given.env, delivery.bindings, call);
      host.started?.(env, delivery.now);
      const Class = host.find(delivery.class);
      if (Class === undefined) {
        throw new NativeError(`Cannot start "${delivery.class}": no class of this name is exported`);
      }
      const instance = new Class(executionContext(guard), env);
      const output = await instance.run({
        payload: given.params as never,
        timestamp: new NativeDate(delivery.event.timestamp),
        instanceId: delivery.event.instanceId,
        workflowName: delivery.event.workflowName,
      }, step);
      try {
        text = encode(output, OUTPUT);
      } catch (error) {
        return end(refusalOf(error));
      }
    } catch (error) {
      return end(failureOf(error));
    }
    ended = true;
    sendFrame(`{"c":"end","ok":true}`, text);
  }

  function end(failure: Failure): void {
    ended = true;
    sendFrame(`{"c":"end","ok":false${errorField(failure.error)}}`, failure.text);
  }

  function settle(delivery: Delivery & { d: "settle" }, value: string | undefined): void {
    const entry = pending.get(delivery.id);
    if (entry === undefined) return;
    pending.delete(delivery.id);
    entry.scope.open--;
    entry.scope.now = delivery.now;
    context.run(entry.scope, () => {
      try {
        // Decoded for every settlement anew: nobody holds the same object.
        const result = value === undefined ? undefined : decode(value);
        if (delivery.ok) entry.waiting.resolve(result);
        else entry.waiting.reject(result);
      } catch (error) {
        entry.waiting.reject(error);
      }
    });
  }

  function runBody(delivery: RunBody): void {
    const entry = pending.get(delivery.id);
    const body = entry?.waiting.body;
    if (entry === undefined || body === undefined || !(delivery.attempt > entry.attempt)) return;
    const { id, attempt, seed, now } = delivery;
    const state: Running = {
      scope: { id, attempt, seed, now, open: 0, closed: false },
      controller: undefined,
    };
    const ctx = bodyContext(delivery, state);
    entry.attempt = attempt;
    running.set(keyOf(id, attempt), state);
    bodies++;
    context.run(state.scope, () => void attemptBody(body, ctx, id, attempt));
  }

  async function attemptBody(body: Body, ctx: WorkflowCallbackContext, id: number, attempt: number): Promise<void> {
    let failure: Failure | undefined;
    let text = "";
    try {
      const result = await body(ctx);
      try {
        text = encode(result);
      } catch (error) {
        failure = refusalOf(error);
      }
    } catch (error) {
      failure = failureOf(error);
    }
    running.delete(keyOf(id, attempt));
    bodies--;
    const head = `{"c":"done","id":${id},"attempt":${attempt},"ok":`;
    if (failure === undefined) return sendFrame(`${head}true}`, text);
    sendFrame(`${head}false,"retry":${failure.retry}${errorField(failure.error)}}`, failure.text);
  }

  function bodyContext(delivery: RunBody, state: Running): WorkflowCallbackContext {
    const { retries, ...config } = delivery.config;
    return {
      step: { name: delivery.name, count: delivery.count },
      attempt: delivery.attempt,
      config: { retries: { ...retries }, ...config } as WorkflowCallbackContext["config"],
      // Made when it is asked for: few bodies ask.
      get signal() {
        state.controller ??= new Controller();
        if (state.scope.closed && !state.controller.signal.aborted) state.controller.abort(abortError());
        return state.controller.signal;
      },
    };
  }

  function abort(id: number, attempt: number): void {
    const state = running.get(keyOf(id, attempt));
    if (state === undefined || state.scope.closed) return;
    state.scope.closed = true;
    const controller = state.controller;
    if (controller !== undefined) context.run(state.scope, () => controller.abort(abortError()));
  }

  return freeze({
    deliver(text: string) {
      try {
        deliver(text);
      } catch {
        // A delivery that is not one, as far as its header tells: ignored.
      }
    },
    timer(ms: number, callback: () => void) {
      return register("timer", numberField("ms", ms), undefined, { resolve: callback, reject() {}, body: undefined });
    },
    forget(id: number) {
      const entry = pending.get(id);
      if (entry === undefined || !pending.delete(id)) return;
      entry.scope.open--;
    },
    log(level: (Command & { c: "log" })["level"], text: string) {
      sendFrame(`{"c":"log","in":${scope()?.id ?? 0},"level":"${level}"}`, text);
    },
    scope,
    busy: () => bodies > 0 || (run !== undefined && !ended && run.open === 0),
    stop() {
      if (stopped) return;
      stopped = true;
      running.forEach((state) => {
        state.scope.closed = true;
        try {
          state.controller?.abort(abortError());
        } catch {
          // A listener of the tenant's: its error is nobody's.
        }
      });
    },
  });
}

function keyOf(id: number, attempt: number): string {
  return `${id}:${attempt}`;
}

function abortError(): Error {
  const error = new NativeError("The attempt was aborted: its result will not be heard");
  error.name = "AbortError";
  return error;
}

function executionContext(guard: ((promise: Promise<unknown>) => void) | undefined): WorkflowExecutionContext {
  return {
    waitUntil(promise) {
      if (promise instanceof NativePromise) guard?.(promise);
    },
    passThroughOnException() {},
    props: {},
  };
}
