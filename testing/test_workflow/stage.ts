/**
 * What every test of a workflow begins with: a clock, a store, the workflow deployed on it, and what is given to it.
 *
 * @module
 */
import { type Duration, parseDuration } from "../../core/duration.ts";
import type { Limits } from "../../core/limits.ts";
import type { SandboxAdapter } from "../../core/ports/guest.ts";
import type { StorageAdapter } from "../../core/ports/store.ts";
import type { Logger, TenureOptions } from "../../core/tenure.ts";
import { memory } from "../adapters.ts";
import { type VirtualClock, virtualClock } from "../virtual_clock.ts";
import type { Script, TestEvent } from "./drive.ts";
import { type StandIns, standIns, type StepAnswers } from "./stand_ins.ts";
import { deploy, type Deployed, type Subject } from "./subject.ts";

/** What a workflow is given in a test. */
export interface TestOptions<Params = unknown> {
  /**
   * What `event.payload` is.
   *
   * @default {{}}
   */
  readonly params?: Params;
  /** What steps come to, by name; a step that is not named runs its own body. */
  readonly steps?: StepAnswers;
  /**
   * Makes it an error when a step that is not named in `steps` is to run.
   *
   * @default {false}
   */
  readonly strict?: boolean;
  /** What is sent to the run. */
  readonly events?: readonly TestEvent[];
  /** What the platform grants, or what makes it for each guest. */
  readonly env?: Readonly<Record<string, unknown>> | NonNullable<TenureOptions["env"]>;
  /** What runs source text, such as `quickjs()`. Classes run in the host's own realm. */
  readonly sandbox?: SandboxAdapter;
  /** The class, where the code has several; for a class the name that it gets. */
  readonly workflow?: string;
  /**
   * The id of the instance.
   *
   * @default {"test"}
   */
  readonly instanceId?: string;
  /**
   * The tenant whose it is.
   *
   * @default {"test"}
   */
  readonly tenantId?: string;
  /** Limits that differ from the defaults; what has ended is kept for ever unless `retention` is among them. */
  readonly limits?: Partial<Limits>;
  /**
   * When it begins.
   *
   * @default 2030-01-01T00:00:00Z
   */
  readonly start?: Date | number;
  /**
   * What ids and the guest's randomness are drawn from.
   *
   * @default {1}
   */
  readonly seed?: number;
  /**
   * How much virtual time the run may take.
   *
   * @default {"2 years"}
   */
  readonly timeout?: Duration;
  /**
   * How long bodies and bindings may wait for something real (a file, a socket), real ms; after that they count as
   * hanging, and time goes on.
   *
   * @default {1000}
   */
  readonly patience?: number;
}

/** A line that the workflow logged. */
export interface TestLog {
  /** Of `console`. */
  readonly level: "debug" | "info" | "warn" | "error";
  /** The text. */
  readonly message: string;
  /** The step in whose body, or `null`. */
  readonly step: string | null;
}

/** All that a run needs. */
export interface Stage {
  readonly clock: VirtualClock;
  readonly storage: StorageAdapter;
  readonly deployed: Deployed;
  readonly script: Script;
  readonly answers: StandIns;
  readonly logs: TestLog[];
}

/** Makes it; `storage` in place of a fresh `memory()`. */
export async function stage(subject: Subject, options: TestOptions, storage: StorageAdapter = memory()): Promise<Stage> {
  const { seed, start, patience, env, limits, sandbox, workflow, tenantId = "test" } = options;
  const clock = virtualClock({ ...(seed !== undefined && { seed }), ...(start !== undefined && { start }), ...(patience !== undefined && { patience }) });
  const logs: TestLog[] = [];
  const deployed = await deploy(subject, storage, {
    clock,
    tenantId,
    workflow,
    logger: loggerTo(logs),
    ...(limits && { limits }),
    ...(sandbox && { sandbox }),
    ...(env && { env: typeof env === "function" ? env as NonNullable<TenureOptions["env"]> : () => env }),
  });
  const { instanceId = "test", params, events = [], timeout = "2 years" } = options;
  return {
    clock,
    storage,
    deployed,
    logs,
    script: { instanceId, params, events, timeout: parseDuration(timeout) },
    answers: standIns(options.steps ?? {}, options.strict ?? false),
  };
}

function loggerTo(logs: TestLog[]): Logger {
  const level = (level: TestLog["level"]): Logger["info"] => (message, { step }) => void logs.push({ level, message, step });
  return { debug: level("debug"), info: level("info"), warn: level("warn"), error: level("error") };
}
