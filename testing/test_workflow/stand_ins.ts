/**
 * Results of steps given by name, in place of their bodies.
 *
 * @module
 */
import { NonRetryableError, type WorkflowCallbackContext } from "../../core/entrypoint.ts";
import type { Body, StandIn } from "./tap.ts";

/**
 * What a step comes to instead of running its body: a result; an error, which fails each attempt; or a function that
 * is called for each attempt, whose result or error counts.
 */
export type StepAnswer =
  | ((ctx: WorkflowCallbackContext) => unknown)
  | object
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined;

/** Answers by the names of steps; a step inside a body is named as well. */
export type StepAnswers = Readonly<Record<string, StepAnswer>>;

/** Answers for one run. */
export interface StandIns {
  /** The answer for a body, if there is one. */
  of(body: Body): StandIn | undefined;
  /** Names that no step had. */
  unused(): string[];
  /** A step without an answer, where every step has to have one. */
  missing(): string | undefined;
}

/** Makes them. With `strict` a step without an answer fails. */
export function standIns(answers: StepAnswers, strict: boolean): StandIns {
  const unused = new Set(Object.keys(answers));
  let missing: string | undefined;
  return {
    of({ name }) {
      if (!Object.hasOwn(answers, name)) {
        if (!strict) return undefined;
        missing ??= name;
        return () => {
          throw new NonRetryableError(`Cannot run the step "${name}": it has no answer`);
        };
      }
      unused.delete(name);
      const answer = answers[name];
      if (typeof answer === "function") return answer as StandIn;
      if (!(answer instanceof Error)) return () => answer;
      return () => {
        throw answer;
      };
    },
    unused: () => [...unused],
    missing: () => missing,
  };
}
