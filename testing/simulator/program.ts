/**
 * Generated workflows: random trees of steps and of what a workflow's author does with their promises.
 *
 * @module
 */
import type { WorkflowStepConfig, WorkflowStepRollbackConfig } from "../../core/entrypoint.ts";
import type { Chance } from "./world.ts";

/** A step with a body. */
export interface DoNode {
  readonly k: "do";
  /** Where it stands in its program: no other node has it. */
  readonly path: string;
  /** Its name: others may have it. */
  readonly name: string;
  /** Attempts up to this number fail. */
  readonly fails: number;
  /** How they do. */
  readonly how: "throw" | "fatal" | "hang";
  /** What the body waits for, ms each. */
  readonly work: readonly number[];
  readonly config: WorkflowStepConfig | undefined;
  /** Its delay is a function, which does this when it is asked. */
  readonly asked?: "answer" | "sleep" | "throw" | "hang";
  /** What the body does with `step`, one after the other. */
  readonly inner: readonly Node[];
  /** Its rollback handler. */
  readonly undo?: Undo;
}

/** A rollback handler. */
export interface Undo extends Pick<DoNode, "fails" | "how" | "work"> {
  readonly config: WorkflowStepRollbackConfig | undefined;
}

/** A node of a program. */
export type Node =
  | DoNode
  | { readonly k: "sleep" | "until"; readonly path: string; readonly name: string; readonly ms: number }
  | { readonly k: "wait"; readonly path: string; readonly name: string; readonly type: string; readonly ms: number }
  /** Publishes its path. */
  | { readonly k: "state"; readonly path: string; readonly name: "" }
  /** Calls a binding. */
  | { readonly k: "call"; readonly path: string; readonly ms: number; readonly fails: boolean }
  /** Lets some jobs pass. */
  | { readonly k: "hops"; readonly path: string; readonly n: number }
  /** `race` and `any` are followed by a step named after the winner. */
  | { readonly k: "seq" | "all" | "race" | "any" | "settled"; readonly path: string; readonly of: readonly Node[] }
  /** Catches, or does not wait. */
  | { readonly k: "try" | "loose"; readonly path: string; readonly of: readonly Node[] };

/** A workflow. */
export interface Program {
  readonly root: Node;
  /** Nodes by path. */
  readonly nodes: ReadonlyMap<string, Node>;
}

/** What delay functions answer, ms. */
export function answerOf(attempt: number): number {
  return attempt * 3;
}

/** Types of events. */
export const TYPES: readonly string[] = ["paid", "sent"];

const STEPS = { least: 6, most: 12 };

/**
 * Makes one with at least six steps.
 *
 * @param prefix of all paths: another in each program of a schedule
 */
