/**
 * The Guest port: what the core drives.
 *
 * *Deliver one thing; the guest runs until it is at rest; it hands back the commands that it issued.* Host and guest
 * exchange strings only. Everything that a guest hands back comes from the tenant: it may be forged, repeated,
 * enormous or senseless, and must never make the host throw, log or grow.
 *
 * A text in either direction is a *frame*: a JSON header without line breaks, then, when there is a value, `\n` and
 * the value as encoded by `core/values.ts`. {@linkcode Delivery} and {@linkcode Command} are the headers.
 *
 * @module
 */
import type { Limits } from "../limits.ts";

/** A tenant's code as the platform hands it over. */
export interface Code {
  /** Name of the module whose exports are the workflows. */
  readonly mainModule: string;
  /** Sources by module name (`index.ts`, `lib/mail.ts`); JavaScript or TypeScript by their ending. */
  readonly modules: Readonly<Record<string, string>>;
}

/** Code made ready to run: kept with the source, so that every process runs the same bytes. */
export interface Prepared {
  /** The adapter's own text. */
  readonly text: string;
  /** Names of the exported classes that have a `run` method. */
  readonly classes: readonly string[];
}

/** What a guest is started with. */
export interface GuestInit {
  /** The tenant: two tenants never meet in one VM. */
  readonly tenant: string;
  /** Hash of the code: with the tenant, the key of what an adapter caches. */
  readonly version: string;
  /** What {@linkcode SandboxAdapter.prepare} gave. */
  readonly prepared: Prepared;
  /** The limits that hold. */
  readonly limits: Limits;
  /** Called (never during a turn) when a guest with `caps.mediated` false has commands to collect with an empty turn. */
  readonly ready: () => void;
}

/** Why a guest died. */
export interface Death {
  /**
   * What was hit. `guest_failed`: the guest failed, and nobody knows of what; counted as a crash. `evicted`: the
   * sandbox has taken the guest back, because what it ran on is needed elsewhere or goes away; nobody's fault, and
   * counted nowhere: it is replayed in another guest. Of a guest that runs no body nothing is lost by that.
   * `code_unavailable`: code that the run needs on its way cannot be had; the instance is parked.
   */
  readonly code: "cpu_limit" | "memory_limit" | "stack_limit" | "message_limit" | "guest_failed" | "evicted" | "code_unavailable";
  /** For the tenant: no host stack, no path. */
  readonly message: string;
}

/** What a turn hands back. */
export interface Turn {
  /** Frames in the order in which they were issued. */
  readonly out: readonly string[];
  /** "rest": nothing happens until the next delivery. "io": the guest itself waits for something and will call `ready`. "dead": poisoned, only `drop` may follow. */
  readonly state: "rest" | "io" | "dead";
  /** Units of work done, where metered; else 0. */
  readonly fuel: number;
  /** Another number than before: the guest was made anew and remembers nothing, replay. */
  readonly incarnation: number;
  /** Why, when dead. */
  readonly death?: Death;
}

/** One live run of one instance. */
export interface Guest {
  /**
   * Delivers a frame (or `""`: only collect) and runs the guest until its job queue is empty.
   *
   * @param time what the guest's clock shows, ms; `null`: the real time (inside a body)
   */
  turn(frame: string, time: number | null): Turn | Promise<Turn>;
  /** Lets it go; never throws, never waits, also when poisoned. */
  drop(): void;
  /**
   * Makes its binding calls, in place of what `env` of the engine grants. Optional: of a guest that has its grants from
   * elsewhere. Resolves also when the call fails; `value` is the result or the error, encoded.
   */
  call?(target: string, method: string, args: string, caller: GuestCaller): Promise<{ readonly ok: boolean; readonly value: string; readonly error: ErrorSummary | undefined }>;
}

/** Who makes a binding call: see `Caller` of the engine. */
export interface GuestCaller {
  /** The step in whose body, or `null`. */
  readonly step: string | null;
  /** The attempt, from 1. */
  readonly attempt: number;
  /** The same for every attempt. */
  readonly idempotencyKey: string;
  /** Aborts with the attempt. */
  readonly signal: AbortSignal;
}

