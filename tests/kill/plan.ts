/**
 * What an instance does: generated, given to it as params, interpreted by ./tenant/index.ts.
 *
 * @module
 */
import { between, type Random } from "./random.ts";

/** One thing after the other. Every name is used once in a plan. */
export type Plan = Node[];

/** One thing. */
export type Node =
  /** A step whose body takes `ms`, and throws in the first `fails` attempts. */
  | { do: string; ms: number; fails: number }
  | { sleep: string; ms: number }
  /** The `n`th wait for an event of that type. */
  | { wait: string; type: string; n: number }
  /** Plans side by side. */
  | { all: Plan[] };

/** What plans are made of. */
export interface PlanOptions {
  /**
   * Without it nothing in a plan depends on the wall clock: no sleeps, no attempts that fail.
   *
   * @default {true}
   */
  readonly timers?: boolean;
}

/** Makes a plan of about ten steps. */
export function makePlan(random: Random, { timers = true }: PlanOptions = {}): Plan {
  let names = 0;
  const name = (what: string): string => `${what}-${++names}`;
  const step = (): Node => {
    const ms = between(random, 5, 90);
    const fails = random() < 0.15 ? between(random, 1, 2) : 0;
    return { do: name("do"), ms, fails: timers ? fails : 0 };
  };

  function sequence(length: number, branch: string): Plan {
    const plan: Plan = [step()];
    let waits = 0;
    while (plan.length < length) {
      const dice = random();
      if (dice < 0.2 && timers) plan.push({ sleep: name("sleep"), ms: between(random, 20, 250) }, step());
      else if (dice < 0.4) plan.push({ wait: name("wait"), type: `event-${branch}`, n: waits++ }, step());
      else if (dice < 0.6 && branch === "main") {
        plan.push({ all: Array.from({ length: between(random, 2, 4) }, () => sequence(between(random, 1, 3), name("branch"))) });
      } else plan.push(step());
    }
    return plan;
  }

  return sequence(between(random, 4, 8), "main");
}

/** All things of a plan but `all`, in order. */
export function leaves(plan: Plan): Exclude<Node, { all: Plan[] }>[] {
  return plan.flatMap((node) => "all" in node ? node.all.flatMap(leaves) : [node]);
}

/** How a leaf is called. */
export function nameOf(node: Exclude<Node, { all: Plan[] }>): string {
  return "do" in node ? node.do : "sleep" in node ? node.sleep : node.wait;
}
