/**
 * The guest's side of the protocol in core/ports/guest.ts: turns deliveries into promises settled and bodies run, and
 * what a tenant's code does into commands. Shared by every sandbox.
 *
 * What it guarantees to the tenant: a delivery that is unknown, repeated or senseless changes nothing. To the host it
 * guarantees nothing, because in a VM the tenant's code sits beside it.
 *
 * @module
 */
import type { WorkflowCallbackContext, WorkflowEntrypoint, WorkflowExecutionContext, WorkflowRollbackContext } from "../../../core/entrypoint.ts";
import { parseFrame } from "../../../core/frame.ts";
import type { Command, Delivery } from "../../../core/ports/guest.ts";
import { fatalError } from "../../../core/step_config.ts";
import { decode, describeError, encode } from "../../../core/values.ts";
import { makeEnv } from "./bindings.ts";
import type { ContextTracker, Scope } from "./context.ts";
import { abortError, bodyContext, executionContext, type Running } from "./callback.ts";
import { answerOf, asError, type Delay } from "./delay.ts";
import { type Failure, failureOf, refusalOf } from "./failure.ts";
import { errorField, numberField, textField } from "./headers.ts";
import { freeze, hasOwn, NativeDate, NativeError, NativePromise, safeMap } from "./intrinsics.ts";
import { type Body, type Code, makeStep, type Rollback } from "./step.ts";
import { takeStreams } from "./streams.ts";

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

/** Something that is attempted: a body, or what undoes it. */
interface Tried {
  /** How long to wait after an attempt that has failed. */
  readonly delay: Delay;
  /** The highest attempt so far, and what it threw. */
  attempt: number;
  thrown: unknown;
}

interface Pending extends Tried {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Of a `do`. */
  readonly body: Body | undefined;
  /** Set when it is issued. */
  scope: Scope | undefined;
}

interface Undo extends Tried {
  readonly rollback: Rollback;
}

type Start = Delivery & { d: "start" };
type RunBody = Delivery & { d: "body" };
type AskDelay = Delivery & { d: "delay" };
type RunRollback = Delivery & { d: "rollback" };

const NO_CODE = freeze({ __proto__: null, body: undefined, delay: undefined }) as { body: undefined; delay: undefined };
const OUTPUT = freeze({ __proto__: null, root: "output" }) as { root: string };
const ARGUMENTS = freeze({ __proto__: null, root: "arguments" }) as { root: string };

