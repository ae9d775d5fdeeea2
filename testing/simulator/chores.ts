/**
 * What engines do by themselves: a schedule of a tenant of its own, whose instances are forgotten soon after they have
 * ended, and every tenant's account. What is committed is held against what may be: no due time twice, none left out,
 * none early (I29); nothing forgotten that has not ended (I30); no account that says something else than the journals (I31).
 *
 * @module
 */
import type { Limits } from "../../core/limits.ts";
import type { Cron } from "../../core/ports/cron.ts";
import type { InstanceKey, ShardBatch, Store } from "../../core/ports/store.ts";
import { readAccount } from "../../core/shard/accounts.ts";
import { usageCell } from "../../core/shard/quotas.ts";
import type { ScheduleOptions } from "../../core/shard/schedule_calls.ts";
import { DUE, dueCell, instanceOf, readSchedule, type ScheduleRecord, tenantPrefix } from "../../core/shard/schedule_record.ts";
import type { Workflow } from "../../core/workflow.ts";
import { linesOf } from "./appended.ts";
import { createAsking } from "./asking.ts";
import { type Ledger, nameOf } from "./ledger.ts";
import type { Plan } from "./plan.ts";
import { EPOCH } from "./process.ts";
import type { Server } from "./clients.ts";
import type { Slots } from "./slots.ts";
import type { World } from "./world.ts";

/** What they are made of. */
export interface ChoresParts {
  readonly world: World;
  readonly plan: Plan;
  readonly ledger: Ledger;
  /** Who takes requests now. */
  readonly slots: Slots;
}

/** The chores of one simulation. */
export interface Chores {
  /** Due every so many ms: what an expression means here. */
  readonly cron: Cron;
  /** The books, which hear of all that is committed, too. */
  readonly ledger: Ledger;
  limits(tenant: string): Partial<Limits>;
  /** Begins. */
  start(): void;
  /** No more of it: what is there comes to its end. */
  end(): void;
  /** Whether it has not. */
  busy(): boolean;
  /** Where they stand. */
  describe(): string;
  /** Compares the accounts with the journals. */
  check(store: Store): Promise<void>;
}

const TENANT = "chores";
const ID = "tick";
/** Whether an instance is one of the schedule's: nobody but its engine does anything to it. */
export function isChore({ tenant }: InstanceKey): boolean {
  return tenant === TENANT;
}

/** Before what is to go on is looked at again, ms. */
const PAUSE = 40;

