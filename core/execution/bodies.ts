/**
 * The bodies that run in one guest: their attempts, what they are told of their own steps and calls, and when their
 * time is over.
 *
 * An attempt that fails, or whose time is over, takes what its body has begun with it. One that goes well, and the end
 * of the run, leave it running to its end, unrecorded: what it waits for is refused, or it would wait for ever.
 *
 * @module
 */
import type { Facts, Records } from "../instance/decide/common.ts";
import { asksForDelay, attemptEnded, type AttemptResult, attemptTimeout, NO_DELAY, noDelay, timeOutOf } from "../instance/decide/step.ts";
import { failure } from "../instance/failures.ts";
import type { Replay } from "../instance/replay.ts";
import { isEnded, type Op } from "../instance/state.ts";
import type { ErrorSummary } from "../ports/guest.ts";
import { Attempt } from "./attempt.ts";
import type { Calls } from "./calls.ts";
import { abort, answer, body, delay, type Outgoing, rollback, settle } from "./deliveries.ts";
import type { Desk } from "./desk.ts";
import { streamOf } from "./streams.ts";

/** What bodies need of their execution. */
export interface BodiesParts {
  readonly desk: Desk;
  readonly replay: Replay;
  readonly calls: Calls;
  facts(): Facts;
  /** Queues a delivery. */
  deliver(delivery: Outgoing): void;
  /** Queues something that happened: decided when all that was issued before is recorded. */
  happened(input: () => Records): void;
}

/** The bodies of one execution. */
export interface Bodies {
  /** Begins an attempt whose start is durable. */
  enter(op: Op, attempt: number): void;
  /** The attempt in whose body the guest issued something, by the guest's number; `undefined`: it is over, or never was. */
  around(id: number): Attempt | undefined;
  /** Whether what a body issued is its present attempt's. */
  issued(op: number): boolean;
  /** Makes a binding call of a body. */
  call(attempt: Attempt, call: { readonly id: number; readonly target: string; readonly method: string }, args: string): void;
  /** Starts a timer of a body. */
  timer(attempt: Attempt, id: number, ms: number): void;
  /** Whether nothing of an op is recorded any more: the run, or a step around it, has ended. */
  over(op: number): boolean;
  /** Refuses what a body issued when nothing of it is recorded any more. */
  refuse(attempt: Attempt, id: number): void;
  /** The guest says how an attempt of one of its numbers ended; `streamed`: with the stream that it has sent. */
  done(id: number, attempt: number, result: AttemptResult, streamed: boolean): void;
  /** The guest says how long its step is to wait before the next attempt. */
  delayed(id: number, attempt: number, answer: { readonly ms?: number; readonly error?: ErrorSummary }): void;
  /** A step was settled: the body that issued it is told, and within it nothing waits any more. */
  settled(op: Op): void;
  /** The run has ended. */
  runEnded(): void;
  /** Ends the attempts whose time is over. */
  expire(): void;
  /** When that is to be looked at: monotonic ms, perhaps too early; `Infinity`: never. */
  deadline(): number;
  /** How many run. */
  size(): number;
  /** Drops them. */
  close(reason: string): void;
}

/** How long a delay function may take to answer, ms. */
const DELAY_TIMEOUT = 5_000;
const OVER = failure("WorkflowFatalError", "Cannot run a step: what it stands in has ended").value;

