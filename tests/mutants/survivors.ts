/**
 * Mutants that the simulator may let pass, each with the reason: nothing that counts changes, or another test holds it.
 *
 * @module
 */
import type { Made } from "./operators.ts";

/** One, or several of one kind: what is not said may be anything. No numbers of lines, which change with every edit. */
export interface Survivor extends Partial<Pick<Made, "within" | "from" | "to">> {
  readonly file: string;
  /** A part of the line that it is in. */
  readonly at?: string;
  /** `true`: what comes to happen is the same, whoever looks, or differs in how fast. */
  readonly equivalent: boolean;
  readonly reason: string;
}

/** All that were looked at. */
export const SURVIVORS: readonly Survivor[] = [
  { file: "core/shard/engine.ts", at: "const SLICE", equivalent: true, reason: "how long instances run before what they did is committed: speed" },
  { file: "core/shard/engine.ts", within: "work", from: "n++", to: "n--", equivalent: true, reason: "the bound of a slice: speed, and turns for the host" },
  { file: "core/shard/engine.ts", within: "later", from: "\"soon\"", equivalent: true, reason: "any word but \"no\" says that the queue will be run" },
  { file: "core/shard/engine.ts", within: "work", at: "turning > 0", equivalent: true, reason: "whether a commit waits for turns under way: speed" },
  { file: "core/shard/engine.ts", within: "acquire", at: "!warmed", equivalent: true, reason: "what is warm is warmed once more" },
  { file: "core/shard/engine.ts", within: "renew", from: "mine === undefined", to: "false", equivalent: true, reason: "it stops with the loss of its shard; a failure would be the next round's to find" },
  { file: "core/shard/engine.ts", within: "stop", equivalent: true, reason: "what goes on for a shard that is lost finds out that it is, and does nothing" },
  { file: "core/shard/engine.ts", within: "close", from: "<", to: "<=", equivalent: true, reason: "one look more in the millisecond of the deadline" },
  { file: "core/shard/committer.ts", at: "const full", equivalent: true, reason: "a bound of the size of a batch: one more or less" },
  { file: "core/shard/committer.ts", within: "build", at: "bytes += ", equivalent: true, reason: "an estimate of the size of a batch" },
  { file: "core/shard/committer.ts", within: "changedHead", from: "text === live.written && !live.drop", to: "false", equivalent: true, reason: "a head that says what the store has is written again" },
  { file: "core/shard/committer.ts", within: "touch", from: "live.queued", to: "false", equivalent: true, reason: "a set holds it once" },
  { file: "core/shard/hints.ts", within: "repeat", at: "again = false", equivalent: true, reason: "one look more" },
  { file: "core/shard/hints.ts", within: "repeat", at: "let again", equivalent: true, reason: "one look more" },
  { file: "core/shard/lives.ts", within: "release", at: "asked", equivalent: true, reason: "whether one is kept in memory that could be read again" },
  { file: "core/shard/lives.ts", within: "replace", at: "!reborn", equivalent: true, reason: "queued a moment earlier than by its first record" },
  { file: "core/shard/run_queue.ts", within: "shift", at: "this.clear()", equivalent: true, reason: "memory of an empty queue" },
  { file: "core/shard/run_queue.ts", within: "push", from: "queue === undefined", to: "true", equivalent: true, reason: "a tenant with two queues has two turns: fairness, held by tests/semantics/fairness" },
  { file: "core/shard/runner.ts", within: "failed", from: "\"none\"", equivalent: true, reason: "any word that is none of the others says that nothing runs" },
  { file: "core/shard/runner.ts", within: "advance", from: "\"none\"", equivalent: true, reason: "any word that is none of the others says that nothing runs" },
  { file: "core/shard/runner.ts", within: "watch", from: "<", to: "<=", equivalent: true, reason: "one look more in the same millisecond" },
  { file: "core/shard/timers.ts", within: "rest", equivalent: true, reason: "when others get their turn: speed" },
  { file: "core/shard/look.ts", within: "createLook", from: "known", equivalent: true, reason: "what a message says" },
  { file: "core/shard/format.ts", within: "written", at: "FIRST", equivalent: true, reason: "it is asked for owned shards, whose format is known" },
  { file: "core/execution/execution.ts", at: "desk.turning(", equivalent: true, reason: "how many turns are under way: a commit waits for them, speed" },
  { file: "core/execution/execution.ts", within: "", at: "fuel: 0", equivalent: true, reason: "of a guest that failed nothing but its death is read" },
  { file: "core/execution/execution.ts", within: "", at: "incarnation: 0", equivalent: true, reason: "of a guest that failed nothing but its death is read" },
  { file: "core/execution/execution.ts", within: "callFromRun", from: "closed || dead", to: "false", equivalent: true, reason: "a late result is an input that nobody takes any more" },
  { file: "core/execution/execution.ts", within: "pick", from: "op.settled?.seq ?? 0", equivalent: true, reason: "what is to be delivered has been settled" },
  { file: "core/execution/execution.ts", within: "pick", from: "!isEnded(state)", to: "true", equivalent: true, reason: "a run that has ended hears what it does not wait for" },
  { file: "core/execution/execution.ts", within: "ended", from: "isEnded(state)", to: "false", equivalent: true, reason: "the decision says nothing to an ended one" },
  { file: "core/execution/deliveries.ts", within: "startValue", to: "false", equivalent: true, reason: "the longer way to the same text" },
  { file: "core/execution/deliveries.ts", within: "startValue", from: "0", to: "1", equivalent: true, reason: "the longer way to the same text" },
  { file: "core/instance/state.ts", within: "emptyState", at: "life: 0", equivalent: true, reason: "the first record says it" },
  { file: "core/instance/state.ts", within: "emptyState", at: "created: 0", equivalent: true, reason: "the first record says it" },
  { file: "core/instance/state.ts", within: "emptyState", at: "pausedAt: 0", equivalent: true, reason: "said again whenever it is looked at" },
  { file: "core/instance/state.ts", within: "emptyState", at: "stoppedAt: 0", equivalent: true, reason: "said again whenever it is looked at" },
  { file: "core/instance/records.ts", within: "readRecord", from: "<", to: "<=", equivalent: true, reason: "no record begins with a tab" },
  { file: "core/instance/decide/command.ts", within: "schedule", from: "head.start = 1;", equivalent: true, reason: "it starts with a record of its own: a commit more" },
  { file: "core/instance/decide/command.ts", within: "schedule", from: "mayStart(state, { kind: command.c, parent }, facts)", to: "false", equivalent: true, reason: "it starts with a record of its own: a commit more" },
  { file: "core/instance/decide/command.ts", within: "refuse", from: "command.c === \"sleep\" || command.c === \"wait\"", to: "true", equivalent: true, reason: "of any other command the time is none" },
  { file: "core/instance/decide/command.ts", within: "schedule", at: "MAX_REFUSALS", equivalent: false, reason: "takes a thousand refusals: tests/semantics/limits" },
  { file: "core/shard/format.ts", within: "acquire", at: "read(shard) > newest", equivalent: false, reason: "takes another release: tests/format" },
  { file: "core/shard/rollout.ts", at: "MAX_ENTRIES", equivalent: false, reason: "takes a thousand instances that do not move: no test holds it yet" },
  { file: "core/shard/timers.ts", within: "pages", at: "PAGE", equivalent: false, reason: "takes more due instances than a page holds: no test holds it yet" },
  { file: "core/execution/attempt.ts", within: "after", equivalent: false, reason: "takes a guest with timers of its own: testing/guest_cases" },
  { file: "core/execution/bodies.ts", within: "timer", equivalent: false, reason: "takes a guest with timers of its own: testing/guest_cases" },
  { file: "core/execution/execution.ts", within: "issueOfRun", at: "replay.missing() === undefined", equivalent: false, reason: "takes code that departs from its history: tests/semantics/divergence" },
];

/** The entry for a mutant. */
export function survivorOf(made: Made): Survivor | undefined {
  return SURVIVORS.find((each) =>
    each.file === made.file && made.text.includes(each.at ?? "") &&
    (["within", "from", "to"] as const).every((part) => each[part] === undefined || each[part] === made[part])
  );
}
