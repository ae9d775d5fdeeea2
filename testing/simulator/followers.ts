/**
 * Who follows an instance: reads its events as they are committed, at whatever process there is, goes on behind the
 * last one when that process is gone, and holds each event against the journal.
 *
 * @module
 */
import { TenureError } from "../../core/errors.ts";
import { createFeed, lifeOf } from "../../core/instance/feed.ts";
import type { WorkflowInstanceEvent } from "../../core/instance/feed_types.ts";
import type { Record } from "../../core/instance/records.ts";
import type { WorkflowInstanceSubscription } from "../../core/workflow/subscription.ts";
import type { Target } from "./clients.ts";
import { type Ledger, nameOf } from "./ledger.ts";
import type { LifeModel } from "./life_model.ts";
import type { Plan } from "./plan.ts";
import type { Slots } from "./slots.ts";
import type { World } from "./world.ts";

/** What followers work with. */
export interface FollowerParts {
  readonly world: World;
  readonly plan: Plan;
  readonly ledger: Ledger;
  /** Who takes requests now. */
  readonly slots: Slots;
}

/** All followers of one schedule. */
export interface Followers {
  /** Whether each has been told the end of the life that there is now. */
  done(): boolean;
}

/** How long one waits for an event before it asks elsewhere, ms: nothing may happen for long. */
const PATIENCE = 30_000;

/** An event that is to be told. */
interface Fed {
  readonly eventId: WorkflowInstanceEvent["eventId"];
  readonly text: string;
}

type Told = { readonly k: "event"; readonly event: WorkflowInstanceEvent } | { readonly k: "end" | "gone" | "error" | "lost" };

/** Starts one for some of the targets. */
export function startFollowers({ world, plan, ledger, slots }: FollowerParts, targets: readonly Target[]): Followers {
  const r = world.stream(7);
  /** The seed of the life whose end each was told. */
  const ends = new Map<Target, string>();
  const feeds = new Map<LifeModel, { readonly feed: ReturnType<typeof createFeed>; records: number; readonly told: Fed[] }>();
  const followed = targets.filter(() => r.once(plan.large ? 3 : 10));
  for (const target of followed) again(target, undefined);

  function again(target: Target, last: WorkflowInstanceEvent | undefined): void {
    world.at(r.between(1, 300), () => void follow(target, r.once(4) ? undefined : last));
  }

  async function follow(target: Target, last: WorkflowInstanceEvent | undefined): Promise<void> {
    const all = slots.servers();
    if (all.length === 0) return slots.awaited(() => again(target, last));
    const { process, tenure } = r.pick(all);
    const opening = tenure.tenant(target.tenant).workflow(target.workflow).get(target.id)
      .then((instance) => instance.subscribe(last === undefined ? {} : { cursor: last.eventId }))
      .catch(() => undefined);
    const subscription = await patiently(opening, process.gone, undefined);
    if (subscription === undefined) return again(target, last);
    let seen = last;
    for (;;) {
      const told = await ask(subscription, process.gone);
      if (told.k === "error") continue;
      if (told.k === "event") {
        check(target, seen, told.event);
        seen = told.event;
        world.note(`follower: ${nameOf(target)} ${seen.eventId} ${seen.type}`);
        // a slow one
        if (r.once(8)) await new Promise<void>((done) => void world.at(r.between(1, 400), done));
        continue;
      }
      if (told.k === "end") ended(target, seen);
      void subscription.return();
      // where it was deleted, another one may begin from nothing
      if (world.failure() === undefined && !isTold(target)) again(target, told.k === "lost" ? seen : undefined);
      return;
    }
  }

  async function ask(subscription: WorkflowInstanceSubscription, gone: Promise<void>): Promise<Told> {
    const next = subscription.next().then(({ value, done }): Told => done === true ? { k: "end" } : { k: "event", event: value as WorkflowInstanceEvent }, (error): Told => {
      const code = TenureError.is(error) ? error.code : "";
      if (code === "instance.not_found") return { k: "gone" };
      if (code === "storage_unavailable") return { k: "error" };
      if (code !== "closed") world.fail("api", `a follower: ${error instanceof Error ? error.stack : String(error)}`);
      return { k: "lost" };
    });
    return patiently<Told>(next, gone, { k: "lost" });
  }

  /** Waits for an answer: of a process that is gone, or after long, there is none. */
  async function patiently<T>(answer: Promise<T>, gone: Promise<void>, none: T): Promise<T> {
    let cancel = (): void => {};
    const late = new Promise<T>((done) => cancel = world.at(PATIENCE, () => done(none)));
    const first = await Promise.race([answer, gone.then(() => none), late]);
    cancel();
    return first;
  }

  /** What the committed records of a life tell: those that came since are added. */
  function feedOf(target: Target, life: LifeModel): readonly Fed[] {
    let known = feeds.get(life);
    if (known === undefined) feeds.set(life, known = { feed: createFeed(target.id, life.life), records: 0, told: [] });
    for (; known.records < life.records.length; known.records++) {
      for (const event of known.feed.take(life.records[known.records] as Record)) known.told.push({ eventId: event.eventId, text: JSON.stringify(event) });
    }
    return known.told;
  }

  /** An event is one of a committed record, and follows the one before it with nothing between them. */
  function check(target: Target, before: WorkflowInstanceEvent | undefined, event: WorkflowInstanceEvent): void {
    const text = JSON.stringify(event);
    const lives = ledger.livesOf(target).filter(({ life }) => life === lifeOf(event.eventId));
    const found = lives.map((life) => feedOf(target, life)).filter((feed) => feed.some((each) => each.text === text));
    const name = `${nameOf(target)} event ${event.eventId}`;
    if (found.length === 0) return world.fail("I24", `${name}: no committed record tells ${text}`);
    const at = (feed: readonly Fed[]): number => feed.findIndex(({ eventId }) => eventId === event.eventId);
    // it was restarted, or deleted and made again
    if (before === undefined || lifeOf(before.eventId) !== lifeOf(event.eventId) || madeAgain(target)) {
      if (before !== undefined && event.eventId <= before.eventId && lives.length < 2) world.fail("I24", `${name} after ${before.eventId}`);
      if (before === undefined && found.every((feed) => at(feed) !== 0)) world.fail("I24", `${name} is the first that is told`);
      return;
    }
    if (found.every((feed) => feed[at(feed) - 1]?.eventId !== before.eventId)) world.fail("I24", `${name} after ${before.eventId}: what is between them is not told`);
  }

  /** Whether it was deleted and made again: then its events begin with small numbers, and an old cursor is one of theirs. */
  function madeAgain(target: Target): boolean {
    return ledger.livesOf(target).some(({ life }, n, all) => n > 0 && life <= (all[n - 1] as LifeModel).life);
  }

  function ended(target: Target, last: WorkflowInstanceEvent | undefined): void {
    const lives = ledger.livesOf(target);
    const life = last === undefined ? undefined : lives.findLast((each) => feedOf(target, each).at(-1)?.eventId === last.eventId);
    if (life?.ended != null) return void ends.set(target, life.seed);
    if (!madeAgain(target)) world.fail("I24", `${nameOf(target)}: the end is told after ${last?.type}`);
  }

  function isTold(target: Target): boolean {
    return ends.has(target) && ends.get(target) === ledger.instances.get(nameOf(target))?.life.seed;
  }

  return { done: () => followed.every((target) => {
    if (isTold(target)) return true;
    // it was told the end of a life that was followed by another
    if (ends.delete(target)) again(target, undefined);
    return false;
  }) };
}
