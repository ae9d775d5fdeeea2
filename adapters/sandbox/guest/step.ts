/**
 * The `step` object. What is wrong with an argument rejects, as it does at Cloudflare, where `step` is remote.
 *
 * @module
 */
import type { WorkflowCallbackContext, WorkflowStep } from "../../../core/entrypoint.ts";
import {
  checkDuration,
  checkEventType,
  checkStepConfig,
  checkStepName,
  fatalError,
} from "../../../core/step_config.ts";
import { parseDuration } from "../../../core/duration.ts";
import { encode } from "../../../core/values.ts";
import type { Delay } from "./delay.ts";
import { configField, numberField, textField } from "./headers.ts";
import { freeze, NativeError, timeOf } from "./intrinsics.ts";

/** A step's body. */
export type Body = (ctx: WorkflowCallbackContext) => unknown;

/** What the step object asks of the runtime. */
export interface StepRuntime {
  /** Issues a command of a kind with further fields of its header, and resolves when it is settled. */
  issue(kind: string, fields: string, body?: Body, delay?: Delay, value?: string): Promise<unknown>;
  /** A promise that rejects. */
  refuse(error: unknown): Promise<never>;
  /** The logical time where the caller is. */
  now(): number;
}

const ceil = Math.ceil;
const STATE = freeze({ __proto__: null, root: "state" }) as { root: string };
const DAY = "24 hours";
// The last time that a Date can show.
const LAST_TIME = 8.64e15;

/** Makes the step object of a run. */
export function makeStep({ issue, refuse, now }: StepRuntime): WorkflowStep {
  const step = {
    __proto__: null,
    do(name: unknown, second: unknown, third: unknown, fourth: unknown): Promise<unknown> {
      try {
        const checked = checkStepName(name);
        const bare = typeof second === "function";
        const config = bare ? undefined : checkStepConfig(second);
        const body = bare ? second : third;
        const rollback = bare ? third : fourth;
        if (typeof body !== "function") throw fatalError(`Cannot run the step "${checked}": its callback is not a function`);
        if (rollback !== undefined) {
          throw fatalError(`Cannot run the step "${checked}": rollback handlers are not supported yet`);
        }
        const fields = textField("name", checked);
        if (config === undefined) return issue("do", fields, body as Body);
        const delay = config.retries.delay ?? (second as { retries: { delay: Delay } }).retries.delay;
        return issue("do", fields + configField(config), body as Body, delay);
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
        if (time < now()) throw new NativeError("You can't sleep until a time in the past");
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
    setState(state: unknown): Promise<unknown> {
      try {
        return issue("state", "", undefined, undefined, encode(state, STATE));
      } catch (error) {
        return refuse(error);
      }
    },
  };
  freeze(step.do);
  freeze(step.sleep);
  freeze(step.sleepUntil);
  freeze(step.waitForEvent);
  freeze(step.setState);
  return freeze(step) as unknown as WorkflowStep;
}
