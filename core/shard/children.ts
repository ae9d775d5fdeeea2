/**
 * Children: instances that another instance has started, and what passes between the two.
 *
 * A tenant's instances live in one shard, so nothing here leaves it; but parent and child are two instances, and a batch
 * may hold the one without the other. What one owes the other is therefore a cell of the *outbox*, in the batch that
 * holds the reason for it, and goes in the batch that holds what came of it: a crash in between finds the cell. Both
 * messages can be told twice: an outcome counts once for its command, an ended child is not ended again.
 *
 * @module
 */
import { cancelled, childEnded, type ChildOutcome, type Start } from "../instance/decide/child.ts";
import { failure } from "../instance/failures.ts";
import { type ChildOf, isEnded, type State } from "../instance/state.ts";
import type { Head, InstanceKey, Store } from "../ports/store.ts";
import type { ApplyParts, Creates } from "./apply.ts";
import { pagesOfCells } from "./cells.ts";
import type { Committer } from "./committer.ts";
import { isUnreadable } from "./damaged.ts";
import type { Durable, HeadData, Live } from "./live.ts";
import { untilLife } from "./quotas.ts";
import { type Outcome, refused, type Request } from "./requests.ts";

/** What they are made of. */
export interface ChildrenParts extends Pick<ApplyParts, "clock" | "opener" | "lives" | "tenants" | "runner" | "facts"> {
  readonly shard: number;
  readonly store: Store;
  readonly committer: Committer;
  readonly durable: Durable;
  readonly create: Creates;
  /** Aborts when the shard is not ours any more. */
  readonly signal: AbortSignal;
}

/** The children of one shard's instances. */
export interface Children {
  /** Makes a child, unless there is one of this parent; resolves when it is durable, or refused. Never when the shard is lost. */
  start(parent: InstanceKey, of: Pick<State, "seed" | "metadata">, op: number, child: ChildOf): Promise<Start>;
  /** An instance has ended, or goes (`gone`): its parent is owed the outcome, its own children their end, but for those that `successor` keeps. */
  left(live: Live, before: State, how: { readonly gone: boolean; readonly successor?: State | undefined }): void;
  /** Delivers what the owner before left. */
  begin(): void;
}

/** A cell of the outbox. */
type Owed =
  /** The child tells its parent. */
  | { readonly k: "ended"; readonly child: InstanceKey; readonly parent: InstanceKey; readonly op: number; readonly gone?: true }
  /** The parent's children end with it. */
  | { readonly k: "cancel"; readonly parent: InstanceKey; readonly children: readonly InstanceKey[]; readonly rollback: boolean };

const NOBODY = refused("instance.ended", "Cannot start the child: the run that started it is over");
const OUTBOX = "outbox/";
/** What the keys of all that is owed to others begin with, of instances whose `keyText` begins with a text. */
export function outboxPrefixes(text: string): readonly string[] {
  return ["ended/", "cancel/"].map((kind) => OUTBOX + kind + text);
}

/** How many cells are read at a time. */
const PAGE = 100;
/** How many of a tenant's children are made at one time. */
const TOGETHER = 32;
/** Before a store that does not answer, or a limit, is asked again, ms. */
const RETRY = 250;