/** Prepares them: few simulations have a schedule. */
export function createChores({ world, plan, ledger, slots }: ChoresParts): Chores {
  const r = world.stream(8);
  const active = r.once(plan.large ? 3 : 10);
  const period = r.pick([150, 700, 5_000]);
  const retention = r.pick([0, 300, 3_000]);
  const catchUp = r.pick(["last", "all", "skip"] as const);
  const options: ScheduleOptions = { cron: String(period), catchUp, overlap: r.pick(["allow", "allow", "skip"]) };
  /** Clocks may be put back. */
  const jumps = plan.blows.some(({ blow }) => blow === "jump");
  const schedules = new Map<string, ScheduleRecord>();
  const dues = new Set<string>();
  /** Due times that an instance was made of: by id. */
  const made = new Map<string, number>();
  /** What is written of an instance, and of a tenant's steps. */
  const bytes = new Map<string, number>();
  const steps = new Map<string, number>();
  const asking = createAsking({ who: "chores", world, chance: r, slots, refused: /^(schedule_not_found|instance\.not_found|quota_exceeded)$/ });
  let ending = false;
  /** What is left is looked at again. */
  let going = false;

  const cron: Cron = {
    refuse: () => undefined,
    after: (every, _, at) => Math.floor(at / Number(every)) * Number(every) + Number(every),
    latest: (every, _, at) => Math.floor(at / Number(every)) * Number(every),
  };

  // ---- who asks

  function ask(what: string, run: (of: Workflow, at: Server) => Promise<unknown>): void {
    asking.ask(what, (server) => run(server.tenure.tenant(TENANT).workflow("Flow"), server));
  }

  /** What was parked goes on, in a version that there still is. The schedule goes, also one that a late message puts again. */
  function goOn(): void {
    if (asking.pending() === 0 && schedules.size > 0) ask("delete", (of) => of.schedules.delete(ID));
    for (const { key, head } of ledger.instances.values()) {
      if (key.tenant !== TENANT || head.status !== "paused" || asking.pending() > 0) continue;
      ask("resume", async (of, { tenure, version }) => {
        await tenure.tenant(TENANT).upgrade(`host:${version}`);
        await (await of.get(key.id)).resume();
      });
    }
    going = busy();
    if (going) world.at(1_000, goOn);
  }

  function busy(): boolean {
    if (!active) return false;
    if (!ending || asking.pending() > 0 || schedules.size > 0) return true;
    return [...ledger.instances.values()].some(({ key, life }) => key.tenant === TENANT && life.ended === null);
  }

  function some({ schedules: of }: Workflow, act: number): Promise<unknown> {
    switch (act) {
      case 0:
        return of.pause(ID).then(() => of.resume(ID));
      case 1:
        return of.trigger(ID);
      case 2:
        // before the world began: all of it is past for every clock
        return of.backfill(ID, { from: EPOCH - 100_000, to: EPOCH - 100_000 + 3 * period });
      default:
        return of.put(ID, options);
    }
  }

  // ---- what is committed

  function before({ drops, appends }: ShardBatch): void {
    for (const key of drops) {
      const known = ledger.instances.get(nameOf(key));
      if (key.tenant === TENANT && known !== undefined && known.life.ended === null) world.fail("I30", `${nameOf(key)} is forgotten and has not ended`);
      bytes.delete(nameOf(key));
    }
    for (const append of appends) {
      const { key, seq } = append, lines = linesOf(append);
      bytes.set(nameOf(key), lines.reduce((sum, line) => sum + line.length, bytes.get(nameOf(key)) ?? 0));
      const kept = seq === 0 ? ledger.kept(key, lines) : 0;
      for (const [at, { record: { head } }] of lines.entries()) {
        // what a restart keeps was counted in the life before
        if (head.k === "scheduled" && head.kind === "do" && at >= kept) steps.set(key.tenant, (steps.get(key.tenant) ?? 0) + 1);
        if (head.k !== "created" || head.schedule === undefined) continue;
        const due = head.schedule.scheduledTime;
        // by hand
        if (key.id !== instanceOf(ID, due)) continue;
        if (head.t < due && !jumps) world.fail("I29", `${nameOf(key)} is made ${due - head.t} ms early`);
        // what is made up for by hand is made again once it is forgotten
        if (made.has(key.id) && due > EPOCH - 50_000) world.fail("I29", `${nameOf(key)} is made twice`);
        made.set(key.id, due);
      }
    }
  }

  function after({ cells }: ShardBatch): void {
    for (const { key, value } of cells) {
      if (!key.startsWith(DUE)) continue;
      if (value === null) dues.delete(key);
      else dues.add(key);
    }
    for (const { key, value } of cells) {
      if (!key.startsWith(tenantPrefix(TENANT))) continue;
      const old = schedules.get(key), now = readSchedule(value);
      if (now === undefined) schedules.delete(key);
      else schedules.set(key, now);
      if (now === undefined) continue;
      if (ending && !going) {
        going = true;
        world.at(PAUSE, goOn);
      }
      if (now.next !== null && !dues.has(dueCell(now.next, { tenant: TENANT, workflow: "Flow", id: ID }))) world.fail("I29", `${key} is due at ${now.next}, and nothing would find it`);
      if (old !== undefined) moved(old, now);
    }
  }

  function moved(old: ScheduleRecord, now: ScheduleRecord): void {
    if (old.next === null || now.next === null || now.next === old.next) return;
    // whoever puts it again begins anew, by a clock that may have been put back
    if (now.next < old.next) return jumps ? undefined : world.fail("I29", `the schedule goes back from ${old.next} to ${now.next}`);
    const { last } = now;
    // one that was made by hand in the same commit says nothing of what was due
    const own = last !== undefined && last.id === instanceOf(ID, last.due) && last.due >= old.next && last.id !== old.last?.id;
    if (own && !made.has(last.id)) return world.fail("I29", `the schedule says that ${last.due} is met, and nothing was made`);
    const { next } = old, to = now.next;
    const met = own ? [last.due] : [...made.values()].filter((due) => due >= next && due < to);
    if (met.length > 0) return now.catchUp === "all" && !met.includes(next) ? world.fail("I29", `${next} is left out`) : undefined;
    const said = now.error !== undefined && now.error.due !== old.error?.due && now.error.due >= next;
    // one batch may hold a pause and what came after it
    if (!said && now.catchUp !== "skip" && !resumed) world.fail("I29", `the schedule goes on from ${next} to ${to}, and nothing was made`);
  }
  /** Somebody has paused it, and resumed it. */
  let resumed = false;

  return {
    cron,
    ledger: {
      ...ledger,
      committed(batches, answer, by) {
        if (answer === "ok") batches.forEach(before);
        ledger.committed(batches, answer, by);
        if (answer === "ok") batches.forEach(after);
      },
    },
    limits: (tenant) => tenant === TENANT ? { ...plan.limits, retention } : plan.limits,
    start() {
      if (!active) return;
      ask("put", (of) => of.schedules.put(ID, options));
      for (let n = r.int(4); n > 0; n--) {
        const act = r.int(4);
        world.at(r.int(plan.span), () => {
          if (ending) return;
          if (act === 0) resumed = true;
          ask(`act ${act}`, (of) => some(of, act));
        });
      }
    },
    end() {
      if (!active) return;
      ending = true;
      goOn();
    },
    busy,
    describe() {
      const left = [...ledger.instances.values()].filter(({ key, life }) => key.tenant === TENANT && life.ended === null);
      return `${asking.pending()} chores, ${schedules.size} schedules, ${left.map(({ key, head }) => `${key.id} ${head.status}`).join(", ")}`;
    },
    async check(store) {
      for (const tenant of [...plan.tenants, ...(active ? [TENANT] : [])]) {
        const all = [...ledger.instances.values()].filter(({ key }) => key.tenant === tenant);
        // one that was made anew at the last moment is in the middle of something
        if (all.some(({ life }) => life.ended === null)) continue;
        const cells = await Promise.all(Array.from({ length: store.shards }, (_, shard) => store.cell(shard, usageCell(tenant))));
        const account = readAccount(cells.find((cell) => cell !== null) ?? null);
        const found = [account.living, account.kept, account.bytes, account.steps].join();
        const living = all.filter(({ life }) => life.ended === null).length;
        const wanted = [living, all.length, all.reduce((sum, { key }) => sum + (bytes.get(nameOf(key)) ?? 0), 0), steps.get(tenant) ?? 0].join();
        if (found !== wanted) world.fail("I31", `the account of "${tenant}" says ${found}, its journals ${wanted}`);
      }
    },
  };
}