export function programOf(r: Chance, prefix: string): Program {
  const nodes = new Map<string, Node>();
  /** Steps have rollback handlers, and more of what fails is caught by nobody. */
  const undoes = r.once(3);
  let steps = 0;

  function add<N extends Node>(node: N): N {
    nodes.set(node.path, node);
    if (node.k === "do" || node.k === "sleep" || node.k === "until" || node.k === "wait" || node.k === "call") steps++;
    return node;
  }

  function leaf(path: string, depth: number, unique: boolean): Node {
    const name = unique || !r.once(5) ? path : "same";
    const kind = r.int(21);
    if (kind < 3) return add({ k: "sleep", path, name, ms: r.pick([0, 1, 30, 400, 2_000]) });
    if (kind < 4) return add({ k: "until", path, name, ms: r.pick([0, 50, 300, 1_500]) });
    if (kind < 7) return add({ k: "wait", path, name, type: r.pick(TYPES), ms: r.pick([0, 40, 400, 3_000]) });
    if (kind < 9) return add({ k: "call", path, ms: r.pick([0, 0, 5, 60]), fails: r.once(4) });
    if (kind < 10) return add({ k: "hops", path, n: r.between(1, 6) });
    if (kind < 11) return add({ k: "state", path, name: "" });
    return doNode(path, name, depth);
  }

  function doNode(path: string, name: string, depth: number): DoNode {
    const fails = r.pick([0, 0, 0, 0, 1, 1, 2, 9]);
    const how = r.pick(["throw", "throw", "throw", "fatal", "hang"] as const);
    const inner: Node[] = [];
    if (depth < 2 && r.once(5)) {
      const n = r.between(1, 3);
      for (let i = 0; i < n; i++) inner.push(inBody(`${path}.${i}`, depth + 1));
    }
    // the default's retries take minutes
    const config: WorkflowStepConfig | undefined = fails === 0 && inner.length === 0 && r.once(2) ? undefined : {
      retries: {
        limit: r.pick([0, 1, 2, 3]),
        delay: r.pick([0, 5, 50, 500]),
        backoff: r.pick(["constant", "linear", "exponential"] as const),
      },
      ...((fails > 0 && how === "hang") || r.once(4) ? { timeout: r.pick([10, 30, 100, 700]) } : {}),
    };
    const work = Array.from({ length: r.int(3) }, () => r.pick([0, 1, 5, 20, 150]));
    const asked = config !== undefined && r.once(3) ? { asked: r.pick(["answer", "answer", "sleep", "throw", "hang"] as const) } : {};
    return add({ k: "do", path, name, fails, how, work, config, inner, ...asked, ...(depth === 0 && undoes && r.once(2) && { undo: undoOf() }) });
  }

  function undoOf(): Undo {
    const fails = r.pick([0, 0, 0, 1, 2, 9]);
    const how = r.pick(["throw", "throw", "fatal", "hang"] as const);
    const retries = { limit: r.pick([0, 1, 2, 3]), delay: r.pick([0, 5, 50, 500]), backoff: r.pick(["constant", "linear", "exponential"] as const) };
    // the default's retries take minutes
    const config = fails === 0 && r.once(2) ? undefined : { retries, ...((fails > 0 && how === "hang") || r.once(4) ? { timeout: r.pick([30, 100, 700]) } : {}) };
    return { fails, how, work: Array.from({ length: r.int(3) }, () => r.pick([0, 1, 5, 20])), config };
  }

  /** What a body issues together has names of its own: a retry may find some of it settled, and so issue in another order. */
  function inBody(path: string, depth: number): Node {
    if (!r.once(4)) return leaf(path, depth, false);
    const of = [leaf(`${path}.0`, depth, true), leaf(`${path}.1`, depth, true)];
    return add({ k: r.pick(["all", "settled", "loose", "try"] as const), path, of });
  }

  function tree(path: string, depth: number): Node {
    const kind = depth >= 3 ? 0 : r.int(12);
    if (kind < 7) return leaf(path, 0, false);
    const k = r.pick(["seq", "all", "race", "any", "settled", "try", "try", "loose"] as const);
    const of = Array.from({ length: r.between(1, 3) }, (_, i) => tree(`${path}.${i}`, depth + 1));
    return add({ k, path, of });
  }

  const large = r.once(6);
  const of: Node[] = [];
  for (let i = 0; steps < STEPS.least || (large && steps < STEPS.most && !r.once(3)); i++) {
    const node = tree(`${prefix}${i}`, 0);
    // most failures are caught, or few programs would get far
    of.push(r.once(undoes ? 3 : 6) ? node : add({ k: "try", path: `${prefix}${i}t`, of: [node] }));
  }
  return { root: add({ k: "seq", path: `${prefix}run`, of }), nodes };
}

/** Versions of the code, as a platform registers them. */
export type Version = "1" | "2";

/** The next version of a program: mostly the same, else with a step that the one before does not have. */
export function nextOf(r: Chance, program: Program, prefix: string): Program {
  const { root } = program;
  if (root.k !== "seq" || !r.once(2)) return program;
  const added: DoNode = { k: "do", path: `${prefix}new`, name: `${prefix}new`, fails: 0, how: "throw", work: [], config: undefined, inner: [] };
  const at = r.int(root.of.length + 1);
  const of = [...root.of.slice(0, at), added, ...root.of.slice(at)];
  return { root: { ...root, of }, nodes: new Map([...program.nodes, [added.path, added]]) };
}
