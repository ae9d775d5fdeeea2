/**
 * Bugs that we plant: each is one that somebody made, here or elsewhere, and the simulator has to find it.
 *
 * @module
 */

import type { Changed } from "./build.ts";

/** A change of the source. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** Pairs: each text stands there once, and becomes the other. What is guarded twice names the other file, too. */
  readonly change: readonly (readonly [from: string, to: string, file?: string])[];
}

/** By name. */
export const PLANTED: readonly Mutant[] = [
  {
    name: "the store does not look at the epoch of a commit",
    file: "adapters/storage/memory.ts",
    change: [["const fenced = batches.filter((b) => !owns(shardAt(b.shard), b.epoch))", "const fenced = batches.filter(() => false)"]],
  },
  {
    name: "acknowledged before the commit",
    file: "core/shard/engine.ts",
    change: [["          committer.wait(shard,", "          resolve(decided);\n          committer.wait(shard,"], ["            ok: () => resolve(decided),", "            ok: () => {},"]],
  },
  {
    name: "a batch whose outcome is unknown is sent again blindly",
    file: "core/shard/committer.ts",
    change: [
      ["if (lease?.lastBatch === id) applied = true;", "if (lease?.lastBatch === \"\") applied = false;"],
      ["lease === null || lease.lastBatch !== (known.get(part.shard) ?? \"\")", "lease === null"],
    ],
  },
  {
    name: "an event wakes nobody",
    file: "core/shard/apply.ts",
    change: [["    if (live.activity !== \"resting\" || waitsFor(state, type)) runner.proceed(live);\n", ""]],
  },
  {
    name: "a due time is set anew when an instance is cut off",
    file: "core/instance/evolve.ts",
    change: [["    (state.ops[n] as Op).running = false;\n    state.pending.add(n);", "    const op = state.ops[n] as Op;\n    op.running = false;\n    if (op.due !== null) op.due = state.t + op.timeout;\n    state.pending.add(n);"]],
  },
  {
    name: "the order of settlements is lost",
    file: "core/instance/evolve.ts",
    change: [["if (op.parent === -1 && op.kind !== \"rollback\") state.settlements.push(op.op);", "if (op.parent === -1 && op.kind !== \"rollback\") state.settlements.push(op.op), state.settlements.sort((a, b) => a - b);"]],
  },
  {
    name: "a wait that has timed out takes a later event",
    file: "core/instance/decide/rest.ts",
    change: [["event !== undefined && (op.due === null || accepted <= op.due)", "event !== undefined"]],
  },
  {
    name: "a body runs before its start is durable",
    file: "core/execution/execution.ts",
    change: [["    outstanding++;\n    desk.afterCommit(() => {", "    outstanding++;\n    ((run: () => void) => run())(() => {"]],
  },
  {
    name: "a head goes without what it stands for",
    file: "core/shard/committer.ts",
    change: [["        if (head !== undefined) heads.push(head);\n", "        if (head !== undefined && live.lines.length === 0) heads.push(head);\n"]],
  },
  {
    name: "steps within a body are counted with the run's",
    file: "core/instance/evolve.ts",
    change: [["const group = family(parent, head.kind, head.name);", "const group = family(-1, head.kind, head.name);"]],
  },
  {
    name: "the outcome of a message is forgotten",
    file: "core/shard/committer.ts",
    change: [["        acks.push(...live.acks.splice(0));\n", "        live.acks.splice(0);\n"]],
  },
  {
    name: "an old life runs on after a restart",
    file: "core/shard/apply.ts",
    change: [["    if (before !== undefined) runner.end(before);\n", ""]],
  },
  {
    name: "timers fire before what was sent earlier is read",
    file: "core/shard/ownership.ts",
    change: [["        await read();\n        break;", "        void read();\n        break;"]],
  },
  {
    name: "a crash is counted after the code runs",
    file: "core/shard/runner.ts",
    change: [["await parts.durable(", "void parts.durable("]],
  },
  {
    name: "a timer is early",
    file: "core/instance/decide/rest.ts",
    change: [["return op.due <= now ? { at: op.due", "return op.due <= now + 20 ? { at: op.due"]],
  },
  {
    name: "a pause moves no timer",
    file: "core/instance/evolve.ts",
    change: [["      shift(state, head.t);\n", ""]],
  },
  {
    name: "an instance is read while its commit is in flight",
    file: "core/shard/lives.ts",
    change: [[" || live.queued || live.inFlight;", " || live.queued;"]],
  },
  {
    name: "what is queued is not sent by itself",
    file: "core/shard/committer.ts",
    change: [["      owners.queued();\n", ""]],
  },
  {
    name: "a clock that jumps back loses a timer",
    file: "core/shard/shard.ts",
    change: [["if (live.activity !== \"queued\") timers.note(wake);", "if (live.activity !== \"queued\" && head !== undefined) timers.note(wake);"]],
  },
  {
    name: "a release forgets bodies that were about to begin",
    file: "core/shard/shard.ts",
    change: [["if (state !== undefined && isBusy(state))", "if (state !== undefined && live.execution !== undefined && live.execution.running() > 0)"]],
  },
  {
    name: "two readers of an instance make two of it",
    file: "core/shard/lives.ts",
    change: [["const found = lives.get(text) ?? read;", "const found = read;"]],
  },
  {
    name: "a body begins although its time is over",
    file: "core/execution/execution.ts",
    change: [["    while (next?.begins?.closed === true) next = deliveries.shift();\n", ""]],
  },
  {
    name: "records follow the end",
    file: "core/instance/decide/step.ts",
    change: [["  if (isEnded(state)) return NOTHING;\n", ""]],
  },
  {
    name: "a known event id is a new event",
    file: "core/instance/decide/control.ts",
    change: [
      ["  if (event.id !== undefined && state.eventIds.has(event.id)) return NOTHING;\n", ""],
    ],
  },
  {
    name: "an id that is taken is created again",
    file: "core/shard/apply.ts",
    change: [["    if (existing?.state !== undefined) {\n", "    if (existing?.state !== undefined && existing.state.seq < 3) {\n"]],
  },
  {
    name: "the answer of a delay function is ignored",
    file: "core/instance/decide/step.ts",
    change: [["result.delay ?? 0", "0"]],
  },
  {
    name: "a state that was published is not replaced",
    file: "core/instance/evolve.ts",
    change: [["state.published = value;", "state.published ??= value;"]],
  },
  {
    name: "an instance that is held is looked for again and again",
    file: "core/shard/shard.ts",
    change: [["live.held === undefined && !draining() && ", ""]],
  },
  {
    name: "a slow reading of a tenant brings back what was before",
    file: "core/shard/tenants.ts",
    change: [["let asked = reading.get(tenant);", "let asked = tenant === \"\" ? reading.get(tenant) : undefined;"]],
  },
  {
    name: "where to read on for a tenant is lost when another of its is left meanwhile",
    file: "core/shard/timers.ts",
    change: [["          if (!woken) leave(due.tenant, { after, from });\n", "          if (!woken && !left.has(due.tenant)) leave(due.tenant, { after, from });\n"]],
  },
  {
    name: "steps are undone in the order of their start",
    file: "core/instance/decide/rollback.ts",
    change: [
      ["state.ops[undoable[rollback.left] ?? -1]?.undone", "state.ops[undoable[undoable.length - rollback.left - 1] ?? -1]?.undone"],
      ["state.ops[undoable[rollback.left - 1] as number]", "state.ops[undoable[undoable.length - rollback.left] as number]"],
    ],
  },
  {
    name: "a rollback handler that went well is run again after a crash",
    file: "core/instance/evolve.ts",
    change: [["  if (state.rollback !== undefined) leaveOpen(state, ({ kind }) => kind === \"rollback\");\n", "  if (state.rollback !== undefined) leaveOpen(state, ({ kind }) => kind === \"rollback\"), state.rollback.left = Math.min(state.undoable.length, state.rollback.left + 1);\n"]],
  },
  {
    name: "a rollback goes on behind a handler that failed",
    file: "core/instance/decide/rollback.ts",
    change: [["  if (last?.settled?.ok === false) return rolledBack(state, last.settled.error, facts);\n", ""]],
  },
  {
    name: "what a restart at a step keeps loses its outcome",
    file: "core/instance/decide/restart.ts",
    change: [["    if (kept !== undefined) records.push(kept);\n", "    if (kept !== undefined && kept.head.k !== \"outcome\") records.push(kept);\n"]],
  },
  {
    name: "a restart at a step keeps the step, too",
    file: "core/shard/restart.ts",
    change: [["before.length < seq && before.push(record)", "before.length <= seq && before.push(record)"]],
  },
  {
    name: "a schedule meets its due time again",
    file: "core/shard/schedules.ts",
    change: [["change(entry, { ...record, next, last: { due, id: instance } }", "change(entry, { ...record, next: record.next, last: { due, id: instance } }"]],
  },
];

/** Applies one to the sources. Throws when what it changes is not there once. */
export function plant({ name, file, change }: Mutant, read: (file: string) => string): readonly Changed[] {
  const texts = new Map<string, string>();
  for (const [from, to, other] of change) {
    const place = other ?? file, text = texts.get(place) ?? read(place);
    if (text.split(from).length !== 2) throw new Error(`Cannot plant "${name}" in ${place}: its text stands there ${text.split(from).length - 1} times`);
    texts.set(place, text.replace(from, () => to));
  }
  return [...texts].map(([place, text]) => ({ file: place, text }));
}