/** Makes them. */
export function createChildren(parts: ChildrenParts): Children {
  const { shard, store, clock, committer, lives, runner, signal } = parts;
  let cancels = 0;
  /** How many of a tenant's are being made, and who waits for that. */
  const making = new Map<string, { n: number; readonly queue: (() => void)[] }>();

  /** A parent of a thousand children is not to be a thousand requests in one task. */
  async function inTurn<T>(tenant: string, make: () => Promise<T>): Promise<T> {
    let of = making.get(tenant);
    if (of === undefined) making.set(tenant, of = { n: 0, queue: [] });
    const { queue } = of;
    if (of.n >= TOGETHER) await new Promise<void>((go) => queue.push(go));
    else of.n++;
    try {
      return await make();
    } finally {
      const next = queue.shift();
      if (next !== undefined) next();
      else if (--of.n === 0) making.delete(tenant);
    }
  }

  function start(parent: InstanceKey, { seed, metadata }: Pick<State, "seed" | "metadata">, op: number, { workflow, id, params }: ChildOf): Promise<Start> {
    const { tenant } = parent;
    const request: Request = { verb: "create", tenant, workflow, id, fresh: false, params: params ?? "j{}", parent: { workflow: parent.workflow, id: parent.id, op, seed }, ...(metadata !== undefined && { metadata }) };
    return inTurn(tenant, () => new Promise((resolve) => {
      const attempt = (): void => {
        if (signal.aborted) return;
        const made = parts.create(request, (outcome, live) => {
          // a parent of many children is not refused for its haste
          const ms = outcome.ok || outcome.code !== "quota_exceeded" ? 0 : wait(tenant);
          if (ms > 0) return again(ms);
          committer.wait(shard, tenant, { ok: () => resolve(startOf(outcome)), lost() {} }, live);
        }, () => waits(parent, seed, op) ? undefined : NOBODY);
        made?.catch((error) => isUnreadable(error) ? resolve(startOf({ ok: false, code: error.code, message: error.message })) : again(RETRY));
      };
      const again = (ms: number): void => void clock.setTimer(ms, attempt);
      attempt();
    }));
  }

  /** Whether the run still wants the child: one that ended meanwhile would leave it behind, for what it ends is there by then. */
  function waits(parent: InstanceKey, seed: string, op: number): boolean {
    const state = lives.peek(parent)?.state;
    return state !== undefined && !isEnded(state) && state.seed === seed && state.ops[op]?.settled === undefined;
  }

  /** How long until the tenant may create again, ms. */
  function wait(tenant: string): number {
    const usage = parts.tenants.usage(tenant);
    return usage === undefined ? 0 : untilLife(usage, parts.opener.limits(tenant), clock.monotonic());
  }

  function left(live: Live, before: State, { gone, successor }: Parameters<Children["left"]>[2]): void {
    const { key } = live;
    const { parent } = before;
    if (parent !== undefined && (!gone || !isEnded(before)) && successor === undefined) {
      const to = { tenant: key.tenant, workflow: parent.workflow, id: parent.id };
      owe(`${OUTBOX}ended/${live.text}`, { k: "ended", child: key, parent: to, op: parent.op, ...(gone && { gone }) }, live);
    }
    const children = attached(before).filter(({ id, workflow }) => !attached(successor).some((kept) => kept.id === id && kept.workflow === workflow))
      .map(({ workflow, id }) => ({ tenant: key.tenant, workflow, id }));
    if (children.length === 0) return;
    // one that is begun anew may owe more before the first is paid
    owe(`${OUTBOX}cancel/${live.text}/${clock.uuid()}/${++cancels}`, { k: "cancel", parent: key, children, rollback: before.rollback !== undefined }, live);
  }

  /** Those that end with it: started by it, not detached, not ended. */
  function attached(state: State | undefined): readonly ChildOf[] {
    const found: ChildOf[] = [];
    for (const n of state?.children ?? []) {
      const { child, settled, known } = (state as State).ops[n] as State["ops"][number];
      if (child !== undefined && !child.detached && settled === undefined && known === undefined) found.push(child);
    }
    return found;
  }

  function owe(cell: string, owed: Owed, live: Live): void {
    lives.touch(live);
    committer.cell(shard, live.key.tenant, { key: cell, value: JSON.stringify(owed) }, live);
    // as one who asked for it: also when what follows in the same batch takes the place of these lines
    committer.wait(shard, live.key.tenant, { ok: () => pay(cell, owed), lost() {} }, live);
  }

  function pay(cell: string, owed: Owed): void {
    const paid = owed.k === "ended" ? tell(cell, owed) : cancel(cell, owed);
    // a store that does not answer has lost nothing
    paid.catch((error) => {
      if (signal.aborted) return;
      if (isUnreadable(error)) committer.cell(shard, owed.parent.tenant, { key: cell, value: null });
      else clock.setTimer(RETRY, () => pay(cell, owed));
    });
  }

  async function tell(cell: string, { child, parent, op, gone }: Extract<Owed, { k: "ended" }>): Promise<void> {
    const head = gone === true ? undefined : await headOf(child);
    await lives.find(parent, (live) => {
      if (signal.aborted) return;
      const over = { key: cell, value: null };
      const state = live?.state;
      // one that was begun anew tells its parent when it ends
      const records = state === undefined || (head !== undefined && head.ended === null) ? [] : childEnded(state, op, child, outcomeOf(child, head), parts.facts(parent.tenant));
      if (live === undefined || records.length === 0) committer.cell(shard, parent.tenant, over);
      else {
        lives.append(live, records);
        committer.cell(shard, parent.tenant, over, live);
        runner.proceed(live);
      }
      if (live !== undefined) lives.release(live);
    });
  }

  async function headOf(key: InstanceKey): Promise<Head | undefined> {
    return (await store.find({ ...key, limit: 1 }))[0];
  }

  async function cancel(cell: string, { parent, children, rollback }: Extract<Owed, { k: "cancel" }>): Promise<void> {
    for (const child of children) {
      try {
        await lives.find(child, (live) => {
          const state = live?.state;
          if (signal.aborted || live === undefined) return;
          // an instance of this name that is somebody else's is left alone
          if (state !== undefined && state.parent?.id === parent.id && state.parent.workflow === parent.workflow) {
            lives.append(live, cancelled(state, rollback, parts.facts(parent.tenant)));
            if (isEnded(state)) runner.end(live);
            else runner.proceed(live);
          }
          lives.release(live);
        });
      } catch (error) {
        if (!isUnreadable(error)) throw error;
      }
    }
    // not before all of them are durable
    await parts.durable(parent.tenant);
    if (!signal.aborted) committer.cell(shard, parent.tenant, { key: cell, value: null });
  }

  async function deliver(): Promise<void> {
    for await (const page of pagesOfCells(store, shard, OUTBOX, PAGE)) {
      if (signal.aborted) return;
      for (const { key, value } of page) pay(key, JSON.parse(value) as Owed);
    }
  }

  function begin(): void {
    deliver().catch(() => void clock.setTimer(RETRY, () => signal.aborted ? undefined : begin()));
  }

  return { start, left, begin };
}

/** The run may catch it, and knows it by its text. */
function startOf(outcome: Outcome): Start {
  return outcome.ok ? { ok: true } : { ok: false, ...failure("WorkflowError", outcome.message) };
}

/** What its head says of how a child ended. */
function outcomeOf({ id }: InstanceKey, head: Head | undefined): ChildOutcome {
  if (head === undefined) return { ok: false, ...failure("WorkflowError", `The child "${id}" was deleted`) };
  const { output, error } = JSON.parse(head.data) as HeadData;
  if (head.status === "complete") return { ok: true, value: output ?? "u" };
  return { ok: false, ...(error === undefined ? failure("WorkflowError", `The child "${id}" was terminated`) : failure(error.name, error.message)) };
}
