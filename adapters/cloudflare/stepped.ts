/**
 * A loaded workflow whose `step` is an object of the dispatcher's own around the engine's: each call of the code's steps
 * becomes a call of that object, as it would by RPC.
 *
 * To the engine these are steps of the dispatcher's class, which a replay issues again. What it does not see, and so does
 * not record, are the code's binding calls and timers between its steps.
 *
 * @module
 */
import type { Received } from "../../core/execution/commands.ts";
import { NonRetryableError, type WorkflowStep } from "../../core/entrypoint.ts";
import { frame } from "../../core/frame.ts";
import type { Limits } from "../../core/limits.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Command, GuestCaps } from "../../core/ports/guest.ts";
import { decode, describeError, encode, encodeThrown } from "../../core/values.ts";
import { capturedPlace } from "../sandbox/trusted/node_async_hooks.ts";
import { type Driver, drive, GuestDied } from "./driver.ts";
import { ENTRY_CLASS } from "./layer_frames.ts";
import type { Entered, LayeredRun, OpenedLayer } from "./layers.ts";

/** What a run is made of. */
export interface Stepped {
  readonly opened: OpenedLayer;
  readonly entered: Entered;
  /** The dispatcher's object. */
  readonly step: object;
  readonly caps: GuestCaps;
  readonly clock: Clock;
  readonly limits: Limits;
  /** The run of which it is a part, when it is one of ours: it says the time and the chance between steps. */
  readonly of: LayeredRun | undefined;
  log(level: "debug" | "info" | "warn" | "error", text: string): void;
}

type Do = Command & { readonly c: "do" };
type Config = NonNullable<Do["config"]>;
type Answered = Command & { readonly c: "done" | "delay" };
/** What a callback of a step is called with: a wrapper may have left any of it out. */
interface Context {
  readonly step?: { readonly name?: unknown; readonly count?: unknown };
  readonly attempt?: unknown;
  readonly config?: unknown;
  readonly signal?: AbortSignal;
}

/** Whether an object can stand for a step. */
export function isStep(value: unknown): value is object {
  return typeof value === "object" && value !== null && typeof (value as { do?: unknown }).do === "function";
}

