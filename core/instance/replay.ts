/**
 * A guest beside its journal: which command is which, which delivery is next, and where code and journal part ways.
 *
 * Live and replay are one loop. A guest that is new to a journal is given settlement k + 1 only when it has issued
 * again every command that was recorded before it; a command that the journal does not know, while settlements are
 * still to be delivered, is divergence. The order within a turn is not compared: a promise library may change it.
 *
 * @module
 */
import type { Kind } from "./records.ts";
import { family, identity, type Op, type State } from "./state.ts";

/** What became of a command that the guest issued. */
export type Binding =
  /** The journal knows it. */
  | { readonly known: Op }
  /** It is new and comes next in the journal. */
  | { readonly known: undefined; readonly diverged: false }
  /** It cannot have been issued here by the code that wrote the journal. */
  | { readonly known: undefined; readonly diverged: true };

/** One incarnation of a guest. */
export interface Replay {
  /** Finds the recorded command that an issued one is. Counts it: call once for each. */
  match(parent: number, kind: Kind, name: string): Binding;
  /** Remembers the guest's own number for an op. */
  bind(op: number, id: number): void;
  /** The op behind a guest's number. */
  opOf(id: number): number | undefined;
  /** The guest's number for an op. */
  idOf(op: number): number | undefined;
  /** Whether the guest waits for an op: those of a body only when its present attempt has issued them. */
  issued(op: number): boolean;
  /** A body begins anew: its steps are counted from 1 again, and nobody waits for them before they are issued again. */
  enter(op: number): void;
  /** The next settlement of the run to deliver; `undefined`: none is left, or commands before it are still missing. */
  next(): Op | undefined;
  /** It was delivered. */
  delivered(): void;
  /** Whether settlements are left. */
  behind(): boolean;
  /** A recorded command of the run that the guest has not issued, although it could have by now. */
  missing(): Op | undefined;
  /** A recorded command of the run that the guest has issued although one before it is missing. */
  ahead(): Op | undefined;
  /** What the journal holds next: a command that the guest has not issued, or a settlement. */
  expected(): Op | undefined;
}

/** Starts at the top of a journal. */
export function createReplay(state: State): Replay {
  const ops = new Map<number, number>();
  const ids: (number | undefined)[] = [];
  const counts = new Map<number, Map<string, number>>();
  /** Issued by an earlier attempt at the body that they stand in. */
  const stale = new Set<number>();
  let cursor = 0;
  let scanned = 0;
  /** First op of the run that has not been issued. */
  const firstUnissued = (): Op | undefined => {
    for (; scanned < state.ops.length; scanned++) {
      const op = state.ops[scanned] as Op;
      if (op.parent === -1 && op.kind !== "rollback" && ids[scanned] === undefined) return op;
    }
    return undefined;
  };
  /** What was settled after a rollback began is not told to the run. */
  const behind = (): boolean => {
    if (cursor >= state.settlements.length) return false;
    return state.rollback === undefined || (state.ops[state.settlements[cursor] as number]?.settled?.seq ?? 0) < state.rollback.seq;
  };
  return {
    match(parent, kind, name) {
      let within = counts.get(parent);
      if (within === undefined) counts.set(parent, within = new Map());
      const group = family(parent, kind, name);
      const count = (within.get(group) ?? 0) + 1;
      within.set(group, count);
      const op = state.byIdentity.get(identity(parent, kind, name, count));
      if (op !== undefined) return { known: state.ops[op] as Op };
      return { known: undefined, diverged: parent === -1 && behind() };
    },
    bind(op, id) {
      ids[op] = id;
      ops.set(id, op);
      stale.delete(op);
    },
    opOf: (id) => ops.get(id),
    idOf: (op) => ids[op],
    issued: (op) => ids[op] !== undefined && !stale.has(op),
    enter(op) {
      counts.delete(op);
      if (!(state.ops[op] as Op).nested) return;
      for (const inner of state.open) if ((state.ops[inner] as Op).parent === op) stale.add(inner);
    },
    next() {
      if (!behind()) return undefined;
      const op = state.ops[state.settlements[cursor] as number] as Op;
      const unissued = firstUnissued();
      return unissued !== undefined && unissued.seq < (op.settled?.seq ?? 0) ? undefined : op;
    },
    delivered() {
      cursor++;
    },
    behind,
    missing: firstUnissued,
    ahead: () => state.ops.find(({ op, parent }) => op > scanned && parent === -1 && ids[op] !== undefined),
    expected: () => firstUnissued() ?? state.ops[state.settlements[cursor] ?? -1],
  };
}

/** How a command is named to a person. */
export function describe({ kind, name, count }: Pick<Op, "kind" | "name" | "count">): string {
  const what = { do: "step", sleep: "sleep", wait: "wait", call: "call", timer: "timer", state: "state", rollback: "rollback", child: "child" }[kind];
  return `${what}${kind === "state" ? "" : ` "${name}"`}${count > 1 ? ` (${count})` : ""}`;
}
