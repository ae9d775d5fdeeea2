/**
 * What one life of an instance may look like: an independent reading of its journal, record by record.
 *
 * It knows nothing of the core's state machine but the format of a record, so that a mistake there is not repeated
 * here.
 *
 * @module
 */
import type { Ended, Header, Kind, Record } from "../../core/instance/records.ts";
import type { StepConfig } from "../../core/ports/guest.ts";
import { closeWithin, cutWithin, type EventModel, isOpen, isRunning, leaveOpen, nameOf, nextDueOf, type OpModel, refused, strandedOf } from "./op_model.ts";
import type { Plan } from "./plan.ts";
import { answerOf } from "./program.ts";
import { createUndo, type UndoModel } from "./undo_model.ts";

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
  phase: "active" | "pausing" | "paused" | "rollingBack" | "complete" | "errored" | "terminated";
  /** The life that was restarted at a step, which this one goes on from. */
  from: LifeModel | undefined;
  readonly undo: UndoModel;
  /** Somebody has asked for a restart at a step: runs of its seed may be of the next life. */
  rewound: boolean;
  /** The records that its restart made are being applied. */
  born: boolean;
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
  const undo = createUndo(ops);
  let t = created.t;
  let pausedAt = 0;
  let stoppedAt = 0;
  let resumedAt = 0;
  /** It goes on behind what a restart at a step has kept. */
  let reborn = false;
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
    // what it refers to counts with it
    size += bytes + (head.k === "settled" ? head.stream?.bytes ?? 0 : 0);
    if (full && !life.born) return ["I23", `${head.k} in a journal of ${before} bytes`];
    if (life.ended !== null) return ["I7", `${head.k} after the end`];
    if (head.t < t) return ["I14", `${head.k} at ${head.t}, after ${t}`];
    if (crashes > (limits?.crashes ?? Infinity) && head.k !== "paused") return ["I23", `${head.k} after ${crashes} crashes`];
    t = head.t;
    // what it keeps waits again from where it was begun anew
    if (life.from !== undefined && !reborn && !life.born) [resumedAt, reborn] = [t, true];
    records.push(record);
    life.by.push(by);
    return change(head, value, by);
  }

  /** What a full journal has to refuse. */
  function tooFull(head: Header, value: string = ""): boolean {
    const left = (limits?.journalBytes ?? Infinity) - size;
    if (head.k === "event" || (head.k === "settled" && head.ok && ops[head.op]?.known === undefined && /^(do|call)$/.test(ops[head.op]?.kind ?? ""))) return value.length + (head.k === "settled" ? head.stream?.bytes ?? 0 : 0) >= left;
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
        if (!life.born && events.filter(({ consumed }) => !consumed).length >= (limits?.bufferedEvents ?? Infinity)) return ["I23", "one event too many waits"];
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
        life.phase = undo.started === undefined ? "active" : "rollingBack";
        resumedAt = head.t;
        crashes = 0;
        return undefined;
      case "upgraded":
        if (undo.started !== undefined) return ["I32", "moved to another version while it rolls back"];
        if (head.version === life.version) return ["I22", `moved to the version that it has`];
        life.version = head.version;
        life.versions.push(head.version);
        return ops.some(isRunning) ? ["I4", "moved to another version while a body runs"] : undefined;
      case "interrupted":
        if (head.why === "restart" && !life.born) return ["I33", "begun anew in the middle of a life"];
        if (calm && head.why !== "restart") return ["I23", `cut off (${head.why}) by nothing`];
        life.uncounted = undefined;
        if (head.why === "crash") crashes++;
        if (undo.started !== undefined) leaveOpen(ops, (op) => op.kind === "rollback");
        interrupt();
        return undefined;
      case "rollback_started": {
        const wrong = undo.begin(head, value);
        crashes = 0;
        life.phase = "rollingBack";
        leaveOpen(ops, (op) => op.running || op.parent >= 0);
        return wrong;
      }
      case "outcome": {
        const op = ops[head.op];
        const ofChild = op?.child !== undefined && op.child.detached !== true && op.known === undefined;
        if ((!life.born && !ofChild) || op === undefined || op.settled !== undefined) return ["I33", `${nameOf(op)} is said to have had an outcome`];
        op.known = { ok: head.ok, value };
        return undefined;
      }
      case "child_started": {
        const op = ops[head.op];
        if (op?.child === undefined || !op.running || op.child.detached === true) return ["I34", `${nameOf(op)} has started a child`];
        op.running = false;
        op.there = true;
        return undefined;
      }
      case "completed":
        if (undo.started !== undefined) return ["I32", "complete while it rolls back"];
        return ended(head, value);
      case "errored":
      case "terminated":
        return ended(head, value);
      default:
        return head satisfies never;
    }
  }

  function ended(head: Ended, value: string | undefined): Wrong | undefined {
    life.phase = head.k === "completed" ? "complete" : head.k;
    life.ended = head.t;
    return undo.end({ head, ...(value !== undefined && { value }) });
  }

  function scheduled(head: Extract<Header, { k: "scheduled" }>, by: string): Wrong | undefined {
    const parent = head.in ?? -1;
    if (head.op !== ops.length) return ["I1", `op ${head.op} where ${ops.length} comes next`];
    if (life.phase === "paused") return ["phase", "a command while paused"];
    if (parent >= 0 && !ops[parent]?.running) return ["I5", `a command within ${nameOf(ops[parent])}, which does not run`];
    if (head.kind === "rollback") {
      const wrong = undo.scheduled(head);
      if (wrong !== undefined) return wrong;
    } else if (undo.started !== undefined && parent < 0) return ["I32", `${head.kind} "${head.name}" is issued while it rolls back`];
    const refuses = limits === undefined ? undefined : refused(limits, ops, head, before);
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
      known: undefined,
      child: head.child,
      there: false,
      of: head.of ?? -1,
      settled: undefined,
      starts: [],
    };
    ops.push(op);
    if (op.kind === "rollback") undo.runs(op);
    if (head.rollback !== undefined) undo.issued(op, head.rollback);
    if (op.due !== null && op.due < op.at && op.kind !== "sleep") return ["I13", `${nameOf(op)} is due before it was issued`];
    return head.start === undefined ? undefined : start(op, 1, by);
  }

  /** What is done much later than it could be, although nothing went wrong. */
  function late(op: OpModel, since: number, now: number): Wrong | undefined {
    return calm && !life.born && op.parent < 0 && now - Math.max(since, op.dueSet, resumedAt) > PUNCTUAL ? ["I13", `${nameOf(op)} could go on at ${since}, and did at ${now}`] : undefined;
  }

  function started(head: Extract<Header, { k: "started" }>, by: string): Wrong | undefined {
    const op = ops[head.op];
    if (op === undefined) return ["I1", `a start of op ${head.op}, which is not there`];
    if (op.due !== null && head.t < op.due) return ["I13", `${nameOf(op)} tried again at ${head.t}, before ${op.due}`];
    const wrong = op.due === null ? undefined : late(op, op.due, head.t);
    return wrong ?? start(op, head.attempt, by);
  }

  function start(op: OpModel, attempt: number, by: string): Wrong | undefined {
    if (op.kind !== "do" && op.kind !== "call" && op.kind !== "rollback" && (op.kind !== "child" || op.there)) return ["I2", `a start of ${nameOf(op)}`];
    if (op.settled !== undefined || op.closed) return ["I5", `${nameOf(op)} started after its end`];
    if (op.running) return ["I6", `${nameOf(op)} started again without a cause`];
    if (attempt !== op.starts.length + 1) return ["I6", `attempt ${attempt} of ${nameOf(op)} after ${op.starts.length}`];
    if (op.refused) return ["I23", `${nameOf(op)} started, and was refused`];
    if (op.known !== undefined) return ["I33", `${nameOf(op)} started, and its outcome is kept`];
    if (op.parent < 0 && life.phase !== (op.kind === "rollback" ? "rollingBack" : "active")) return ["phase", `${nameOf(op)} started while ${life.phase}`];
    if (op.starts.length === 0) undo.begun(op);
    op.running = true;
    op.due = null;
    op.starts.push({ by, seq: records.length - 1 });
    return undefined;
  }

  function attemptFailed(head: Extract<Header, { k: "attempt_failed" }>): Wrong | undefined {
    const op = ops[head.op];
    if (op === undefined || !op.running) return ["I2", `a failure of ${nameOf(op)}, which does not run`];
    if (head.attempt !== op.starts.length) return ["I6", `attempt ${head.attempt} of ${nameOf(op)} failed, ${op.starts.length} runs`];
    if (undo.started !== undefined && op.kind !== "rollback") return ["I32", `${nameOf(op)} is to be tried again while it rolls back`];
    op.running = false;
    cutWithin(ops, op);
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
    const wrong = mayStillSettle(op, head, value);
    if (wrong !== undefined) return wrong;
    op.settled = { ok: head.ok, value, event: head.event ?? -1, t: head.t };
    op.running = false;
    crashes = 0;
    if (op.parent < 0 && op.kind !== "rollback" && undo.started === undefined) life.settlements.push(op);
    closeWithin(ops, op);
    return undefined;
  }

  function mayStillSettle(op: OpModel, head: Extract<Header, { k: "settled" }>, value: string | undefined): Wrong | undefined {
    if (op.refused) return head.ok ? ["I23", `${nameOf(op)} was refused and went well`] : undefined;
    if (op.known !== undefined) {
      if (op.parent < 0 && life.phase !== "active") return ["phase", `${nameOf(op)} settled while ${life.phase}`];
      return op.known.ok === head.ok && op.known.value === value ? undefined : ["I33", `${nameOf(op)} has another outcome than in the life before`];
    }
    if (op.there) return ["I34", `${nameOf(op)} settled, and its child has not ended`];
    if (op.kind === "child" && head.ok && op.child?.detached !== true) return ["I34", `${nameOf(op)} went well before its child was there`];
    if (op.kind === "do" || op.kind === "call" || op.kind === "rollback" || op.kind === "child") {
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
    from: undefined,
    undo,
    rewound: false,
    born: false,
    droppedBy: undefined,
    uncounted: undefined,
    apply,
    find: (parent, kind, name, count) =>
      ops.find((op) => op.parent === parent && op.kind === kind && op.name === name && op.count === count),
    busy: () => ops.some(isRunning),
    nextDue: () => nextDueOf(ops),
    stranded: () => strandedOf(ops, events) ?? (life.phase === "rollingBack" && undo.waits() && !life.busy() ? ops[0] : undefined),
  };
  return life;
}