/** Runs the code to its end; `stop` lets its guest go before. */
export function runStepped({ opened, entered, step, caps, clock, limits, of, log }: Stepped): { readonly output: Promise<unknown>; stop(): void; collect(): void } {
  const steps = step as WorkflowStep;
  /** By scope: where what it asks for is called. */
  const places = new Map<number, <T>(run: () => T) => T>([[0, capturedPlace()]]);
  /** By command and attempt: who waits for what the guest says of it. */
  const waiting = new Map<string, { resolve(answer: { readonly command: Answered; readonly value: string }): void; reject(error: unknown): void }>();
  const attempts = new Map<number, number>();
  let undoes = false, ended = false, gone: { readonly error: unknown } | undefined;
  let settleOutput: { resolve(value: unknown): void; reject(error: unknown): void };
  const output = new Promise<unknown>((resolve, reject) => settleOutput = { resolve, reject });

  function command({ command, value }: Received): void {
    switch (command.c) {
      case "end":
        ended = true;
        // what undoes its steps is asked for when the run has failed
        if (!undoes || of === undefined) driver.close();
        return command.ok ? settleOutput.resolve(decode(value)) : settleOutput.reject(decode(value));
      case "do":
        return calls(command, () => runDo(command));
      case "sleep":
        return calls(command, () => command.ms !== undefined ? steps.sleep(command.name, command.ms) : steps.sleepUntil(command.name, command.until as number));
      case "wait":
        return calls(command, () => steps.waitForEvent(command.name, { type: command.type, timeout: command.timeout }));
      case "state":
        return calls(command, () => offered(steps.setState, "setState").call(steps, decode(value)));
      case "child":
        return calls(command, () => {
          const { workflow, child, detach } = command;
          return (offered(steps.invoke, "invoke") as (name: string, options: object) => Promise<unknown>).call(steps, command.name, { workflow, params: decode(value), ...(child !== undefined && { id: child }), ...(detach && { detach }) });
        });
      case "piece":
      case "read":
        return driver.refuse(command.id, "WorkflowFatalError", "Cannot store the result: a stream does not go through a step that the dispatcher has wrapped", command.in);
      case "done":
      case "delay":
        return waiting.get(`${command.c}/${command.id}/${command.attempt}`)?.resolve({ command, value });
      case "call":
        return driver.refuse(command.id, "TypeError", "There is no such binding", command.in);
      default:
        return;
    }
  }

  /** Calls the dispatcher's object, and tells the guest how that ended. */
  function calls({ id, in: scope }: Command & { readonly id: number; readonly in: number }, call: () => unknown): void {
    driver.waits(1);
    void within(scope, async () => {
      let ok = true, text: string;
      try {
        text = encode(await call());
      } catch (error) {
        ok = false;
        text = encodeThrown(error);
      }
      driver.waits(-1);
      driver.settle(id, ok, text, scope);
    });
  }

  function within<T>(scope: number, run: () => T): T {
    const place = places.get(scope);
    return place === undefined ? run() : place(run);
  }

  function runDo(command: Do): Promise<unknown> {
    const { id, name, rollback, rollbackConfig } = command;
    undoes ||= rollback !== undefined;
    const body = (ctx: Context): Promise<unknown> => attempted({ d: "body" }, id, id, ctx, name);
    const undo = async ({ ctx, error, output }: { ctx: Context; error: unknown; output: unknown }): Promise<void> => {
      await attempted({ d: "rollback", value: encode({ error, output }) }, rollback as number, rollback as number, ctx, name);
    };
    const options = rollback === undefined ? [] : [{ rollback: undo, ...(rollbackConfig !== undefined && { rollbackConfig: configOf(rollback, name, rollbackConfig) }) }];
    const config = command.config === undefined ? [] : [configOf(id, name, command.config)];
    return (steps.do as (...args: unknown[]) => Promise<unknown>)(name, ...config, body, ...options);
  }

  /** A config as its author writes it: where the delay is a function, the guest has it. */
  function configOf(id: number, name: string, { retries, timeout, sensitive }: Config): object {
    const delay = retries.delay ?? (async ({ ctx, error }: { ctx: Context; error: unknown }): Promise<number> => {
      const { command } = await asked({ d: "delay", value: encodeThrown(error) }, id, id, ctx, name, "delay");
      const { ms, error: failed } = command as Answered & { readonly c: "delay" };
      if (failed !== undefined) throw named(failed);
      return ms as number;
    });
    return { retries: { ...retries, delay }, timeout, ...(sensitive !== undefined && { sensitive }) };
  }

  async function attempted(what: { readonly d: "body" | "rollback"; readonly value?: string }, id: number, scope: number, ctx: Context, name: string): Promise<unknown> {
    const { command, value } = await asked(what, id, scope, ctx, name, "done");
    const done = command as Answered & { readonly c: "done" };
    if (done.ok) return decode(value);
    const error = decode(value);
    // what it is named is lost by RPC, too: that it is not to be tried again is not
    if (done.retry === false && !(error instanceof NonRetryableError) && describeError(error).name !== "NonRetryableError") throw new NonRetryableError(describeError(error).message, describeError(error).name);
    throw error;
  }

  /** Has the guest run something of a step, and waits for what it says of it. */
  async function asked({ d, value }: { readonly d: "body" | "rollback" | "delay"; readonly value?: string }, id: number, scope: number, ctx: Context, name: string, answer: "done" | "delay"): Promise<{ readonly command: Answered; readonly value: string }> {
    if (gone !== undefined) throw gone.error;
    places.set(scope, capturedPlace());
    const before = attempts.get(id) ?? 0;
    const { attempt: given, config, signal, step } = ctx ?? {};
    const said = Number.isSafeInteger(given) ? given as number : 0;
    // what a handler that undoes is told of is the step, not itself
    const attempt = answer === "delay" ? Math.max(said, before) : d === "body" && said > before ? said : before + 1;
    attempts.set(id, attempt);
    const count = typeof step?.count === "number" ? step.count : 1;
    const head = { d, now: clock.now(), id, attempt, name: typeof step?.name === "string" ? step.name : name, count, config: plain(config), seed: clock.uuid(), ...(d === "rollback" && { step: { attempt: said > 0 ? said : 1, config: plain(config) } }) };
    const aborted = (): void => driver.deliver(frame({ d: "abort", id, attempt }), scope);
    const key = `${answer}/${id}/${attempt}`;
    driver.waits(1);
    try {
      return await new Promise((resolve, reject) => {
        waiting.set(key, { resolve, reject });
        signal?.addEventListener("abort", aborted, { once: true });
        driver.deliver(frame(head, value), scope);
      });
    } finally {
      driver.waits(-1);
      waiting.delete(key);
      signal?.removeEventListener("abort", aborted);
    }
  }

  const driver: Driver = drive({
    guest: opened.guest,
    caps,
    clock,
    limits,
    granted: opened.granted,
    log(level, text) {
      log(level, text);
      opened.log?.(level, text);
    },
    command,
    failed(error) {
      // at its end it rests, and may be asked for more
      if (ended && !(error instanceof GuestDied)) return;
      gone = { error };
      driver.close();
      // as of a guest that the engine drives: what becomes of the instance is the engine's to say
      if (of !== undefined && error instanceof GuestDied) return of.dies(error.death);
      settleOutput.reject(error);
      for (const { reject } of waiting.values()) reject(error);
    },
    time: () => of?.now() ?? clock.now(),
    within: (scope, run) => within(scope, run),
  });
  const { timestamp, instanceId, workflowName, schedule } = entered.event;
  const now = of?.now() ?? clock.now();
  const event = {
    timestamp: timestamp instanceof Date ? timestamp.getTime() : now,
    instanceId: typeof instanceId === "string" ? instanceId : "",
    workflowName: typeof workflowName === "string" ? workflowName : "",
    ...(schedule !== undefined && { schedule }),
  };
  const head = { d: "start", now, seed: of?.seed() ?? clock.uuid(), class: ENTRY_CLASS, event, bindings: opened.granted.grants.bindings };
  driver.deliver(frame(head, encode({ params: { ...entered.asked, ...opened.told }, env: decode(opened.granted.grants.data) })));
  return { output, stop: () => driver.close(), collect: () => driver.collect() };
}

function offered<F>(method: F | undefined, name: string): F & { call(self: unknown, ...args: unknown[]): Promise<unknown> } {
  if (typeof method !== "function") throw new TypeError(`Cannot call step.${name}: the dispatcher's step has no such method`);
  return method as F & { call(self: unknown, ...args: unknown[]): Promise<unknown> };
}

/** A config as data, without what only its author has. */
function plain(config: unknown): unknown {
  try {
    const { retries, timeout, sensitive } = config as Config;
    const { limit, delay, backoff } = retries;
    return { retries: { limit, ...(typeof delay !== "function" && { delay }), backoff }, timeout, ...(sensitive !== undefined && { sensitive }) };
  } catch {
    return undefined;
  }
}

function named({ name, message }: { readonly name: string; readonly message: string }): Error {
  const error = new Error(message);
  if (name !== "Error") error.name = name;
  return error;
}