/** What a sandbox promises. */
export interface GuestCaps {
  /** What stands between a tenant and the host. */
  readonly boundary: "none" | "wasm" | "isolate" | "process";
  /** Whether the guest reaches the outside only through us. Then a settlement may be delivered before its commit. */
  readonly mediated: boolean;
  /** Whether a guest that never yields can be stopped. */
  readonly hardKill: boolean;
  /** Whether memory is capped. */
  readonly memoryCap: boolean;
  /** Whether CPU is counted without a clock. */
  readonly metered: boolean;
}

/** What a sandbox factory returns. */
export interface SandboxAdapter {
  /** For messages: `quickjs`, `trusted`, … */
  readonly name: string;
  /** What it promises. */
  readonly caps: GuestCaps;
  /**
   * Strips types, resolves imports, evaluates once and finds the workflow classes.
   *
   * @throws {CodeError} with file, line and column, when the code cannot run
   */
  prepare(tenant: string, code: Code, limits: Limits): Promise<Prepared>;
  /** Makes a guest ready for its first delivery; waits while the memory budget is used up. */
  open(init: GuestInit, signal: AbortSignal): Guest | Promise<Guest>;
  /**
   * Loads what every guest needs, ahead of the first one: a process that may have to take over soon has it ready.
   * Optional. What goes wrong is met again, and reported, when a guest is opened.
   */
  warm?(): Promise<void>;
  /**
   * Says that modules of these names and texts, to the letter, are the platform's own: what their evaluation leads to may
   * be kept once for all code that brings them. Optional, and changes nothing but how long code takes to load.
   *
   * @param main the one that imports the others
   */
  share?(modules: Readonly<Record<string, string>>, main: string): void;
  /** Frees what is pooled. */
  close(): Promise<void>;
}

/** What a guest is told of an attempt that it runs. */
export interface OfAttempt {
  readonly now: number;
  readonly id: number;
  readonly attempt: number;
  /** The name and occurrence of the step, for `ctx.step`: of a rollback handler, of the step that it undoes. */
  readonly name: string;
  readonly count: number;
  /** The merged config that counts (first seen wins); without one: `DEFAULT_STEP_CONFIG`. */
  readonly config?: StepConfig;
  /** Fresh randomness. */
  readonly seed: string;
}

/** The step that a rollback handler undoes, for its `ctx`: as at Cloudflare, a handler is told of the step, not of itself. */
export interface OfStep {
  /** Its last attempt. */
  readonly attempt: number;
  /** Its config; without one: `DEFAULT_STEP_CONFIG`. */
  readonly config?: StepConfig;
}

/** Host to guest. `now` is the logical time, ms: what "in the past" is judged by. */
export type Delivery =
  /** Makes the class and calls `run`. Value: `{ params, env }` where `env` holds plain data only. */
  | {
    readonly d: "start";
    readonly now: number;
    /** Seed of the generator that `Math.random` and `crypto` draw from outside bodies. */
    readonly seed: string;
    /** The exported class. */
    readonly class: string;
    readonly event: {
      readonly timestamp: number;
      readonly instanceId: string;
      readonly workflowName: string;
      /** What made the instance, when it was a schedule. */
      readonly schedule?: { readonly cron: string; readonly scheduledTime: number };
      /** What the platform noted of it, encoded: for a host's own layer, never for a tenant's code. */
      readonly metadata?: string;
    };
    /** Names in `env` that are bindings of the host. */
    readonly bindings: readonly string[];
  }
  /** Settles command `id`. Value: the result, or the error when not `ok`. `stream`: the result is a stream of so many pieces, to be read by `read`. */
  | { readonly d: "settle"; readonly now: number; readonly id: number; readonly ok: boolean; readonly stream?: number }
  /** Runs the body of the `do` with command id `id`. */
  | ({ readonly d: "body" } & OfAttempt)
  /** Asks the author of a step, or of its rollback handler, in the attempt that has failed, how long to wait before the next one. Value: the error. */
  | ({ readonly d: "delay" } & OfAttempt)
  /** Runs the rollback handler that was announced with `id`. Value: `{ error, output? }`; `stream`: the output is one, of that `do`. */
  | ({ readonly d: "rollback"; readonly step: OfStep; readonly stream?: { readonly of: number; readonly pieces: number } } & OfAttempt)
  /** Aborts the attempt's `ctx.signal`: its result will not be heard. */
  | { readonly d: "abort"; readonly id: number; readonly attempt: number };

