/**
 * Runs a generated workflow with a `step`, as its author's code would.
 *
 * @module
 */
import type { WorkflowCallbackContext, WorkflowRollbackContext, WorkflowStep, WorkflowStepRollbackOptions, WorkflowStepConfig } from "../../core/entrypoint.ts";
import type { DoNode, Node } from "./program.ts";

/** Where nodes run: the run itself, or one attempt at a body. */
export interface Place {
  readonly step: WorkflowStep;
  /** `env.API.ping` */
  readonly ping: (path: string) => Promise<unknown>;
  /** Ms: what `until` counts from. */
  readonly created: number;
  /** What the code has come to know, in this order. */
  readonly seen: string[];
  /** Runs an attempt at a body. */
  readonly body: (node: DoNode, ctx: WorkflowCallbackContext) => Promise<string>;
  /** Tells how long to wait before the next attempt. */
  readonly delay: (node: DoNode, attempt: number) => Promise<number>;
  /** Runs an attempt at a rollback handler. */
  readonly undo: (node: DoNode, given: WorkflowRollbackContext) => Promise<void>;
  /** The code was given a value that belongs elsewhere. */
  readonly wrong: (node: Node, value: unknown) => void;
}

/** Runs one node. */
export async function walk(node: Node, at: Place): Promise<unknown> {
  switch (node.k) {
    case "do":
    case "sleep":
    case "until":
    case "wait":
    case "state":
    case "call":
      return await leaf(node, at);
    case "hops":
      for (let n = 0; n < node.n; n++) await null;
      return null;
    case "seq": {
      const values = [];
      for (const each of node.of) values.push(await walk(each, at));
      return values;
    }
    case "all":
      return await Promise.all(node.of.map((each) => walk(each, at)));
    case "settled":
      return (await Promise.allSettled(node.of.map((each) => walk(each, at)))).map(({ status }) => status);
    case "race":
    case "any": {
      const named = node.of.map((each, i) => walk(each, at).then(() => i));
      const winner = await (node.k === "race" ? Promise.race(named) : Promise.any(named).catch(() => -1));
      const next: DoNode = {
        k: "do",
        path: `${node.path}w${winner}`,
        name: `${node.path}w${winner}`,
        fails: 0,
        how: "throw",
        work: [],
        config: undefined,
        inner: [],
      };
      return [winner, await walk(next, at)];
    }
    case "try":
      try {
        const values = [];
        for (const each of node.of) values.push(await walk(each, at));
        return values;
      } catch (error) {
        return `caught ${(error as Error).message}`;
      }
    case "loose":
      for (const each of node.of) walk(each, at).catch(() => {});
      return null;
    default:
      return node satisfies never;
  }
}

async function leaf(node: Extract<Node, { name: string }> | Extract<Node, { k: "call" }>, at: Place): Promise<unknown> {
  try {
    const value = await issue(node, at);
    at.seen.push(`${node.path}=${value}`);
    return value;
  } catch (error) {
    const { message } = error as Error;
    at.seen.push(`${node.path}!${message}`);
    if (!mayFail(node, message)) at.wrong(node, message);
    throw error;
  }
}

/** Whether an error is of the node's own making, or a limit's: what goes wrong around the engine never is (I9). */
function mayFail(node: Extract<Node, { name: string }> | Extract<Node, { k: "call" }>, message: string): boolean {
  if (/^The limit of ([15]|1500|commands) .*|longer than 1500 ms$|what it stands in has ended$|^Cannot store the result of step |^The attempt (is over$|was aborted)/.test(message)) return true;
  switch (node.k) {
    case "do":
      return diedIn(node, message) || /^boom |^WorkflowTimeoutError: |^Cannot tell the delay of step "[^"]*": (Error: no delay|it did not answer)|^You can't sleep until a time in the past/.test(message);
    case "sleep":
    case "state":
      return false;
    case "until":
      return message.startsWith("You can't sleep until a time in the past");
    case "wait":
      return message === `WorkflowTimeoutError: Execution timed out after ${node.ms}ms`;
    case "call":
      return node.fails && message === `boom ${node.path}`;
    default:
      return node satisfies never;
  }
}

/** Whether a guest died in its body, or in one within it. */
function diedIn({ name, inner }: DoNode, message: string): boolean {
  return message === `died in ${name}` || inner.some((each) => each.k === "do" ? diedIn(each, message) : "of" in each && each.of.some((node) => node.k === "do" && diedIn(node, message)));
}

async function issue(node: Extract<Node, { name: string }> | Extract<Node, { k: "call" }>, at: Place): Promise<string | null> {
  const { step } = at;
  switch (node.k) {
    case "do": {
      const body = (ctx: WorkflowCallbackContext): Promise<string> => at.body(node, ctx);
      const config = configOf(node, at);
      const options = undoOf(node, at);
      const value = config === undefined ? await step.do(node.name, body, options) : await step.do(node.name, config, body, options);
      if (typeof value !== "string" || !value.startsWith(`${node.path}:`)) at.wrong(node, value);
      return value;
    }
    case "state":
      await step.setState?.(node.path);
      return null;
    case "sleep":
      await step.sleep(node.name, node.ms);
      return null;
    case "until":
      await step.sleepUntil(node.name, at.created + node.ms);
      return null;
    case "wait": {
      const event = await step.waitForEvent<number>(node.name, { type: node.type, timeout: node.ms });
      if (event.type !== node.type || typeof event.payload !== "number") at.wrong(node, event);
      return `${event.type} ${event.payload} ${event.timestamp.getTime()}`;
    }
    case "call": {
      const value = await at.ping(node.path);
      if (typeof value !== "string" || !value.startsWith(`${node.path}:`)) at.wrong(node, value);
      return value as string;
    }
    default:
      return node satisfies never;
  }
}

function undoOf(node: DoNode, at: Place): WorkflowStepRollbackOptions | undefined {
  const { undo } = node;
  return undo && { rollback: (given) => at.undo(node, given), ...(undo.config && { rollbackConfig: undo.config }) };
}

function configOf(node: DoNode, at: Place): WorkflowStepConfig | undefined {
  const { config, asked } = node;
  if (asked === undefined || config?.retries === undefined) return config;
  return { ...config, retries: { ...config.retries, delay: ({ ctx }) => at.delay(node, ctx.attempt) } };
}