/** Makes the runtime of one guest. */
export function createRuntime(host: RuntimeHost): Runtime {
  const { context, guard } = host;
  const send = host.send;
  const pending = new safeMap<number, Pending>();
  const undos = new safeMap<number, Undo>();
  /** By command: of two attempts at one step only the last is heard. */
  const running = new safeMap<number, Running>();
  const Controller = globalThis.AbortController;
  const streams = takeStreams();
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

  /** Sends a command of the current scope, unless it is known to be another's. */
  function register(kind: string, fields: string, value: string | undefined, entry: Pending, code?: Code, owner: Scope | undefined = scope()): number {
    if (owner === undefined) throw new NativeError("Cannot reach the platform: the workflow has not started");
    if (owner.closed) throw abortError();
    if (owner.undoes === true && kind !== "call" && kind !== "timer" && kind !== "read") throw fatalError("Cannot run a step in a rollback handler");
    const id = ++lastId;
    // a run that was let go waits for ever: told of an error, its code would act on it
    if (stopped) return id;
    pending.set(id, entry);
    entry.scope = owner;
    owner.open++;
    const rollback = code?.rollback;
    if (rollback !== undefined) {
      undos.set(++lastId, { rollback, delay: code?.rollbackDelay, attempt: 0, thrown: undefined });
      fields += numberField("rollback", lastId);
    }
    sendFrame(`{"c":"${kind}","id":${id},"in":${owner.id}${fields}}`, value);
    return id;
  }

  function issue(kind: string, fields: string, code?: Code, value?: string, owner?: Scope): Promise<unknown> {
    const promise = new NativePromise<unknown>((resolve, reject) => {
      const { body, delay } = code ?? NO_CODE;
      register(kind, fields, value, { resolve, reject, body, delay, scope: undefined, attempt: 0, thrown: undefined }, code, owner);
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

  const step = makeStep({ issue, refuse, now: () => scope()?.now ?? 0, within: () => (scope()?.id ?? 0) !== 0 });

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
      case "delay":
        return ask(delivery, taken.value);
      case "rollback":
        return runRollback(delivery, taken.value);
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
        ...(delivery.event.schedule !== undefined && { schedule: delivery.event.schedule }),
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
    const entry = take(delivery.id);
    if (entry === undefined) return;
    const { scope } = entry;
    scope.now = delivery.now;
    context.run(scope, () => {
      try {
        // Decoded for every settlement anew: nobody holds the same object.
        const result = hasOwn(delivery, "stream") ? load(delivery.id, delivery.stream) : value === undefined ? undefined : decode(value);
        if (delivery.ok) entry.resolve(result);
        else entry.reject(result);
      } catch (error) {
        entry.reject(error);
      }
    });
  }

  /** The stream that a step has stored. Who reads it asks for its pieces. */
  function load(of: number, pieces: number | undefined): ReadableStream {
    return streams.load(pieces ?? 0, (n) => issue("read", numberField("of", of) + numberField("n", n)));
  }

  /** Takes a command off the list. */
  function take(id: number): Pending & { scope: Scope } | undefined {
    const entry = pending.get(id) as Pending & { scope: Scope } | undefined;
    if (entry === undefined) return undefined;
    pending.delete(id);
    entry.scope.open--;
    return entry;
  }

  function runBody(delivery: RunBody): void {
    const entry = pending.get(delivery.id);
    const body = entry?.body;
    if (entry === undefined || body === undefined || !(delivery.attempt > entry.attempt)) return;
    attempt(delivery, false, entry, body);
  }

  function runRollback(delivery: RunRollback, value: string | undefined): void {
    const undo = undos.get(delivery.id);
    if (undo === undefined || !(delivery.attempt > undo.attempt)) return;
    const { rollback } = undo;
    attempt(delivery, true, undo, async (ctx) => {
      const given = (value === undefined ? {} : decode(value)) as Pick<WorkflowRollbackContext, "error" | "output">;
      const output = hasOwn(delivery, "stream") ? load(delivery.stream?.of ?? 0, delivery.stream?.pieces) : given.output;
      await rollback({ ctx, error: given.error, output, stepName: `${ctx.step.name}-${ctx.step.count}` });
    });
  }

  function attempt(delivery: RunBody | RunRollback, undoes: boolean, tried: Tried, body: Body): void {
    const { id, attempt, seed, now } = delivery;
    if (tried.attempt > 0) abort(id, tried.attempt);
    tried.attempt = attempt;
    tried.thrown = undefined;
    const scope: Scope = { id, attempt, seed, now, open: 0, closed: false, undoes };
    const state: Running = { scope, controller: undefined, stop: undefined };
    running.set(id, state);
    bodies++;
    context.run(scope, () => void attemptBody(tried, body, bodyContext(delivery, state, Controller), state));
  }

  async function attemptBody(tried: Tried, body: Body, ctx: WorkflowCallbackContext, state: Running): Promise<void> {
    const { id, attempt } = state.scope;
    let failure: Failure | undefined;
    let text: string | undefined;
    try {
      const result = await body(ctx);
      try {
        if (streams.is(result) && state.scope.undoes !== true) failure = await store(result, tried, state);
        else text = encode(result);
      } catch (error) {
        failure = refusalOf(error);
      }
    } catch (error) {
      failure = failureOf(error);
      // what it throws because its time is over says nothing
      if (!state.scope.closed) tried.thrown = error;
    }
    if (running.get(id) === state) running.delete(id);
    bodies--;
    const head = `{"c":"done","id":${id},"attempt":${attempt},"ok":`;
    if (failure === undefined) return sendFrame(text === undefined ? `${head}true,"stream":true}` : `${head}true}`, text);
    sendFrame(`${head}false,"retry":${failure.retry}${errorField(failure.error)}}`, failure.text);
  }

  /** Sends a stream as the result of an attempt. What it fails with itself may be tried again. */
  async function store(stream: ReadableStream, tried: Tried, state: Running): Promise<Failure | undefined> {
    const { attempt } = state.scope;
    const send = (n: number, base64: string): Promise<unknown> =>
      issue("piece", numberField("attempt", attempt) + numberField("n", n), undefined, `j"${base64}"`, state.scope);
    try {
      const refused = await streams.store(stream, send, (stop) => void (state.stop = stop));
      return refused && refusalOf(refused.refusal);
    } catch (error) {
      if (!state.scope.closed) tried.thrown = error;
      return failureOf(error);
    }
  }

  /** Asks the author of a step, or of what undoes it, how long to wait after an attempt that has failed. */
  function ask(delivery: AskDelay, value: string | undefined): void {
    const { id, attempt, seed, now } = delivery;
    const entry: Tried | undefined = pending.get(id) ?? undos.get(id);
    if (entry === undefined || attempt < entry.attempt) return;
    const thrown = entry.thrown === undefined || attempt > entry.attempt ? value === undefined ? undefined : decode(value) : entry.thrown;
    const scope: Scope = { id, attempt, seed, now, open: 0, closed: false, undoes: false };
    const state: Running = { scope, controller: undefined, stop: undefined };
    running.set(id, state);
    bodies++;
    context.run(scope, () => void answer(entry.delay, delivery, thrown, state));
  }

  async function answer(delay: Delay, delivery: AskDelay, thrown: unknown, state: Running): Promise<void> {
    const { id, attempt } = delivery;
    let field: string;
    try {
      const { step, config } = bodyContext(delivery, state, Controller);
      field = numberField("ms", await answerOf(delay, { ctx: { step, attempt, config }, error: asError(thrown) }));
    } catch (error) {
      field = errorField(describeError(error));
    }
    if (running.get(id) === state) running.delete(id);
    bodies--;
    sendFrame(`{"c":"delay","id":${id},"attempt":${attempt}${field}}`, undefined);
  }

  function abort(id: number, attempt: number): void {
    const state = running.get(id);
    if (state === undefined || state.scope.attempt !== attempt || state.scope.closed) return;
    state.scope.closed = true;
    const { controller, stop } = state;
    if (stop !== undefined) context.run(state.scope, () => stop(abortError()));
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
      const entry: Pending = { resolve: callback, reject() {}, body: undefined, delay: undefined, scope: undefined, attempt: 0, thrown: undefined };
      return register("timer", numberField("ms", ms), undefined, entry);
    },
    forget(id: number) {
      take(id);
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
