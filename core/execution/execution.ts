/**
 * One live run: a guest on one side, `decide` on the other. Live and replay are this one loop.
 *
 * The loop delivers one thing a turn, in this order: the start; settlements of the run, in the journal's order; what
 * running bodies wait for; then, when nothing is left to deliver, one input (the end of an attempt, a time-out) or
 * one decision of a resting instance. Since a settlement is recorded only when everything before it was delivered,
 * every prefix of the journal is a valid journal.
 *
 * @module
 */
import type { Facts, Records } from "../instance/decide/common.ts";
import { type Issued, nameOf, schedule } from "../instance/decide/command.ts";
import { parked, pauseReached } from "../instance/decide/control.ts";
import { guestDied, runEnded, runStalled } from "../instance/decide/end.ts";
import { whenAtRest } from "../instance/decide/rest.ts";
import { attemptEnded, type AttemptResult, attemptTimedOut, attemptTimeout } from "../instance/decide/step.ts";
import { createReplay, describe, type Replay } from "../instance/replay.ts";
import { isEnded, type Op } from "../instance/state.ts";
import type { Guest, Turn } from "../ports/guest.ts";
import { Attempt } from "./attempt.ts";
import { createCalls } from "./calls.ts";
import { readCommand } from "./commands.ts";
import { abort, answer, body, type Grants, type Outgoing, settle, start } from "./deliveries.ts";
import type { Desk } from "./desk.ts";

/** What an execution runs. */
export interface Run {
  readonly workflow: string;
  readonly id: string;
  readonly className: string;
  readonly grants: Grants;
  /** Distinguishes attempts across instances and lives, for idempotency keys. */
  readonly key: string;
  /** Whether the guest reaches the outside only through us. */
  readonly mediated: boolean;
  readonly guest: Guest;
}

/** Where an execution stands after {@linkcode Execution.advance}. */
export type Standing =
  /** More can be done at once. */
  | "ready"
  /** It waits for a commit, its guest, a body or a call. */
  | "busy"
  /** Only time or a message can move it: its guest can go. */
  | "resting"
  /** Over, paused, or ended with nothing left to run. */
  | "over"
  /** Its guest died of something that is not the tenant's error: it has to be made anew. */
  | "dead";

/** One live run. */
export interface Execution {
  /** Runs up to `turns` turns. */
  advance(turns: number): Standing;
  /** Attempts that run. */
  running(): number;
  /** When it has to be advanced for an attempt's time-out: monotonic ms, perhaps too early; `Infinity`: for none. */
  deadline(): number;
  /** The guest has issued commands between turns. */
  collect(): void;
  /** Lets the guest go; late answers are nobody's. */
  close(): void;
}

/** How long a guest that acts by itself may take to issue a recorded command again before that counts as divergence, ms. */
const REPLAY_GRACE = 10_000;

