/**
 * Mutants that the simulator may let pass, each with the reason: nothing that counts changes, or another test holds it.
 *
 * @module
 */
import type { Made } from "./operators.ts";

/**
 * Why it survives: `equivalent`, whoever looks sees the same; `speed`, what differs is how long something takes, in
 * time, memory or calls; `elsewhere`, the simulator does not see it, and the reason says who does, if anybody.
 */
export type Fate = "equivalent" | "speed" | "elsewhere";

/** One, or several of one kind: what is not said may be anything. No numbers of lines, which change with every edit. */
export interface Survivor extends Partial<Pick<Made, "within" | "from" | "to">> {
  readonly file: string;
  /** A part of the line that it is in. */
  readonly at?: string;
  readonly is: Fate;
  readonly reason: string;
}

/** All that were looked at. */
export const SURVIVORS: readonly Survivor[] = [
  { file: "core/execution/attempt.ts", within: "after", is: "elsewhere", reason: "takes a guest with timers of its own: testing/guest_cases" },
  { file: "core/execution/bindings.ts", within: "refused", is: "equivalent", reason: "what a message says" },
  { file: "core/execution/bodies.ts", within: "around", from: "op === undefined", to: "false", is: "equivalent", reason: "without a number there is no attempt" },
  { file: "core/execution/bodies.ts", within: "settled", at: "op.settled?.seq ?? 0", is: "equivalent", reason: "what was settled has a number" },
  { file: "core/execution/bodies.ts", within: "expire", from: "return;", is: "speed", reason: "a look at attempts none of which is over" },
  { file: "core/execution/bodies.ts", within: "abortWithin", at: ".nested", is: "speed", reason: "a look at attempts none of which stands within it" },
  { file: "core/execution/deliveries.ts", within: "startValue", to: "false", is: "speed", reason: "the longer way to the same text" },
  { file: "core/execution/deliveries.ts", within: "startValue", from: "0", to: "1", is: "speed", reason: "the longer way to the same text" },
  { file: "core/execution/execution.ts", at: "desk.turning(", is: "speed", reason: "how many turns are under way: a commit waits for them, speed" },
  { file: "core/execution/execution.ts", within: "", at: "fuel: 0", is: "equivalent", reason: "of a guest that failed nothing but its death is read" },
  { file: "core/execution/execution.ts", within: "", at: "incarnation: 0", is: "equivalent", reason: "of a guest that failed nothing but its death is read" },
  { file: "core/execution/execution.ts", within: "callFromRun", from: "closed || dead", to: "false", is: "equivalent", reason: "a late result is an input that nobody takes any more" },
  { file: "core/execution/execution.ts", within: "pick", from: "op.settled?.seq ?? 0", is: "equivalent", reason: "what is to be delivered has been settled" },
  { file: "core/execution/execution.ts", within: "pick", from: "!isEnded(state)", to: "true", is: "equivalent", reason: "a run that has ended hears what it does not wait for" },
  { file: "core/execution/execution.ts", within: "ended", from: "isEnded(state)", to: "false", is: "equivalent", reason: "the decision says nothing to an ended one" },
  { file: "core/execution/execution.ts", within: "advance", from: "<", to: "<=", is: "speed", reason: "one turn more before another has its turn" },
  { file: "core/execution/execution.ts", within: "issueOfRun", at: "replay.missing() === undefined", is: "elsewhere", reason: "takes code that departs from its history: tests/semantics/divergence" },
  { file: "core/execution/logs.ts", within: "createLogs", at: "let bytes", is: "elsewhere", reason: "a byte more or less of logs: tests/semantics/log" },
  { file: "core/instance/decide/command.ts", within: "schedule", from: "head.start = 1;", is: "speed", reason: "it starts with a record of its own: a commit more" },
  { file: "core/instance/decide/command.ts", within: "schedule", from: "mayStart(state, { kind: command.c, parent }, facts)", to: "false", is: "speed", reason: "it starts with a record of its own: a commit more" },
  { file: "core/instance/decide/command.ts", within: "refuse", from: "command.c === \"sleep\" || command.c === \"wait\"", to: "true", is: "equivalent", reason: "of any other command the time is none" },
  { file: "core/instance/decide/command.ts", within: "schedule", at: "MAX_REFUSALS", is: "elsewhere", reason: "takes a thousand refusals: tests/semantics/limits" },
  { file: "core/instance/decide/command.ts", at: "const MAX_REFUSALS", is: "elsewhere", reason: "takes a thousand refusals: tests/semantics/limits" },
  { file: "core/instance/decide/control.ts", within: "eventReceived", at: "event.id !== undefined && state.eventIds", is: "equivalent", reason: "its caller does not ask for a known one" },
  { file: "core/instance/decide/rest.ts", within: "candidate", at: "?? Infinity", is: "equivalent", reason: "a number of an event is one of an event" },
  { file: "core/instance/decide/step.ts", within: "attemptEnded", at: "const no = failure(", is: "equivalent", reason: "what a message says" },
  { file: "core/instance/history.ts", within: "entryOf", to: "true", at: "\"version\" in head", is: "equivalent", reason: "a field without a value" },
  { file: "core/instance/records.ts", within: "readRecord", from: "<", to: "<=", is: "equivalent", reason: "no record begins with a tab" },
  { file: "core/instance/records.ts", within: "eachRecord", is: "elsewhere", reason: "takes a damaged journal, or one of another release: tests/golden" },
  { file: "core/instance/state.ts", within: "emptyState", at: "life: 0", is: "equivalent", reason: "the first record says it" },
  { file: "core/instance/state.ts", within: "emptyState", at: "created: 0", is: "equivalent", reason: "the first record says it" },
  { file: "core/instance/state.ts", within: "emptyState", at: "pausedAt: 0", is: "equivalent", reason: "said again whenever it is looked at" },
  { file: "core/instance/state.ts", within: "emptyState", at: "stoppedAt: 0", is: "equivalent", reason: "said again whenever it is looked at" },
  { file: "core/instance/state.ts", within: "nextDue", from: "<", to: "<=", is: "equivalent", reason: "of two that are due at one time either is the next" },
  { file: "core/shard/committer.ts", at: "const full", is: "speed", reason: "a bound of the size of a batch: one more or less" },
  { file: "core/shard/committer.ts", within: "build", at: "bytes += ", is: "speed", reason: "an estimate of the size of a batch" },
  { file: "core/shard/live.ts", within: "changedHead", from: "text === live.written && !live.drop", to: "false", is: "speed", reason: "a head that says what the store has is written again" },
  { file: "core/shard/committer.ts", within: "touch", from: "live.queued", to: "false", is: "equivalent", reason: "a set holds it once" },
  { file: "core/shard/committer.ts", within: "fenced", is: "equivalent", reason: "0 is nobody's epoch either" },
  { file: "core/shard/live.ts", within: "changedHead", at: "live.written = \"\"", is: "equivalent", reason: "what is deleted is written by nobody again" },
  { file: "core/shard/committer.ts", within: "outage", is: "elsewhere", reason: "callers hear of an outage: tests/outage" },
  { file: "core/shard/committer.ts", within: "write", at: "waiter.lost(true)", is: "elsewhere", reason: "callers hear of an outage: tests/outage" },
  { file: "core/shard/engine.ts", at: "const SLICE", is: "speed", reason: "how long instances run before what they did is committed: speed" },
  { file: "core/shard/engine.ts", within: "work", from: "n++", to: "n--", is: "speed", reason: "the bound of a slice: speed, and turns for the host" },
  { file: "core/shard/engine.ts", within: "later", from: "\"soon\"", is: "equivalent", reason: "any word but \"no\" says that the queue will be run" },
  { file: "core/shard/engine.ts", within: "work", at: "turning > 0", is: "speed", reason: "whether a commit waits for turns under way: speed" },
  { file: "core/shard/engine.ts", within: "spare", at: "!warmed", is: "speed", reason: "what is warm is warmed once more" },
  { file: "core/shard/ownership.ts", within: "renew", from: "mine === undefined", to: "false", is: "equivalent", reason: "it stops with the loss of its shard; a failure would be the next round's to find" },
  { file: "core/shard/ownership.ts", within: "stop", is: "equivalent", reason: "what goes on for a shard that is lost finds out that it is, and does nothing" },
  { file: "core/shard/engine.ts", within: "close", from: "<", to: "<=", is: "speed", reason: "one look more in the millisecond of the deadline" },
  { file: "core/shard/engine.ts", within: "work", at: "putOff", is: "speed", reason: "how long a commit is put off: speed" },
  { file: "core/shard/format.ts", within: "written", at: "FIRST", is: "equivalent", reason: "it is asked for owned shards, whose format is known" },
  { file: "core/shard/format.ts", within: "acquire", at: "read(shard) > newest", is: "elsewhere", reason: "takes another release: tests/format" },
  { file: "core/shard/format.ts", within: "raise", is: "elsewhere", reason: "takes another release: tests/format" },
  { file: "core/shard/hints.ts", within: "repeat", at: "again = false", is: "speed", reason: "one look more" },
  { file: "core/shard/hints.ts", within: "repeat", at: "let again", is: "speed", reason: "one look more" },
  { file: "core/shard/hints.ts", within: "cancel", is: "speed", reason: "one look more" },
  { file: "core/shard/hints.ts", at: "const HINTED", is: "speed", reason: "how often one looks who hears hints: speed" },
  { file: "core/shard/hints.ts", within: "createHints", at: "stop !== undefined", is: "equivalent", reason: "there is nothing to stop, and nothing stops it" },
  { file: "core/shard/lives.ts", within: "release", at: "asked", is: "speed", reason: "whether one is kept in memory that could be read again" },
  { file: "core/shard/lives.ts", within: "replace", at: "!reborn", is: "equivalent", reason: "queued a moment earlier than by its first record" },
  { file: "core/shard/rollout.ts", at: "MAX_ENTRIES", is: "elsewhere", reason: "takes a thousand instances that do not move: no test holds it yet" },
  { file: "core/shard/run_queue.ts", within: "shift", at: "this.clear()", is: "speed", reason: "memory of an empty queue" },
  { file: "core/shard/run_queue.ts", within: "push", from: "queue === undefined", to: "true", is: "speed", reason: "a tenant with two queues has two turns: fairness, held by tests/semantics/fairness" },
  { file: "core/shard/run_queue.ts", within: "shift", at: "this.isEmpty()", is: "speed", reason: "memory of an empty queue" },
  { file: "core/shard/runner.ts", within: "failed", from: "\"none\"", is: "equivalent", reason: "any word that is none of the others says that nothing runs" },
  { file: "core/shard/runner.ts", within: "advance", from: "\"none\"", is: "equivalent", reason: "any word that is none of the others says that nothing runs" },
  { file: "core/shard/runner.ts", within: "watch", from: "<", to: "<=", is: "speed", reason: "one look more in the same millisecond" },
  { file: "core/shard/runner.ts", within: "activate", at: "live.state?.crashes ?? 0", is: "equivalent", reason: "without a state there is nothing to run" },
  { file: "core/shard/runner.ts", within: "wake", from: "live?.state !== undefined", to: "true", is: "equivalent", reason: "without an instance there is nothing to run, and the error is tried again" },
  { file: "core/shard/runner.ts", at: "live.suspect", is: "elsewhere", reason: "takes an instance that kills again and again: tests/semantics/poison" },
  { file: "core/shard/slots.ts", at: "quarantine", is: "elsewhere", reason: "takes an instance that kills again and again: tests/semantics/poison" },
  { file: "core/shard/slots.ts", within: "suspicion", is: "elsewhere", reason: "takes an instance that kills again and again: tests/semantics/poison" },
  { file: "core/shard/timers.ts", within: "rest", is: "speed", reason: "when others get their turn: speed" },
  { file: "core/shard/timers.ts", within: "rounds", at: "while (!stopped", is: "speed", reason: "one round more" },
  { file: "core/shard/look.ts", within: "createLook", from: "isUnavailable(error)", is: "equivalent", reason: "what a message says" },
  { file: "core/shard/upgrade.ts", within: "goesOn", is: "speed", reason: "one that runs is looked at once more" },
  { file: "core/shard/watchers.ts", within: "watch", at: "set.size === 0", is: "speed", reason: "memory of a set that is empty" },
  { file: "core/instance/decide/restart.ts", is: "elsewhere", reason: "takes a restart at a step: tests/semantics/restart" },
  { file: "core/instance/decide/rollback.ts", is: "elsewhere", reason: "takes a rollback: tests/semantics/rollback" },
  { file: "core/shard/restart.ts", is: "elsewhere", reason: "takes a restart at a step, or in another version: tests/semantics/restart" },
  { file: "core/shard/retention.ts", is: "elsewhere", reason: "takes instances that are forgotten: tests/semantics/retention" },
  { file: "core/shard/accounts.ts", is: "elsewhere", reason: "takes usage that is asked for: tests/semantics/usage" },
  { file: "core/shard/schedule_book.ts", is: "elsewhere", reason: "takes schedules: tests/semantics/schedule" },
  { file: "core/shard/schedule_calls.ts", is: "elsewhere", reason: "takes schedules: tests/semantics/schedule" },
  { file: "core/shard/schedule_record.ts", is: "elsewhere", reason: "takes schedules: tests/semantics/schedule" },
  { file: "core/shard/schedules.ts", is: "elsewhere", reason: "takes schedules: tests/semantics/schedule" },
  { file: "core/shard/tenants.ts", within: "put", is: "elsewhere", reason: "takes deployed code: tests/semantics" },
  { file: "core/shard/apply.ts", within: "deploy", is: "elsewhere", reason: "takes deployed code: tests/semantics" },
  { file: "core/shard/apply.ts", within: "versionFor", is: "elsewhere", reason: "takes deployed code: tests/semantics/create" },
  { file: "core/shard/engine.ts", within: "upgradeFormat", is: "elsewhere", reason: "takes another release: tests/format" },
  { file: "core/shard/engine.ts", within: "close", at: "committer.stop()", is: "elsewhere", reason: "whoever waits at an engine that closes: the process of a schedule ends with it" },
  { file: "core/shard/engine.ts", within: "applied", at: "cause instanceof TenureError", is: "elsewhere", reason: "which error a caller gets: tests/outage" },
  { file: "core/shard/committer.ts", within: "cell", is: "elsewhere", reason: "takes deployed code, or a cell of its own: tests/semantics" },
  { file: "core/shard/committer.ts", within: "write", at: "wait = Math.min", is: "speed", reason: "how long a store that fails is left alone" },
  { file: "core/shard/timers.ts", within: "run", at: "began = clock", is: "speed", reason: "when others get their turn" },
  { file: "core/shard/runner.ts", within: "advance", at: "live.held !== undefined", is: "elsewhere", reason: "an upgrade gives up that could go on: tests/semantics/upgrade_running" },
  { file: "core/shard/slots.ts", at: "admits(", is: "elsewhere", reason: "takes an instance that kills again and again: tests/semantics/poison" },
  { file: "core/shard/slots.ts", within: "roomy", from: "<", to: "<=", is: "speed", reason: "when the timers read on: one more or less" },
  { file: "core/shard/slots.ts", within: "free", from: "&&", to: "||", is: "speed", reason: "one that has to wait is read before it waits" },
  { file: "core/shard/quotas.ts", within: "readUsage", at: "at: 0", is: "equivalent", reason: "without tokens nobody asks since when" },
  { file: "core/shard/upgrade.ts", at: "const TRIES", is: "speed", reason: "how often one is looked at that goes on meanwhile" },
  { file: "core/execution/bodies.ts", within: "refuseWhatIsOver", from: "continue;", is: "elsewhere", reason: "a body hears that what it stands in has ended, and it has not: no test holds it yet" },
  { file: "core/execution/execution.ts", within: "standing", at: "outstanding > 0 || streams.reading()) return", from: "\"busy\"", is: "elsewhere", reason: "a body's time-out is seen late beside a call of the run: no test holds it yet" },
  { file: "core/shard/runner.ts", within: "end", at: "live.stopTimer = undefined", is: "equivalent", reason: "a timer that is stopped is stopped again" },
  { file: "core/shard/committer.ts", within: "build", at: "let ops = 0", is: "speed", reason: "the size of a batch: one more or less" },
  { file: "core/shard/committer.ts", at: "const MAX_BYTES", is: "speed", reason: "the size of a batch" },
  { file: "core/shard/engine.ts", within: "ask", at: "pause * 2", is: "speed", reason: "how soon one looks again" },
  { file: "core/shard/rollout.ts", within: "rollOut", at: "concerns(head, version)", is: "speed", reason: "the owner says of it that there is nothing to move" },
  { file: "core/shard/run_queue.ts", within: "long", is: "speed", reason: "when a queue counts as long: fairness" },
  { file: "core/execution/execution.ts", within: "idle", at: "Math.max(0", is: "speed", reason: "one look a millisecond later" },
  { file: "core/instance/evolve.ts", at: "rollback.left", is: "elsewhere", reason: "takes a rollback: tests/semantics/rollback" },
  { file: "core/shard/rollout.ts", within: "ask", is: "elsewhere", reason: "takes a history that cannot be read: tests/semantics/upgrade" },
  { file: "core/shard/upgrade.ts", within: "still", is: "elsewhere", reason: "takes bodies of seconds: tests/semantics/upgrade_running" },
];

/** The entry for a mutant. */
export function survivorOf(made: Made): Survivor | undefined {
  return SURVIVORS.find((each) =>
    each.file === made.file && made.text.includes(each.at ?? "") &&
    (["within", "from", "to"] as const).every((part) => each[part] === undefined || each[part] === made[part])
  );
}
