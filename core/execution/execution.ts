/**
 * One live run: a guest on one side, `decide` on the other. Live and replay are this one loop.
 *
 * The loop delivers one thing a turn, in this order: the start; answers to what the run reads of streams; settlements of the run, in the journal's order; what
 * running bodies wait for; then, when nothing is left to deliver, one input (the end of an attempt, a time-out) or
 * one decision of a resting instance. Since a settlement is recorded only when everything before it was delivered,
 * every prefix of the journal is a valid journal.
 *
 * @module
 */
import type { Facts, Records } from "../instance/decide/common.ts";
import { type Issued, nameOf, schedule } from "../instance/decide/command.ts";
import { diverged, pauseReached, THE_END } from "../instance/decide/control.ts";
import { guestDied, runEnded, runStalled } from "../instance/decide/end.ts";
import { nextAtRest, whenAtRest } from "../instance/decide/rest.ts";
import { nextRollback, rollbackLost } from "../instance/decide/rollback.ts";
import { childStarted } from "../instance/decide/child.ts";
import { attemptEnded, type AttemptResult } from "../instance/decide/step.ts";
import { createReplay, describe, type Replay } from "../instance/replay.ts";
import { type ChildOf, isEnded, type Op } from "../instance/state.ts";
import type { Turn } from "../ports/guest.ts";
import { createBodies } from "./bodies.ts";
import { createCalls } from "./calls.ts";
import { createLogs } from "./logs.ts";
import { readCommand } from "./commands.ts";
import { COLLECT, type Outgoing, settle, start } from "./deliveries.ts";
import type { Desk, LogLine } from "./desk.ts";
import type { Execution, Run, Standing } from "./run.ts";
import { createStreams } from "./streams.ts";

/** How long a guest that acts by itself may take to issue a recorded command again before that counts as divergence, ms. */
const REPLAY_GRACE = 10_000;

