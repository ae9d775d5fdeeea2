/**
 * What one life of an instance may look like: an independent reading of its journal, record by record.
 *
 * It knows nothing of the core's state machine but the format of a record, so that a mistake there is not repeated
 * here.
 *
 * @module
 */
import type { Header, Kind, Record } from "../../core/instance/records.ts";
import type { StepConfig } from "../../core/ports/guest.ts";
import { type EventModel, isOpen, isRunning, nameOf, type OpModel } from "./op_model.ts";
import type { Plan } from "./plan.ts";
import { answerOf } from "./program.ts";

/** One life. */
export interface LifeModel {
  readonly life: number;
  readonly seed: string;
  readonly params: string;
  readonly created: number;
  /** The version of the code that it runs in, and all that it ever did. */
  version: string;
  readonly versions: string[];
  readonly records: Record[];
  /** Who committed each record. */
  readonly by: string[];
  readonly ops: OpModel[];
  readonly events: EventModel[];
  /** The last state that was published. */
  published: string | undefined;
  /** Settled commands of the run, in this order. */
  readonly settlements: OpModel[];
  phase: "active" | "pausing" | "paused" | "complete" | "errored" | "terminated";
  ended: number | null;
  /** Its journal is gone; by whom. */
  droppedBy: string | undefined;
  /** It was running when an owner died: who has to record that before it runs. */
  uncounted: string | undefined;
  /** Applies a record; answers what is wrong with it. */
  apply(record: Record, by: string, bytes?: number): Wrong | undefined;
  find(parent: number, kind: Kind, name: string, count: number): OpModel | undefined;
  /** Whether an attempt runs. */
  busy(): boolean;
  /** When time alone can move it, ms. */
  nextDue(): number | null;
  /** A command that could move now, whatever the time. */
  stranded(): OpModel | undefined;
}

/** A broken rule and how. */
export type Wrong = readonly [rule: string, what: string];

const DEFAULT: StepConfig = { retries: { limit: 5, delay: 10_000, backoff: "exponential" }, timeout: 600_000 };

/** How late something may be that nothing hinders, ms. */
const PUNCTUAL = 30;

