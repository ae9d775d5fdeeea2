/**
 * Between an engine and its guests: sees each body begin and end, and may answer in its place.
 *
 * Texts are all that it reads and writes, so it serves every sandbox, and the tenant's code stays as it is.
 *
 * @module
 */
import { NonRetryableError, type WorkflowCallbackContext } from "../../core/entrypoint.ts";
import { frame, parseFrame } from "../../core/frame.ts";
import type { Command, Delivery, Guest, GuestInit, SandboxAdapter, Turn } from "../../core/ports/guest.ts";
import { DEFAULT_STEP_CONFIG } from "../../core/step_config.ts";
import { describeError, encode, encodeThrown } from "../../core/values.ts";
import { never } from "../never.ts";
import type { Hold } from "../virtual_clock/watch.ts";

/** An attempt at a body. */
export interface Body {
  /** The seed of the life that it is of. */
  readonly life: string;
  /** The step's name, and how many of this name there are so far. */
  readonly name: string;
  readonly count: number;
  readonly attempt: number;
  /** The body in which it stands. */
  readonly parent: Body | undefined;
}

/** What a body came to, as the guest says it. */
export interface BodyEnd {
  readonly ok: boolean;
  /** The result or the error, encoded. */
  readonly value: string;
}

/** Runs in place of a body. */
export type StandIn = (ctx: WorkflowCallbackContext) => unknown;

/** Who listens. */
export interface Tap {
  /** A body is to begin. What it answers is run instead. */
  begin(body: Body): StandIn | undefined;
  /** A body has ended. */
  ended?(body: Body, end: BodyEnd): void;
  readonly hold: Hold;
}

/** The process whose guests they are. */
export interface GuestOwner {
  alive(): boolean;
  /** Those that are open. */
  readonly guests: Set<Guest>;
}

/** A sandbox with a tap. Its guests do nothing any more when their process is dead. */
export function tapped(sandbox: SandboxAdapter, tap: Tap, owner: GuestOwner): SandboxAdapter {
  return {
    name: sandbox.name,
    caps: sandbox.caps,
    prepare: (tenant, code, limits) => sandbox.prepare(tenant, code, limits),
    open(init, signal) {
      if (!owner.alive()) return never();
      const tappedOne = (guest: Guest): Guest => tappedGuest(guest, init, tap, owner);
      const opened = sandbox.open(init, signal);
      return opened instanceof Promise ? opened.then(tappedOne) : tappedOne(opened);
    },
    close: () => sandbox.close(),
  };
}

interface Running {
  readonly body: Body;
  /** Of a stand-in. */
  readonly controller: AbortController | undefined;
}

function tappedGuest(inner: Guest, { ready }: GuestInit, tap: Tap, { alive, guests }: GuestOwner): Guest {
  const running = new Map<number, Running>();
  /** By command: the body that issued it. */
  const owners = new Map<number, Body | undefined>();
  let life = "";
  let incarnation = 1;
  let turning = false;
  let dropped = false;
  /** What stand-ins came to. */
  const out: string[] = [];

  /** Takes a delivery that is not for the guest; false: it is. */
  function taken(text: string): boolean {
    const delivery = parseFrame(text)?.header as Delivery | undefined;
    switch (delivery?.d) {
      case "start":
        life = delivery.seed;
        return false;
      case "body":
        return begin(delivery);
      case "abort": {
        const { controller, body } = running.get(delivery.id) ?? {};
        if (controller === undefined || body?.attempt !== delivery.attempt) return false;
        controller.abort(new Error("The attempt was aborted: its result will not be heard"));
        return true;
      }
      default:
        return false;
    }
  }

  function begin({ id, name, count, attempt, config = DEFAULT_STEP_CONFIG }: Extract<Delivery, { d: "body" }>): boolean {
    const body: Body = { life, name, count, attempt, parent: owners.get(id) };
    const standIn = tap.begin(body);
    if (standIn === undefined) {
      running.set(id, { body, controller: undefined });
      return false;
    }
    const controller = new AbortController();
    running.set(id, { body, controller });
    const retries = { ...config.retries } as WorkflowCallbackContext["config"]["retries"] & object;
    const ctx = {
      step: { name, count },
      attempt,
      config: { ...config, retries } as WorkflowCallbackContext["config"],
      signal: controller.signal,
    };
    let result: unknown;
    try {
      result = standIn(ctx);
    } catch (error) {
      result = Promise.reject(error);
    }
    if (!isThenable(result)) {
      out.push(doneFrame(id, attempt, { value: result }));
      return true;
    }
    void tap.hold(Promise.resolve(result)).then((value) => ({ value }), (error: unknown) => ({ error })).then((outcome) => {
      if (dropped) return;
      out.push(doneFrame(id, attempt, outcome));
      if (!turning) ready();
    });
    return true;
  }

  function issued(text: string): void {
    const parsed = parseFrame(text);
    const command = parsed?.header as Command | undefined;
    if (command === undefined || !("id" in command) || command.c === "delay") return;
    if (command.c !== "done") return void owners.set(command.id, running.get(command.in)?.body);
    const ended = running.get(command.id);
    if (ended?.body.attempt !== command.attempt) return;
    running.delete(command.id);
    tap.ended?.(ended.body, { ok: command.ok, value: parsed?.value ?? "u" });
  }

  function turned(turn: Turn): Turn {
    turning = false;
    incarnation = turn.incarnation;
    const all = turn.state === "dead" ? turn.out : [...turn.out, ...out.splice(0)];
    for (const text of all) issued(text);
    return { ...turn, out: all };
  }

  const guest: Guest = {
    turn(text, time) {
      if (!alive()) return never();
      if (text !== "" && taken(text)) return turned({ out: [], state: "rest", fuel: 0, incarnation });
      turning = true;
      const turn = inner.turn(text, time);
      return turn instanceof Promise ? turn.then(turned) : turned(turn);
    },
    drop() {
      dropped = true;
      guests.delete(guest);
      inner.drop();
    },
  };
  guests.add(guest);
  return guest;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** How a guest says what a body came to. */
function doneFrame(id: number, attempt: number, outcome: { readonly value: unknown } | { readonly error: unknown }): string {
  if ("error" in outcome) return failedFrame(id, attempt, outcome.error, true);
  try {
    return frame({ c: "done", id, attempt, ok: true }, encode(outcome.value));
  } catch (error) {
    return failedFrame(id, attempt, error, false);
  }
}

function failedFrame(id: number, attempt: number, thrown: unknown, again: boolean): string {
  const error = describeError(thrown);
  const never = thrown instanceof NonRetryableError || /^(NonRetryable|WorkflowFatal)Error$/.test(error.name);
  return frame({ c: "done", id, attempt, ok: false, retry: again && !never, error }, encodeThrown(thrown));
}