/** A step's config as the tenant wrote it, merged with the defaults: checked by `core/step_config.ts`. */
export interface StepConfig {
  readonly retries: {
    readonly limit: number;
    /** Without it the guest answers anew for each failure: a {@linkcode Delivery} `delay`. */
    readonly delay?: number | string;
    readonly backoff: "constant" | "linear" | "exponential";
  };
  readonly timeout: number | string;
  /** The output is hidden wherever it would be shown. */
  readonly sensitive?: "output";
}

/** What the host needs of an error beside its value: name ≤ 128, message ≤ 4,096 UTF-8 bytes. */
export interface ErrorSummary {
  /** `TypeError`, … */
  readonly name: string;
  /** In words. */
  readonly message: string;
}

/**
 * Guest to host. `id` is the guest's own number for a command (positive, never used twice in an incarnation);
 * `in` is the id of the `do` whose body issued it, 0 for the run.
 */
export type Command =
  | {
    readonly c: "do";
    readonly id: number;
    readonly in: number;
    readonly name: string;
    readonly config?: StepConfig;
    /** It has a rollback handler, and this is the id of that: `done` names it, and what the handler issues. */
    readonly rollback?: number;
    /** Its config; without one: the default. */
    readonly rollbackConfig?: StepConfig;
  }
  | { readonly c: "sleep"; readonly id: number; readonly in: number; readonly name: string; readonly ms?: number; readonly until?: number }
  | { readonly c: "wait"; readonly id: number; readonly in: number; readonly name: string; readonly type: string; readonly timeout: number }
  /** Starts an instance of the same tenant; settled with its output, or, `detach`, with its id as soon as it is there. Value: its params. */
  | {
    readonly c: "child";
    readonly id: number;
    readonly in: 0;
    readonly name: string;
    readonly workflow: string;
    /** Its id; without one: the host's choice. */
    readonly child?: string;
    readonly detach?: boolean;
  }
  /** Calls `method` of binding `target`. Value: the array of arguments. */
  | { readonly c: "call"; readonly id: number; readonly in: number; readonly target: string; readonly method: string }
  /** Publishes a state. Value: the state. */
  | { readonly c: "state"; readonly id: number; readonly in: number }
  /** A timer of `setTimeout`, ms. */
  | { readonly c: "timer"; readonly id: number; readonly in: number; readonly ms: number }
  /**
   * A piece of the stream that is the result of the attempt at `in`, number `n` from 0. Value: its base64 as a string;
   * of core/stream.ts's `PIECE_BYTES`, less only in the last one. Settled when it is durable: the next one comes then.
   */
  | { readonly c: "piece"; readonly id: number; readonly in: number; readonly attempt: number; readonly n: number }
  /** Asks for piece `n` of the stream that the `do` with command id `of` was settled with: settled with its base64. */
  | { readonly c: "read"; readonly id: number; readonly in: number; readonly of: number; readonly n: number }
  /** A body or a rollback handler ended. Value: its result or its error. `retry` false: never again. `stream`: the result are the pieces that were sent. */
  | {
    readonly c: "done";
    readonly id: number;
    readonly attempt: number;
    readonly ok: boolean;
    readonly stream?: true;
    readonly retry?: boolean;
    readonly error?: ErrorSummary;
  }
  /** The answer to `delay`: a wait in ms, or why there is none. */
  | { readonly c: "delay"; readonly id: number; readonly attempt: number; readonly ms?: number; readonly error?: ErrorSummary }
  /** `run` ended. Value: its output or its error. */
  | { readonly c: "end"; readonly ok: boolean; readonly error?: ErrorSummary }
  /** `console`. Value: the text, not encoded. */
  | { readonly c: "log"; readonly in: number; readonly level: "debug" | "info" | "warn" | "error" };