/** Starts the model of a life with its first record; without a plan nothing is known of its limits. */
export function lifeOf(first: Record, by: string, plan?: Pick<Plan, "limits" | "calm">, firstBytes: number = 0): LifeModel | undefined {
  const limits = plan?.limits, calm = plan?.calm ?? false;
  const created = first.head;
  if (created.k !== "created") return undefined;
  const records: Record[] = [first];
  const ops: OpModel[] = [];
  const events: EventModel[] = [];
  const ids = new Set<string>();
  let t = created.t;
  let pausedAt = 0;
  let stoppedAt = 0;
  let resumedAt = 0;
  /** Of the journal. */
  let size = firstBytes;
  /** Without the last record. */
  let before = 0;
  /** Without progress. */
  let crashes = 0;

  function apply(record: Record, by: string, bytes: number = 0): Wrong | undefined {
    const { head, value } = record;
    const full = tooFull(head, value);
    before = size;
    size += bytes;
    if (full) return ["I23", `${head.k} in a journal of ${before} bytes`];
    if (life.ended !== null) return ["I7", `${head.k} after the end`];
    if (head.t < t) return ["I14", `${head.k} at ${head.t}, after ${t}`];
    if (crashes > (limits?.crashes ?? Infinity) && head.k !== "paused") return ["I23", `${head.k} after ${crashes} crashes`];
    t = head.t;
    records.push(record);
    life.by.push(by);
    return change(head, value, by);
  }

  /** What a full journal has to refuse. */
  function tooFull(head: Header, value: string = ""): boolean {
    const left = (limits?.journalBytes ?? Infinity) - size;
    if (head.k === "event" || (head.k === "settled" && head.ok && /^(do|call)$/.test(ops[head.op]?.kind ?? ""))) return value.length >= left;
    return left <= 0 && (head.k === "pause_requested" || head.k === "attempt_failed");
  }

  function change(head: Header, value: string | undefined, by: string): Wrong | undefined {
    switch (head.k) {
      case "created":
        return ["I1", "created in the middle of a life"];
      case "scheduled":
        if (head.kind === "state" && head.refused === undefined) life.published = value;
        return scheduled(head, by);
      case "started":
        return started(head, by);
      case "attempt_failed":
        return attemptFailed(head);
      case "settled":
        return settled(head, value);
      case "event":
        if (head.id !== undefined && ids.has(head.id)) return ["I17", `event ${head.id} twice`];
        if (head.id !== undefined) ids.add(head.id);
        if (events.filter(({ consumed }) => !consumed).length >= (limits?.bufferedEvents ?? Infinity)) return ["I23", "one event too many waits"];
        events.push({ type: head.type, value: value ?? "", accepted: head.at ?? head.t, t: head.t, id: head.id, consumed: false });
        return undefined;
      case "pause_requested":
        if (life.phase !== "active") return ["phase", `pause of a life that is ${life.phase}`];
        life.phase = "pausing";
        pausedAt = head.t;
        return undefined;
      case "paused":
        if (life.phase === "paused") return ["phase", "paused twice"];
        if (head.code === "crash_limit" && crashes <= (limits?.crashes ?? -1)) return ["I23", `parked after ${crashes} crashes`];
        crashes = 0;
        if (head.code === undefined && ops.some(isRunning)) return ["phase", "paused while a body runs"];
        if (life.phase !== "pausing") pausedAt = head.t;
        stoppedAt = head.t;
        life.phase = "paused";
        interrupt();
        return undefined;
      case "resumed":
        if (life.phase !== "pausing" && life.phase !== "paused") return ["phase", `resumed while ${life.phase}`];
        resume(head.t);
        life.phase = "active";
        resumedAt = head.t;
        crashes = 0;
        return undefined;
      case "upgraded":
        if (head.version === life.version) return ["I22", `moved to the version that it has`];
        life.version = head.version;
        life.versions.push(head.version);
        return ops.some(isRunning) ? ["I4", "moved to another version while a body runs"] : undefined;
      case "interrupted":
        if (calm) return ["I23", `cut off (${head.why}) by nothing`];
        life.uncounted = undefined;
        if (head.why === "crash") crashes++;
        interrupt();
        return undefined;
      case "rollback_started":
      case "outcome":
      case "child_started":
        return ["model", `${head.k}, which nobody asks for`];
      case "completed":
      case "errored":
      case "terminated":
        life.phase = head.k === "completed" ? "complete" : head.k;
        life.ended = head.t;
        return undefined;
      default:
        return head satisfies never;
    }
  }

  function scheduled(head: Extract<Header, { k: "scheduled" }>, by: string): Wrong | undefined {
    const parent = head.in ?? -1;
    if (head.op !== ops.length) return ["I1", `op ${head.op} where ${ops.length} comes next`];
    if (life.phase === "paused") return ["phase", "a command while paused"];
    if (parent >= 0 && !ops[parent]?.running) return ["I5", `a command within ${nameOf(ops[parent])}, which does not run`];
    const refuses = refused(head);
    if (refuses !== undefined && refuses !== (head.refused !== undefined)) return ["I23", `${head.kind} "${head.name}" was ${refuses ? "not " : ""}refused`];
    let count = 1;
    for (const op of ops) if (op.parent === parent && op.kind === head.kind && op.name === head.name) count++;
    const op: OpModel = {
      op: head.op,
      kind: head.kind,
      name: head.name,
      parent,
      count,
      type: head.type ?? "",
      config: head.config ?? DEFAULT,
      refused: head.refused !== undefined,
      at: head.t,
      due: head.due ?? null,
      dueSet: head.t,
      failures: 0,
      running: false,
      closed: false,
      settled: undefined,
      starts: [],
    };
    ops.push(op);
    if (op.due !== null && op.due < op.at && op.kind !== "sleep") return ["I13", `${nameOf(op)} is due before it was issued`];
    return head.start === undefined ? undefined : start(op, 1, by);
  }

  /** Whether a limit forbids it; `undefined`: the record does not say. */
  function refused(head: Extract<Header, { k: "scheduled" }>): boolean | undefined {
    if (limits === undefined) return undefined;
    const all = (kind: Kind): number => ops.filter((op) => op.kind === kind).length;
    if (ops.length >= limits.steps * 4 + limits.subrequests || before >= limits.journalBytes) return true;
    if (head.kind === "do") return all("do") >= limits.steps;
    if (head.kind === "call") return all("call") >= limits.subrequests;
    return head.due === undefined ? undefined : head.due - head.t > limits.sleep;
  }

  /** What is done much later than it could be, although nothing went wrong. */
  function late(op: OpModel, since: number, now: number): Wrong | undefined {
    return calm && op.parent < 0 && now - Math.max(since, op.dueSet, resumedAt) > PUNCTUAL ? ["I13", `${nameOf(op)} could go on at ${since}, and did at ${now}`] : undefined;
  }

  function started(head: Extract<Header, { k: "started" }>, by: string): Wrong | undefined {
    const op = ops[head.op];
    if (op === undefined) return ["I1", `a start of op ${head.op}, which is not there`];
    if (op.due !== null && head.t < op.due) return ["I13", `${nameOf(op)} tried again at ${head.t}, before ${op.due}`];
    const wrong = op.due === null ? undefined : late(op, op.due, head.t);
    return wrong ?? start(op, head.attempt, by);
  }

  function start(op: OpModel, attempt: number, by: string): Wrong | undefined {
    if (op.kind !== "do" && op.kind !== "call") return ["I2", `a start of ${nameOf(op)}`];
    if (op.settled !== undefined || op.closed) return ["I5", `${nameOf(op)} started after its end`];
    if (op.running) return ["I6", `${nameOf(op)} started again without a cause`];
    if (attempt !== op.starts.length + 1) return ["I6", `attempt ${attempt} of ${nameOf(op)} after ${op.starts.length}`];
    if (op.refused) return ["I23", `${nameOf(op)} started, and was refused`];
    if (op.parent < 0 && life.phase !== "active") return ["phase", `${nameOf(op)} started while ${life.phase}`];
    op.running = true;
    op.due = null;
    op.starts.push({ by, seq: records.length - 1 });
    return undefined;
  }

  function attemptFailed(head: Extract<Header, { k: "attempt_failed" }>): Wrong | undefined {
    const op = ops[head.op];
    if (op === undefined || !op.running) return ["I2", `a failure of ${nameOf(op)}, which does not run`];
    if (head.attempt !== op.starts.length) return ["I6", `attempt ${head.attempt} of ${nameOf(op)} failed, ${op.starts.length} runs`];
    op.running = false;
    cutWithin(op);
    op.failures++;
    const { limit, delay, backoff } = op.config.retries;
    if (op.failures > limit) return ["I23", `${nameOf(op)} is tried again after ${op.failures} failures of ${limit}`];
    const factor = backoff === "constant" ? 1 : backoff === "linear" ? op.failures : 2 ** (op.failures - 1);
    op.due = head.due;
    op.dueSet = head.t;
    // a delay that is a function is not recorded: those of generated workflows answer all alike
    const wait = delay ?? answerOf(head.attempt);
    if (typeof wait === "number" && head.due !== head.t + wait * factor) return ["I13", `${nameOf(op)} is tried again at ${head.due}`];
    return undefined;
  }

  function settled(head: Extract<Header, { k: "settled" }>, value: string | undefined): Wrong | undefined {
    const op = ops[head.op];
    if (op === undefined || op.settled !== undefined) return ["I2", `${nameOf(op)} settled twice`];
    if (op.closed) return ["I2", `${nameOf(op)} settled after what it stands in`];
    if (life.phase === "paused") return ["phase", `${nameOf(op)} settled while paused`];
    const wrong = mayStillSettle(op, head);
    if (wrong !== undefined) return wrong;
    op.settled = { ok: head.ok, value, event: head.event ?? -1, t: head.t };
    op.running = false;
    crashes = 0;
    if (op.parent < 0) life.settlements.push(op);
    closeWithin(op);
    return undefined;
  }

  function mayStillSettle(op: OpModel, head: Extract<Header, { k: "settled" }>): Wrong | undefined {
    if (op.refused) return head.ok ? ["I23", `${nameOf(op)} was refused and went well`] : undefined;
    if (op.kind === "do" || op.kind === "call") {
      return op.running ? undefined : ["I6", `${nameOf(op)} settled without an attempt`];
    }
    if (op.parent < 0 && life.phase !== "active") return ["phase", `${nameOf(op)} settled while ${life.phase}`];
    if (op.kind === "state") return undefined;
    const due = op.due ?? Infinity;
    if (op.kind !== "wait") return head.t >= due ? late(op, due, head.t) : ["I13", `${nameOf(op)} ended at ${head.t}, before ${due}`];
    const first = ops.find((other) => other.kind === "wait" && other.type === op.type && isOpen(other) && !other.refused) === op;
    const waiting = events.findIndex((event) => event.type === op.type && !event.consumed);
    if (head.event !== undefined) {
      if (!head.ok || head.event !== waiting) return ["I16", `${nameOf(op)} got event ${head.event}, the first is ${waiting}`];
      const event = events[waiting] as EventModel;
      if (!first) return ["I16", `${nameOf(op)} got an event before an older wait`];
      if (event.accepted > due) return ["I18", `${nameOf(op)} timed out at ${due}, its event came at ${event.accepted}`];
      event.consumed = true;
      return late(op, Math.max(event.accepted, event.t, op.at), head.t);
    }
    if (head.ok) return ["I15", `${nameOf(op)} went well without an event`];
    if (head.t < due) return ["I13", `${nameOf(op)} timed out at ${head.t}, before ${due}`];
    const missed = events[waiting];
    if (first && missed !== undefined && missed.accepted <= due) return ["I18", `${nameOf(op)} timed out beside its event`];
    return late(op, due, head.t);
  }

  /** What ran within an attempt is cut off with it. */
  function cutWithin(op: OpModel): void {
    for (const other of ops) {
      if (other.parent !== op.op || !isOpen(other)) continue;
      other.running = false;
      cutWithin(other);
    }
  }

  function closeWithin(op: OpModel): void {
    for (const other of ops) {
      if (other.parent !== op.op || other.settled !== undefined || other.closed) continue;
      other.closed = true;
      closeWithin(other);
    }
  }

  /** A timer is prolonged by as long as it stood still: those of bodies only from when the pause was reached. */
  function resume(now: number): void {
    for (const op of ops) {
      if (!isOpen(op) || op.due === null) continue;
      const still = op.parent < 0 ? pausedAt : life.phase === "paused" ? stoppedAt : now;
      op.due += now - Math.max(still, op.dueSet);
    }
  }

  function interrupt(): void {
    for (const op of ops) op.running = false;
  }

  const life: LifeModel = {
    life: created.life,
    seed: created.seed,
    params: first.value ?? "",
    created: created.t,
    version: created.version,
    versions: [created.version],
    records,
    by: [by],
    ops,
    events,
    published: undefined,
    settlements: [],
    phase: "active",
    ended: null,
    droppedBy: undefined,
    uncounted: undefined,
    apply,
    find: (parent, kind, name, count) =>
      ops.find((op) => op.parent === parent && op.kind === kind && op.name === name && op.count === count),
    busy: () => ops.some(isRunning),
    nextDue() {
      let due: number | null = null;
      for (const op of ops) {
        // what stands in a body moves when that body runs again
        if (isOpen(op) && op.parent < 0 && !op.running && op.due !== null && (due === null || op.due < due)) due = op.due;
      }
      return due;
    },
    stranded() {
      return ops.find((op) => {
        // what stands in a body moves when that body is tried again
        if (!isOpen(op) || (op.parent >= 0 && !(ops[op.parent] as OpModel).running)) return false;
        if (op.running || op.refused) return true;
        if (op.kind === "do" || op.kind === "call") return op.due === null;
        // what a body published is issued anew by its next attempt
        if (op.kind === "state") return op.parent < 0;
        if (op.kind !== "wait") return false;
        const first = ops.find((other) => other.kind === "wait" && other.type === op.type && isOpen(other) && !other.refused);
        const event = events.find((e) => e.type === op.type && !e.consumed);
        return first === op && event !== undefined && event.accepted <= (op.due ?? Infinity);
      });
    },
  };
  return life;
}