/** Makes the bodies of one execution. */
export function createBodies({ desk, replay, calls, facts, deliver, happened }: BodiesParts): Bodies {
  const { clock, state } = desk;
  const attempts = new Map<number, Attempt>();
  /** Those whose last attempt was cut off: what it has issued and nobody has begun yet does not begin any more. */
  const cut = new Set<number>();
  let deadline = Infinity;

  /** A delivery outside of a turn. */
  function reply(delivery: Outgoing): void {
    deliver(delivery);
    desk.runnable();
  }

  function over(op: number): boolean {
    return isEnded(state) || !state.open.has(op);
  }

  /** Whether a body runs: one that has failed may still have its author asked, and waits for nothing. */
  function hears(op: number): boolean {
    const attempt = attempts.get(op);
    return attempt !== undefined && attempt.failed === undefined;
  }

  function issued(op: number): boolean {
    return replay.issued(op) && hears((state.ops[op] as Op).parent);
  }

  function refuse(attempt: Attempt, id: number): void {
    reply(answer(id, false, OVER, attempt.op, clock.now()));
  }

  /** Whoever runs on although nothing of it is recorded hears that nothing comes. */
  function refuseWhatIsOver(): void {
    for (const attempt of attempts.values()) {
      if (!over(attempt.op) || !(state.ops[attempt.op] as Op).nested) continue;
      for (const { op, parent, settled } of state.ops) {
        if (parent === attempt.op && settled === undefined && replay.issued(op)) refuse(attempt, replay.idOf(op) as number);
      }
    }
  }

  function end(attempt: Attempt, reason: string): void {
    attempt.close(reason);
    attempts.delete(attempt.op);
  }

  /** What a body has begun ends with it. */
  function abortWithin(op: number): void {
    cut.add(op);
    if (!(state.ops[op] as Op).nested) return;
    for (const inner of [...attempts.values()]) {
      if (state.ops[inner.op]?.parent !== op) continue;
      end(inner, "the step around it is over");
      deliver(abort(inner.id, inner.attempt, inner.op));
      abortWithin(inner.op);
    }
  }

  function began(attempt: Attempt): void {
    attempts.set(attempt.op, attempt);
    if (attempt.deadline < deadline) deadline = attempt.deadline;
  }

  /** Asks the author how long to wait, when that is for a function of theirs to say: the attempt lasts until it has answered. */
  function ask({ op, attempt, id, failed }: Attempt, result: AttemptResult): boolean {
    if (failed !== undefined || !asksForDelay(state, op, attempt, result, facts())) return false;
    const asking = new Attempt(clock, { op, attempt, id, timeout: DELAY_TIMEOUT, failed: result });
    began(asking);
    reply(delay(state, state.ops[op] as Op, asking, result.value, clock.now(), clock.uuid()));
    return true;
  }

  /** The attempt that the guest speaks of: of any other it is nobody's word. */
  function at(id: number, attempt: number): Attempt | undefined {
    const op = replay.opOf(id);
    const running = op === undefined ? undefined : attempts.get(op);
    return running?.attempt === attempt ? running : undefined;
  }

  return {
    enter(op, attempt) {
      if (op.settled !== undefined || !op.running || op.attempts !== attempt) return;
      // what an attempt issued that was aborted meanwhile; the record of that follows
      if (op.parent !== -1 && (cut.has(op.parent) || (!issued(op.op) && !over(op.op)))) return;
      cut.delete(op.op);
      const id = replay.idOf(op.op) as number;
      replay.enter(op.op);
      const begun = new Attempt(clock, { op: op.op, attempt, id, timeout: attemptTimeout(op) });
      began(begun);
      const now = clock.now(), seed = clock.uuid();
      deliver(op.kind === "rollback" ? rollback(state, op, begun, replay.idOf(op.of), now, seed) : body(state, op, begun, now, seed));
    },
    around(id) {
      const op = replay.opOf(id);
      const attempt = op === undefined ? undefined : attempts.get(op);
      return attempt?.id === id ? attempt : undefined;
    },
    issued,
    call(attempt, { id, target, method }, args) {
      calls.ofBody(attempt, state.ops[attempt.op] as Op, target, method, args).then(({ ok, value }) => {
        if (attempts.get(attempt.op) === attempt) reply(answer(id, ok, value, attempt.op, clock.now()));
      });
    },
    timer(attempt, id, ms) {
      attempt.after(ms, () => reply(answer(id, true, undefined, attempt.op, clock.now())));
    },
    over,
    refuse,
    done(id, attempt, said, streamed) {
      const running = at(id, attempt);
      if (running === undefined || running.failed !== undefined) return;
      const { op } = running;
      const result = streamed ? streamOf(running, state.life) : said;
      end(running, "the attempt is over");
      if (!result.ok) abortWithin(op);
      if (!ask(running, result)) happened(() => attemptEnded(state, op, attempt, result, facts()));
    },
    delayed(id, attempt, { ms, error }) {
      const asking = at(id, attempt);
      if (asking?.failed === undefined) return;
      const { op, failed } = asking;
      end(asking, "the attempt is over");
      const result = ms === undefined ? noDelay(state.ops[op] as Op, failed, error) : { ...failed, delay: ms };
      happened(() => attemptEnded(state, op, attempt, result, facts()));
    },
    settled(op) {
      if (op.nested) refuseWhatIsOver();
      if (op.parent === -1) return;
      // a body does what nobody can undo: it is told of its own steps what is durable
      const id = replay.idOf(op.op) as number;
      const tell = (): void => hears(op.parent) ? reply(settle(state, op, id, clock.now())) : undefined;
      if ((op.settled?.seq ?? 0) < desk.durable()) tell();
      else desk.afterCommit(tell);
    },
    runEnded: refuseWhatIsOver,
    expire() {
      const now = clock.monotonic();
      if (now < deadline) return;
      deadline = Infinity;
      for (const running of attempts.values()) {
        const { op, attempt, id } = running;
        if (running.deadline > now) {
          deadline = Math.min(deadline, running.deadline);
          continue;
        }
        happened(() => {
          if (attempts.get(op) !== running) return [];
          end(running, "the attempt timed out");
          deliver(abort(id, attempt, op));
          abortWithin(op);
          const { failed } = running;
          const result = failed === undefined ? timeOutOf(state.ops[op] as Op) : noDelay(state.ops[op] as Op, failed, NO_DELAY);
          return ask(running, result) ? [] : attemptEnded(state, op, attempt, result, facts());
        });
      }
    },
    deadline: () => deadline,
    size: () => attempts.size,
    close(reason) {
      for (const attempt of [...attempts.values()]) end(attempt, reason);
    },
  };
}
