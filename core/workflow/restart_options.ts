/**
 * Where an instance is to be restarted.
 *
 * @module
 */
import { quote, TenureError } from "../errors.ts";
import type { Place } from "../instance/decide/restart.ts";

/** Options of {@linkcode WorkflowInstance.restart}. */
export interface WorkflowInstanceRestartOptions {
  /** At which step. */
  readonly from?: {
    readonly name: string;
    /**
     * Which of this name and type, from 1.
     *
     * @default {1}
     */
    readonly count?: number;
    /** @default {"do"} */
    readonly type?: "do" | "sleep" | "waitForEvent";
  };
  /** In this version of the code. */
  readonly version?: string;
}

/** The place in a history that is meant. @throws {TenureError} `invalid_argument` */
export function placeAt({ name, count = 1, type = "do" }: NonNullable<WorkflowInstanceRestartOptions["from"]>): Place {
  if (typeof name !== "string" || !Number.isSafeInteger(count) || count < 1) {
    throw new TenureError("invalid_argument", `Cannot restart at the step ${quote(name)}, number ${quote(count)}: a name and a number from 1`);
  }
  const kind = { do: "do", sleep: "sleep", waitForEvent: "wait" }[type] as Place["kind"] | undefined;
  if (kind === undefined) throw new TenureError("invalid_argument", `Cannot restart at a step of type ${quote(type)}: "do", "sleep" or "waitForEvent"`);
  return { kind, name, count };
}