/** Begins one on a guest that has not been delivered anything. */
export function createExecution(desk: Desk, run: Run): Execution {
  const { clock, limits, state } = desk;
  const { guest, mediated } = run;
  const replay: Replay = createReplay(state);
  const calls = createCalls(desk, run.key);
  const logs = createLogs(desk);
  const deliveries: Outgoing[] = [];
  const lines: LogLine[] = [];
  const inputs: (() => Records)[] = [];
  let started = false, closed = false, dead = false, replayed = false;
  /** A turn of an asynchronous guest is under way; whose turn the last one was; what the run's clock shows. */
  let turning = false, turnOwner = -1, runTime = state.created;
  /** Calls of the run, and effects that wait for a commit. */
  let outstanding = 0;
  /** A guest that acts by itself has issued something between turns. */
  let collecting = false;
  let incarnation: number | undefined;
  let graceUntil: number | undefined;

  const facts = (): Facts => ({ now: clock.now(), limits, draining: desk.draining() });
  const deliver = (delivery: Outgoing): void => void deliveries.push(delivery);
  const bodies = createBodies({
    desk,
    replay,
    calls,
    facts,
    deliver,
    happened: (input) => void inputs.push(input),
  });
  const streams = createStreams({ desk, replay, bodies, deliver });
  /** What the run issued that its history does not hold, while it has not issued again all that it holds. */
  const held: { readonly command: Issued; readonly value: string }[] = [];
  /** The guest's numbers of rollback handlers, by the step that they undo. */
  const handlers = new Map<number, number>();
  const issued = (op: number): boolean => state.ops[op]?.parent === -1 ? replay.issued(op) : bodies.issued(op);

  function advance(turns: number, ms: number): Standing {
    if (bodies.deadline() !== Infinity) bodies.expire();
    const end = clock.monotonic() + ms;
    for (let n = 0; n < turns; n++) {
      if (n > 0 && clock.monotonic() >= end) break;
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
    if (streams.reading()) return streams.next(runTime);
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
    if (inputs.length > 0) return undefined;
    let next = deliveries.shift();
    while (next?.begins?.closed === true) next = deliveries.shift();
    return next;
  }

  function take(next: Outgoing): void {
    turning = true;
    turnOwner = next.owner;
    if (next.owner === -1 && next.time !== null) runTime = next.time;
    const turn = guest.turn(next.frame, next.time);
    if (!(turn instanceof Promise)) return turned(turn, turnOwner);
    desk.turning(1);
    turn.then(turnOver, () => turnOver(FAILED));
  }

  function turnOver(result: Turn): void {
    desk.turning(-1);
    turned(result, turnOwner);
    desk.runnable();
  }

  function turned(turn: Turn, owner: number): void {
    turning = false;
    if (closed) return;
    if (turn.state === "dead") return died(turn, owner);
    // what ran in the guest before went with it
    if (turn.incarnation !== (incarnation ??= turn.incarnation)) return died(FAILED, owner);
    // logs were shown before when the turn is replay: settlements follow it, or the journal knows what it issues
    replayed = owner === -1 && replay.behind();
    for (const text of turn.out) {
      if (closed || dead) break;
      receive(text, lines);
    }
    // what it issues when it has read says whether that was shown before
    if (streams.reading() && lines.length < 1_000) return;
    for (const line of lines.splice(0)) logs(line, replayed);
  }

  function receive(text: string, lines: LogLine[]): void {
    const received = readCommand(text);
    if (received === undefined) return;
    const { command, value } = received;
    switch (command.c) {
      case "log":
        lines.push({ level: command.level, text: value, step: stepOf(command.in) });
        return;
      case "end":
        return ended(command.ok, value, command.error);
      case "done":
        return bodies.done(command.id, command.attempt, { ok: command.ok, value, error: command.error, retry: command.retry ?? true }, command.stream === true);
      case "delay":
        return bodies.delayed(command.id, command.attempt, command);
      case "read":
      case "piece":
        return streams.take(command, value);
      case "child":
        return issue({ ...command, child: command.child ?? clock.uuid() }, value);
      default:
        return issue(command, value);
    }
  }

  function issue(command: Issued, value: string): void {
    if (command.in === 0) return issueOfRun(command, value);
    const attempt = bodies.around(command.in);
    // a command of a closed attempt, or of none: refused and not made
    if (attempt === undefined) return;
    if (command.c === "timer") return bodies.timer(attempt, command.id, command.ms);
    if (command.c === "call") return bodies.call(attempt, command, value);
    if (attempt.failed !== undefined || bodies.over(attempt.op) || state.ops[attempt.op]?.kind === "rollback") return bodies.refuse(attempt, command.id);
    // each attempt publishes its own
    if (command.c === "state") return recordIssued(command, value, attempt.op);
    const { known } = replay.match(attempt.op, command.c, nameOf(command));
    if (known === undefined) return recordIssued(command, value, attempt.op);
    replay.bind(known.op, command.id);
    if (known.settled !== undefined) bodies.settled(known);
  }

  function issueOfRun(command: Issued, value: string): void {
    if (isEnded(state)) return;
    // what is not taken now is lost to this guest: resumed in the meantime, the run needs another
    if (state.phase === "paused") return close();
    const { known, ...found } = replay.match(-1, command.c, nameOf(command));
    if (known === undefined) {
      // nothing new begins: only what it would undo is asked of it
      if (state.rollback !== undefined) return;
      if ("diverged" in found && found.diverged) return partWays(named(command));
      if (replay.missing() === undefined) recordIssued(command, value, -1);
      else held.push({ command, value });
      return;
    }
    replayed = true;
    replay.bind(known.op, command.id);
    announce(command, known);
    if (known.kind === "call" && known.settled === undefined) calls.keep(known.op, value);
    if (held.length > 0 && replay.missing() === undefined) {
      for (const { command, value } of held.splice(0)) recordIssued(command, value, -1);
    }
  }

  function recordIssued(command: Issued, value: string, parent: number): void {
    if (isEnded(state)) return;
    desk.append(schedule(state, command, parent, facts(), value));
    if (isEnded(state)) return bodies.runEnded();
    const op = state.ops[state.ops.length - 1] as Op;
    replay.bind(op.op, command.id);
    announce(command, op);
    if (op.kind === "call") calls.keep(op.op, value);
    if (op.running) effect(op);
  }

  function announce(command: Issued, op: Op): void {
    if (command.c !== "do" || command.rollback === undefined) return;
    handlers.set(op.op, command.rollback);
    if (op.undone >= 0) replay.bind(op.undone, command.rollback);
  }

  /** What a started attempt stands for happens when its start is durable (I4). */
  function effect(op: Op): void {
    const { attempts: attempt } = op;
    outstanding++;
    desk.afterCommit(() => {
      outstanding--;
      if (closed || dead) return;
      if (op.kind === "call") callFromRun(op, attempt);
      else if (op.child !== undefined) startChild(op, op.child, attempt);
      else bodies.enter(op, attempt);
      desk.runnable();
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

  function startChild(op: Op, child: ChildOf, attempt: number): void {
    outstanding++;
    desk.start(op.op, child).then((start) => {
      outstanding--;
      if (closed || dead) return;
      inputs.push(() => childStarted(state, op.op, attempt, start, facts()));
      desk.runnable();
    });
  }

  /** What the code has not issued again may be what the journal and it differ in: no new body before that is known. */
  function isReplaying(): boolean {
    return streams.reading() || replay.behind() || replay.missing() !== undefined;
  }

  /** One input or one decision; false when there is none. */
  function decideOne(): boolean {
    if (streams.reading() || (replay.behind() && !isEnded(state))) return false;
    const input = inputs.shift();
    if (input !== undefined) {
      happened(input());
      return true;
    }
    if (isEnded(state) || state.phase === "paused" || closed) return false;
    if (isReplaying()) return false;
    const at = facts(), due = whatNext(at);
    const records = due.length > 0 ? due : pauseReached(state, at);
    happened(records);
    return records.length > 0;
  }

  function whatNext(facts: Facts): Records {
    const due = whenAtRest(state, issued, facts);
    return due.length > 0 || state.rollback === undefined ? due : nextRollback(state, (op) => handlers.has(op), facts);
  }

  /** Appends what an input or a decision came to, and does what follows from it. */
  function happened(records: Records): void {
    desk.append(records);
    for (const { head } of records) {
      if (head.k === "scheduled" && head.of !== undefined) replay.bind(head.op, handlers.get(head.of) as number);
      if (head.k === "started" || head.k === "scheduled") effect(state.ops[head.op] as Op);
      if (head.k === "settled") bodies.settled(state.ops[head.op] as Op);
    }
  }

  function standing(): Standing {
    if (dead || closed) return isEnded(state) || state.phase === "paused" ? "over" : "dead";
    if (turning || collecting || deliveries.length > 0 || inputs.length > 0 || outstanding > 0 || streams.reading()) return "busy";
    if (isEnded(state)) return bodies.size() > 0 ? "busy" : "over";
    if (state.phase === "paused") return "over";
    const missing = replay.missing();
    if (missing !== undefined && replay.next() === undefined) return astray(missing);
    if (replay.behind() || bodies.size() > 0) return "busy";
    if (state.open.size > 0 || state.rollback !== undefined) return isHeld() ? "over" : "resting";
    // nothing is open: a guest that acts by itself may still go on, one that cannot never will
    if (!mediated) return "busy";
    desk.append(runStalled(state, facts()));
    return "over";
  }

  /** A drain holds what could go on: no time says when, so the next owner has to find it as one that runs (I11). */
  function isHeld(): boolean {
    return desk.draining() && whatNext({ ...facts(), draining: false }).length > 0;
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
    const [first] = held, ahead = replay.ahead();
    if (state.rollback !== undefined) desk.append(rollbackLost(state, missing, facts()));
    else partWays(first !== undefined ? named(first.command) : ahead !== undefined ? describe(ahead) : null);
    return "over";
  }

  /** The code does not what its history holds in that place. */
  function partWays(found: string | null): void {
    desk.append(diverged(state, { expected: describe(replay.expected() as Op), found }, facts()));
    close();
  }

  function ended(ok: boolean, value: string, error: AttemptResult["error"]): void {
    // who rolls back runs again only for its handlers
    if (isEnded(state) || state.rollback !== undefined) return;
    if (replay.missing() !== undefined || (mediated && replay.behind())) return partWays(THE_END);
    desk.append(runEnded(state, { ok, value, error }, facts()));
    if (isEnded(state)) bodies.runEnded();
  }

  function died(turn: Turn, owner: number): void {
    dead = true;
    guest.drop();
    bodies.close("the guest died");
    desk.append(guestDied(state, turn.death ?? FAILED.death, owner, facts()));
  }

  function stepOf(id: number): string | null {
    const op = id === 0 ? undefined : replay.opOf(id);
    return op === undefined ? null : (state.ops[op] as Op).name;
  }

  function close(): void {
    if (closed) return;
    closed = true;
    bodies.close("the instance was released");
    guest.drop();
  }

  /** Collects what a guest that acts by itself has issued between turns. */
  function collect(): void {
    collecting = true;
    desk.runnable();
  }

  function idle(): number {
    const due = isReplaying() ? Infinity : nextAtRest(state, issued, facts());
    return Math.max(0, Math.min(due - clock.now(), bodies.deadline() - clock.monotonic()));
  }

  return { advance, running: bodies.size, replaying: isReplaying, idle, close, collect };
}

function named(command: Issued): string {
  return describe({ kind: command.c, name: nameOf(command), count: 1 });
}

const FAILED: Turn & { readonly death: NonNullable<Turn["death"]> } = {
  out: [],
  state: "dead",
  fuel: 0,
  incarnation: 0,
  death: { code: "guest_failed", message: "The sandbox failed" },
};
