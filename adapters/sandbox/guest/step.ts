/**
 * The `step` object. What is wrong with an argument rejects, as it does at Cloudflare, where `step` is remote.
 *
 * @module
 */
import type { WorkflowCallbackContext, WorkflowRollbackContext, WorkflowStep } from "../../../core/entrypoint.ts";
import {
  checkDuration,
  checkEventType,
  checkInvocation,
  checkRollbackConfig,
  checkStepConfig,
  checkStepName,
  fatalError,
  type MergedStepConfig,
  record,
} from "../../../core/step_config.ts";
import { parseDuration } from "../../../core/duration.ts";
import { encode } from "../../../core/values.ts";
import type { Delay } from "./delay.ts";
import { configField, numberField, textField } from "./headers.ts";
import { freeze, NativeError, timeOf } from "./intrinsics.ts";

/** A step's body. */
export type Body = (ctx: WorkflowCallbackContext) => unknown;

/** What undoes a step. */
export type Rollback = (given: WorkflowRollbackContext) => unknown;

/** What a `do` brings along. */
export interface Code {
  readonly body: Body;
  readonly delay: Delay;
  readonly rollback: Rollback | undefined;
  readonly rollbackDelay: Delay;
}

/** What the step object asks of the runtime. */
export interface StepRuntime {
  /** Issues a command of a kind with further fields of its header, and resolves when it is settled. */
  issue(kind: string, fields: string, code?: Code, value?: string): Promise<unknown>;
  /** A promise that rejects. */
  refuse(error: unknown): Promise<never>;
  /** The logical time where the caller is. */
  now(): number;
  /** Whether the caller is within a step. */
  within(): boolean;
}

const ceil = Math.ceil;
const STATE = freeze({ __proto__: null, root: "state" }) as { root: string };
const PARAMS = freeze({ __proto__: null, root: "params" }) as { root: string };
const DAY = "24 hours";
// The last time that a Date can show.
const LAST_TIME = 8.64e15;

function checkRollbackOptions(options: unknown, step: string, nested: boolean): { rollback: Rollback; config: MergedStepConfig | undefined } {
  const fields = record(options, "the rollback options", ["rollback", "rollbackConfig"]);
  const rollback = fields("rollback"), config = fields("rollbackConfig");
  if (typeof rollback !== "function") throw fatalError(`Cannot run the step "${step}": its rollback handler is not a function`);
  // a replay does not run the body that would make the handler
  if (nested) throw fatalError(`Cannot run the step "${step}": a step within a step can have no rollback handler`);
  return { rollback: rollback as Rollback, config: config === undefined ? undefined : checkRollbackConfig(config) };
}

/** The delay of a checked config, which leaves a function out. */
function delayOf(config: MergedStepConfig | undefined, given: unknown): Delay {
  return config === undefined ? undefined : config.retries.delay ?? (given as { retries: { delay: Delay } }).retries.delay;
}

/** Makes the step object of a run. */
export function makeStep({ issue, refuse, now, within }: StepRuntime): WorkflowStep {
  const step = {
    __proto__: null,
    do(name: unknown, second: unknown, third: unknown, fourth: unknown): Promise<unknown> {
      try {
        const checked = checkStepName(name);
        const bare = typeof second === "function";
        const config = bare ? undefined : checkStepConfig(second);
        const body = bare ? second : third;
        const options = bare ? third : fourth;
        if (typeof body !== "function") throw fatalError(`Cannot run the step "${checked}": its callback is not a function`);
        const fields = textField("name", checked) + (config === undefined ? "" : configField("config", config));
        const delay = delayOf(config, second);
        if (options === undefined) return issue("do", fields, { body: body as Body, delay, rollback: undefined, rollbackDelay: undefined });
        const { rollback, config: undoes } = checkRollbackOptions(options, checked, within());
        const rollbackDelay = delayOf(undoes, (options as { rollbackConfig?: unknown }).rollbackConfig);
        const more = undoes === undefined ? "" : configField("rollbackConfig", undoes);
        return issue("do", fields + more, { body: body as Body, delay, rollback, rollbackDelay });
      } catch (error) {
        return refuse(error);
      }
    },
    sleep(name: unknown, duration: unknown): Promise<unknown> {
      try {
        const checked = checkStepName(name);
        const ms = parseDuration(checkDuration(duration, "the duration of a sleep"));
        return issue("sleep", textField("name", checked) + numberField("ms", ms));
      } catch (error) {
        return refuse(error);
      }
    },
    sleepUntil(name: unknown, timestamp: unknown): Promise<unknown> {
      try {
        const checked = checkStepName(name);
        const time = typeof timestamp === "number" ? timestamp : timeOf(timestamp);
        // Written so that NaN, an invalid date's time, fails too.
        if (!(time !== undefined && time >= -LAST_TIME && time <= LAST_TIME)) {
          throw fatalError(`Cannot sleep until the timestamp of "${checked}": it is neither a valid Date nor a number of ms`);
        }
        if (time < now()) throw new NativeError("You can't sleep until a time in the past, time-traveler");
        return issue("sleep", textField("name", checked) + numberField("until", ceil(time)));
      } catch (error) {
        return refuse(error);
      }
    },
    waitForEvent(name: unknown, options: unknown): Promise<unknown> {
      try {
        const checked = checkStepName(name);
        if (typeof options !== "object" || options === null) {
          throw fatalError(`Cannot wait for the event of "${checked}": it needs options with a type`);
        }
        const { type, timeout } = options as { type?: unknown; timeout?: unknown };
        const length = parseDuration(checkDuration(timeout === undefined ? DAY : timeout, "the timeout of a wait"));
        const fields = textField("name", checked) + textField("type", checkEventType(type));
        return issue("wait", fields + numberField("timeout", length));
      } catch (error) {
        return refuse(error);
      }
    },
    invoke(name: unknown, options: unknown): Promise<unknown> {
      try {
        const checked = checkStepName(name);
        const { workflow, id, params, detach } = checkInvocation(options, checked);
        // it is tried again, and what it had started would be there twice
        if (within()) throw fatalError(`Cannot start the child "${checked}": a step's callback can start none`);
        const fields = textField("name", checked) + textField("workflow", workflow) + (id === undefined ? "" : textField("child", id));
        return issue("child", detach ? `${fields},"detach":true` : fields, undefined, encode(params === undefined ? {} : params, PARAMS));
      } catch (error) {
        return refuse(error);
      }
    },
    setState(state: unknown): Promise<unknown> {
      try {
        return issue("state", "", undefined, encode(state, STATE));
      } catch (error) {
        return refuse(error);
      }
    },
  };
  freeze(step.invoke);
  freeze(step.do);
  freeze(step.sleep);
  freeze(step.sleepUntil);
  freeze(step.waitForEvent);
  freeze(step.setState);
  return freeze(step) as unknown as WorkflowStep;
}