/** Begins one on a guest that has not been delivered anything. */
export function createExecution(desk: Desk, run: Run): Execution {
  const { clock, limits, state } = desk;
  const { guest, mediated } = run;
  const replay: Replay = createReplay(state);
  const calls = createCalls(desk, run.key);
  const attempts = new Map<number, Attempt>();
  const deliveries: Outgoing[] = [];
  const inputs: (() => Records)[] = [];
  let started = false;
  let closed = false;
  let dead = false;
  /** A turn of an asynchronous guest is under way. */
  let turning = false;
  /** When the first attempt's time is over, or before: it is found out when it is reached. */
  let deadline = Infinity;
  /** Calls of the run, and effects that wait for a commit. */
  let outstanding = 0;
  /** A guest that acts by itself has issued something between turns. */
  let collecting = false;
  let incarnation: number | undefined;
  let logged = 0;
  let graceUntil: number | undefined;

  const facts = (): Facts => ({ now: clock.now(), limits, draining: desk.draining() });
  const issued = (op: number): boolean => replay.idOf(op) !== undefined;

  function advance(turns: number): Standing {
    if (deadline !== Infinity) {
      const now = clock.monotonic();
      if (now >= deadline) expire(now);
    }
    for (let n = 0; n < turns; n++) {
      if (!turning && stopped()) close();
      if (closed || dead) break;
      if (turning) return "busy";
      const next = pick();
      if (next === undefined) {
        if (decideOne()) continue;
        return standing();
      }
      take(next);
    }
    return closed || dead || turning ? standing() : "ready";
  }

  /** Whether somebody else ended or paused it. What has completed or failed lets its bodies come to their end. */
  function stopped(): boolean {
    return state.phase === "paused" || state.phase === "terminated";
  }

  /** The next delivery. */
  function pick(): Outgoing | undefined {
    if (!started) {
      // a guest that acts by itself could act for an instance that a crash would undo
      if (!mediated && desk.durable() === 0) return void desk.afterCommit(desk.runnable);
      started = true;
      return start(state, run);
    }
    if (collecting) {
      collecting = false;
      return COLLECT;
    }
    if (!isEnded(state)) {
      const op = replay.next();
      if (op !== undefined) {
        // a guest that acts by itself could show the world what a crash would undo
        if (!mediated && (op.settled?.seq ?? 0) >= desk.durable()) return void desk.afterCommit(desk.runnable);
        replay.delivered();
        calls.told(op.settled?.seq ?? 0);
        return settle(state, op, replay.idOf(op.op) as number, clock.now());
      }
      if (replay.behind()) return undefined;
    }
    // what a body came to is recorded before another turn, of which the guest could die
    return inputs.length > 0 ? undefined : deliveries.shift();
  }

  function take(next: Outgoing): void {
    turning = true;
    const turn = guest.turn(next.frame, next.time);
    if (!(turn instanceof Promise)) return turned(turn, next.owner);
    const over = (result: Turn): void => {
      turned(result, next.owner);
      desk.runnable();
    };
    turn.then(over, () => over(FAILED));
  }

  function turned(turn: Turn, owner: number): void {
    turning = false;
    if (closed) return;
    if (turn.state === "dead") return died(turn, owner);
    if (turn.incarnation !== (incarnation ??= turn.incarnation)) {
      dead = true;
      return;
    }
    // logs were shown before when the turn is replay: settlements follow it, or the journal knows what it issues
    replayed = owner === -1 && replay.behind();
    const lines: (() => void)[] = [];
    for (const text of turn.out) {
      if (closed || dead) break;
      receive(text, lines);
    }
    if (!replayed) { for (const show of lines) show(); }
  }

  let replayed = false;

  function receive(text: string, lines: (() => void)[]): void {
    const received = readCommand(text);
    if (received === undefined) return;
    const { command, value } = received;
    switch (command.c) {
      case "log":
        lines.push(() => log(command.level, value, command.in));
        return;
      case "end":
        return ended(command.ok, value, command.error);
      case "done": {
        const op = replay.opOf(command.id);
        if (op === undefined) return;
        const result: AttemptResult = { ok: command.ok, value, error: command.error, retry: command.retry ?? true };
        return attemptOver(op, command.attempt, result);
      }
      default:
        return issue(command, value);
    }
  }

  function issue(command: Issued, value: string): void {
    let parent = -1;
    if (command.in !== 0) {
      const around = replay.opOf(command.in);
      const attempt = around === undefined ? undefined : attempts.get(around);
      // a command of a closed attempt, or of none: refused and not made
      if (around === undefined || attempt === undefined || attempt.id !== command.in) return;
      if (command.c === "timer") {
        return attempt.after(command.ms, () => reply(answer(command.id, true, undefined, around, clock.now())));
      }
      if (command.c === "call") return callFromBody(attempt, command, value);
      parent = around;
    }
    if (isEnded(state) || state.phase === "paused") return;
    const { known, ...found } = replay.match(parent, command.c, nameOf(command));
    if (known !== undefined) {
      if (parent === -1) replayed = true;
      replay.bind(known.op, command.id);
      if (known.kind === "call" && known.settled === undefined) calls.keep(known.op, value);
      return settleInBody(known);
    }
    if ("diverged" in found && found.diverged) {
      return diverged(`the code issued ${describe(command.c, nameOf(command), 1)}, which its history does not hold here`);
    }
    desk.append(schedule(state, command, parent, facts()));
    const op = state.ops[state.ops.length - 1] as Op;
    replay.bind(op.op, command.id);
    if (op.kind === "call") calls.keep(op.op, value);
    if (op.running) effect(op);
  }

  /** A body does what nobody can undo: it is told of its own steps what is durable. */
  function settleInBody(op: Op): void {
    if (op.parent === -1 || op.settled === undefined) return;
    const id = replay.idOf(op.op) as number;
    const tell = (): void => attempts.has(op.parent) ? reply(settle(state, op, id, clock.now())) : undefined;
    if (op.settled.seq < desk.durable()) tell();
    else desk.afterCommit(tell);
  }

  /** What a started attempt stands for happens when its start is durable (I4). */
  function effect(op: Op): void {
    const { attempts: attempt } = op;
    outstanding++;
    desk.afterCommit(() => {
      outstanding--;
      if (closed || dead) return;
      if (op.kind === "call") callFromRun(op, attempt);
      else enterBody(op, attempt);
      desk.runnable();
    });
  }

  function enterBody(op: Op, attempt: number): void {
    if (op.settled !== undefined || !op.running || op.attempts !== attempt) return;
    const id = replay.idOf(op.op) as number;
    attempts.get(op.op)?.close("the attempt is over");
    replay.enter(op.op);
    const of = { op: op.op, attempt, id, timeout: attemptTimeout(op) };
    const begun = new Attempt(clock, of);
    attempts.set(op.op, begun);
    if (begun.deadline < deadline) deadline = begun.deadline;
    deliveries.push(body(op, id, attempt, clock.now(), clock.uuid()));
  }

  /** Ends the attempts whose time is over; finds the next deadline. */
  function expire(now: number): void {
    deadline = Infinity;
    for (const running of [...attempts.values()]) {
      const { op, attempt, id } = running;
      if (running.deadline > now) {
        deadline = Math.min(deadline, running.deadline);
        continue;
      }
      inputs.push(() => {
        if (attempts.get(op) !== running) return [];
        closeAttempt(running, "the attempt timed out");
        deliveries.push(abort(id, attempt, op));
        return attemptTimedOut(state, op, attempt, facts());
      });
    }
  }

  function attemptOver(op: number, attempt: number, result: AttemptResult): void {
    const running = attempts.get(op);
    if (running?.attempt !== attempt) return;
    closeAttempt(running, "the attempt is over");
    inputs.push(() => attemptEnded(state, op, attempt, result, facts()));
  }

  function closeAttempt(attempt: Attempt, reason: string): void {
    attempt.close(reason);
    attempts.delete(attempt.op);
  }

  function callFromBody(attempt: Attempt, { id, target, method }: Extract<Issued, { c: "call" }>, args: string): void {
    calls.ofBody(attempt, state.ops[attempt.op] as Op, target, method, args).then(({ ok, value }) => {
      if (attempts.get(attempt.op) === attempt) reply(answer(id, ok, value, attempt.op, clock.now()));
    });
  }

  function callFromRun(op: Op, attempt: number): void {
    outstanding++;
    calls.ofRun(op).then((result) => {
      outstanding--;
      if (closed || dead) return;
      inputs.push(() => attemptEnded(state, op.op, attempt, { ...result, retry: false }, facts()));
      desk.runnable();
    });
  }

  function reply(delivery: Outgoing): void {
    if (closed || dead) return;
    deliveries.push(delivery);
    desk.runnable();
  }

  /** One input or one decision; false when there is none. */
  function decideOne(): boolean {
    if (replay.behind() && !isEnded(state)) return false;
    const input = inputs.shift();
    if (input !== undefined) {
      happened(input());
      return true;
    }
    if (isEnded(state) || state.phase === "paused" || closed) return false;
    // what the code has not issued again may be what the journal and it differ in: no new body before that is known
    if (replay.missing() !== undefined) return false;
    const due = whenAtRest(state, issued, facts());
    const records = due.length > 0 ? due : pauseReached(state, facts());
    happened(records);
    return records.length > 0;
  }

  /** Appends what an input or a decision came to, and does what follows from it. */
  function happened(records: Records): void {
    desk.append(records);
    for (const { head } of records) {
      if (head.k === "started") effect(state.ops[head.op] as Op);
      if (head.k === "settled") settleInBody(state.ops[head.op] as Op);
    }
  }

  function standing(): Standing {
    if (dead) return isEnded(state) || state.phase === "paused" ? "over" : "dead";
    if (closed) return "over";
    if (turning || collecting || deliveries.length > 0 || inputs.length > 0 || outstanding > 0) return "busy";
    if (isEnded(state)) return attempts.size > 0 ? "busy" : "over";
    if (state.phase === "paused") return "over";
    const missing = replay.missing();
    if (missing !== undefined && replay.next() === undefined) return astray(missing);
    if (replay.behind() || attempts.size > 0) return "busy";
    if (state.open.size > 0) return "resting";
    // nothing is open: a guest that acts by itself may still go on, one that cannot never will
    if (!mediated) return "busy";
    desk.append(runStalled(state, facts()));
    return "over";
  }

  /** The guest is at rest and has not issued what its journal holds. */
  function astray(missing: Op): Standing {
    if (!mediated) {
      const now = clock.monotonic();
      if (graceUntil === undefined) {
        graceUntil = now + REPLAY_GRACE;
        clock.setTimer(REPLAY_GRACE, desk.runnable);
      }
      if (now < graceUntil) return "busy";
    }
    diverged(`its history holds ${describe(missing.kind, missing.name, missing.count)}, which the code did not issue`);
    return "over";
  }

  function diverged(message: string): void {
    desk.append(parked(state, "nondeterministic", `Code and history part ways: ${message}`, facts()));
    close();
  }

  function ended(ok: boolean, value: string, error: AttemptResult["error"]): void {
    if (isEnded(state)) return;
    const missing = replay.missing();
    if (missing !== undefined || (mediated && replay.behind())) {
      const what = missing ?? state.ops[state.settlements[state.settlements.length - 1] as number] as Op;
      return diverged(`the run ended before ${describe(what.kind, what.name, what.count)} of its history`);
    }
    desk.append(runEnded(state, { ok, value, error }, facts()));
  }

  function died(turn: Turn, owner: number): void {
    dead = true;
    guest.drop();
    for (const attempt of [...attempts.values()]) closeAttempt(attempt, "the guest died");
    desk.append(guestDied(state, turn.death ?? FAILED.death, owner, facts()));
  }

  function log(level: "debug" | "info" | "warn" | "error", text: string, from: number): void {
    logged += text.length;
    if (logged > limits.logBytes) return;
    const op = from === 0 ? undefined : replay.opOf(from);
    desk.log({ level, text, step: op === undefined ? null : (state.ops[op] as Op).name });
  }

  function close(): void {
    if (closed) return;
    closed = true;
    for (const attempt of [...attempts.values()]) closeAttempt(attempt, "the instance was released");
    guest.drop();
  }

  /** Collects what a guest that acts by itself has issued between turns. */
  function collect(): void {
    collecting = true;
    desk.runnable();
  }

  return { advance, running: () => attempts.size, deadline: () => deadline, close, collect };
}

const COLLECT: Outgoing = { frame: "", time: null, owner: -1 };
const FAILED: Turn & { readonly death: NonNullable<Turn["death"]> } = {
  out: [],
  state: "dead",
  fuel: 0,
  incarnation: 0,
  death: { code: "guest_failed", message: "The sandbox failed" },
};
