/**
 * What was committed, in the order in which it was, and whether it may be so. It hears of every commit at the moment
 * the store applies it.
 *
 * @module
 */
import { forgetTime } from "../../core/retention.ts";
import type { Record } from "../../core/instance/records.ts";
import type { Head, InstanceKey, Lease, ShardBatch } from "../../core/ports/store.ts";
import { type Line, linesOf } from "./appended.ts";
import { type LifeModel, lifeOf, type Wrong } from "./life_model.ts";
import { isOpen } from "./op_model.ts";
import type { Plan } from "./plan.ts";
import type { Process } from "./process.ts";
import { keptOf, type Place, type RestartWatch, watchRestart } from "./restarts.ts";
import type { World } from "./world.ts";

/** An instance as committed. */
export interface InstanceModel {
  readonly key: InstanceKey;
  head: Head;
  life: LifeModel;
}

/** All that was committed. */
export interface Ledger {
  /** By {@linkcode nameOf}. */
  readonly instances: ReadonlyMap<string, InstanceModel>;
  /** Every life there was, by its seed; those that one was restarted from at a step have the same: {@linkcode LifeModel.from}. */
  readonly lives: ReadonlyMap<string, LifeModel>;
  /** Somebody asks for a restart at a place, or for a deletion: it may come to be. */
  asked(key: InstanceKey, what: Place | "delete"): void;
  /** Calls `run` as soon as an instance is there. */
  awaited(key: InstanceKey, run: () => void): void;
  /** How many records of the life before one keeps that begins with these lines. */
  kept(key: InstanceKey, lines: readonly Line[]): number;
  /** The lives of an instance, oldest first. */
  livesOf(key: InstanceKey): readonly LifeModel[];
  /** Whether a process had the shard of an instance and another has it now: it may not know yet, and answer as if nothing had been. */
  overtaken(key: InstanceKey, by: Process): boolean;
  acquired(shard: number, lease: Lease, by: Process): void;
  committed(batches: readonly ShardBatch[], answer: "ok" | { readonly fenced: readonly number[] }, by: Process): void;
  /** The states that heads of the instance had since a turn, and when it began. */
  showed(name: string, since: number): readonly string[];
  /** Commits that counted. */
  commits(): number;
}

/** A readable name of an instance; injective for the ids of a simulation. */
export function nameOf(key: InstanceKey): string {
  return `${key.tenant}/${key.workflow}/${key.id}`;
}

/** Opens the books of a world; without a plan nothing is known of its limits. */
export function createLedger(world: World, plan?: Pick<Plan, "limits" | "calm" | "deaths" | "bounds" | "instances" | "maxOps" | "damaged">): Ledger {
  const instances = new Map<string, InstanceModel>();
  const lives = new Map<string, LifeModel>();
  const byName = new Map<string, LifeModel[]>();
  const epochs = new Map<number, number>();
  const owners = new Map<number, string>();
  const writers = new Map<number, string>();
  const acks = new Set<string>();
  const shards = new Map<string, number>();
  const shown = new Map<string, { readonly turn: number; readonly status: string }[]>();
  /** The counts of instances that have not ended, as the store has them. */
  const counts = new Map<string, number>();
  /** By owner and tenant: lives that it began. */
  const births = new Map<string, number>();
  /** By shard: since when its owner has it, and how often it has acquired it. */
  const terms = new Map<number, { readonly since: number; times: number; unclean: boolean }>();
  /** Which shards each process has ever had. */
  const had = new Set<string>();
  /** Restarts at a place that were asked for, and deletions. */
  const places = new Map<string, Place[]>();
  const deleted = new Set<string>();
  /** By name: who waits for an instance to be there. */
  const waiting = new Map<string, (() => void)[]>();
  let commits = 0;

  function acquired(shard: number, { epoch, clean }: Lease, by: Process): void {
    world.note(`${by.name} acquires shard ${shard} epoch ${epoch}${clean ? "" : ", unclean"}`);
    if (epoch <= (epochs.get(shard) ?? 0)) world.fail("I8", `epoch ${epoch} after ${epochs.get(shard)}`);
    epochs.set(shard, epoch);
    had.add(`${shard} ${by.name}`);
    const term = terms.get(shard);
    if (owners.get(shard) === by.name && term !== undefined) {
      term.times++;
      term.unclean ||= !clean;
      return;
    }
    owners.set(shard, by.name);
    terms.set(shard, { since: world.now(), times: 1, unclean: !clean });
    births.clear();
    // who only makes sure that it still is the owner has not died, also if another came between and wrote nothing
    const died = !clean && writers.get(shard) !== by.name;
    for (const [name, { head, life }] of instances) {
      if (shards.get(name) !== shard) continue;
      // whatever the store says: who let go in good order has recorded that what ran is cut off
      const cut = died || (writers.get(shard) !== by.name && life.busy());
      life.uncounted = cut && head.wake === 0 && life.ended === null ? by.name : undefined;
    }
  }

  function committed(batches: readonly ShardBatch[], answer: "ok" | { readonly fenced: readonly number[] }, by: Process): void {
    if (answer !== "ok") return world.note(`${by.name} fenced`);
    commits++;
    const before = world.failure();
    for (const batch of batches) apply(batch, by);
    world.note(texts(batches), () => `${by.name} commits ${batches.map(describe).join("; ")}`);
    // the trace should end with the batch that is wrong
    if (before === undefined && world.failure() !== undefined) world.note("^^ in this commit");
  }

  function apply(batch: ShardBatch, by: Process): void {
    const { shard, epoch, drops, heads, appends } = batch;
    if (epoch !== epochs.get(shard)) world.fail("I8", `${by.name} wrote with epoch ${epoch}, the newest is ${epochs.get(shard)}`);
    writers.set(shard, by.name);
    const touched = new Set<string>();
    for (const key of drops) {
      const known = instances.get(nameOf(key));
      if (known === undefined) continue;
      known.life.droppedBy = by.name;
      // another one of its name has a journal of its own
      if (plan?.damaged.get(nameOf(key)) === true) plan.damaged.set(nameOf(key), false);
      instances.delete(nameOf(key));
    }
    for (const each of appends) {
      const name = nameOf(each.key);
      touched.add(name);
      shards.set(name, shard);
      append(each.key, each.seq, linesOf(each), by);
    }
    for (const { key, value } of batch.cells) {
      if (key.startsWith("usage/")) counts.set(key.slice("usage/".length), (JSON.parse(value ?? "{}") as { living: number }).living);
    }
    for (const head of heads) {
      touched.add(nameOf(head));
      const name = nameOf(head), instance = instances.get(name);
      if (instance === undefined) world.fail("I12", `a head of ${name} without a journal`);
      else instance.head = head;
      const states = shown.get(name);
      const state = { turn: world.turns(), status: head.status };
      if (states === undefined) shown.set(name, [state]);
      else states.push(state);
    }
    for (const { key } of batch.acks) {
      if (acks.has(key)) world.fail("I19", `the message ${key} was applied twice`);
      acks.add(key);
    }
    for (const name of touched) {
      const instance = instances.get(name);
      if (instance !== undefined) checkHead(name, instance);
    }
    const tenants = new Set<string>();
    for (const { tenant } of drops) tenants.add(tenant);
    for (const { tenant } of heads) tenants.add(tenant);
    for (const { key } of appends) tenants.add(key.tenant);
    for (const tenant of tenants) checkUsage(tenant);
  }

  /** The store's count is true, and within the limit. */
  function checkUsage(tenant: string): void {
    let living = 0;
    for (const { key, life } of instances.values()) if (key.tenant === tenant && life.ended === null) living++;
    const stored = counts.get(tenant) ?? 0;
    if (stored !== living) world.fail("I23", `${tenant} has ${living} instances that have not ended, the store counts ${stored}`);
    // where a commit holds a part of what is decided, one that begins may be committed before one that ends
    if (plan !== undefined && plan.maxOps >= 1_000 && living > plan.limits.instances) world.fail("I23", `${tenant} has ${living} instances that have not ended`);
  }

  /** An owner lets no more lives begin than the limit says for the time in which it is one. */
  function checkBirths({ tenant }: InstanceKey, shard: number): void {
    const term = terms.get(shard);
    const born = (births.get(tenant) ?? 0) + 1;
    births.set(tenant, born);
    // who is forgotten begins anew
    if (plan === undefined || term === undefined || plan.bounds.tenants <= plan.instances) return;
    const { createsPerSecond } = plan.limits;
    const most = createsPerSecond * (term.times + (world.now() - term.since) / 1_000);
    if (born > most) world.fail("I23", `${born} lives of ${tenant} began in ${world.now() - term.since} ms`);
  }

  function append(key: InstanceKey, seq: number, lines: readonly Line[], by: Process): void {
    const records = lines.map(({ record }) => record);
    const name = nameOf(key);
    let life = instances.get(name)?.life;
    let rest = records;
    let before: LifeModel | undefined, watch: RestartWatch | undefined;
    let kept = 0;
    if (life === undefined) {
      before = byName.get(name)?.at(-1);
      life = born(key, records[0] as Record, (lines[0] as Line).length, by);
      if (life === undefined) return;
      rest = records.slice(1);
      if (before?.seed === life.seed) {
        life.from = before;
        life.born = true;
        kept = keptOf(before, records, places.get(name) ?? []);
        if (kept === 0) world.fail("I33", `${name} life ${life.life} keeps nothing that somebody has asked for`);
      }
      if (seq !== 0) world.fail("I1", `${name} begins at record ${seq}`);
    } else if (seq !== life.records.length) {
      world.fail("I1", `${name} goes on at record ${seq}, not at ${life.records.length}`);
    }
    for (const record of rest) {
      const at = life.records.length;
      const line = lines[at - seq] as Line;
      if (life.born && at === kept) watch = watchRestart(before as LifeModel, life);
      const added = watch?.next(record) ?? true;
      if (life.born && added !== true) {
        if (added !== false) said(life, at, added);
        goesOn(life);
      }
      if (!life.born && record.head.k === "interrupted" && record.head.why === "crash") checkCrash(name);
      said(life, at, life.apply(record, by.name, line.length));
    }
    if (life.born) {
      if (life.records.length === kept) watch = watchRestart(before as LifeModel, life);
      goesOn(life);
    }

    function said({ life }: LifeModel, at: number, wrong: Wrong | undefined): void {
      if (wrong !== undefined) world.fail(wrong[0], `${name} life ${life} record ${at}: ${wrong[1]}`);
    }

    function goesOn(life: LifeModel): void {
      life.born = false;
      said(life, life.records.length, watch?.end());
      watch = undefined;
    }
  }

  /** A death is counted where there was one. */
  function checkCrash(name: string): void {
    const term = terms.get(shards.get(name) as number);
    if (plan?.deaths === false && term?.unclean === false) world.fail("I23", `a crash of ${name} is counted, and there was none`);
  }

  function born(key: InstanceKey, first: Record, bytes: number, by: Process): LifeModel | undefined {
    const name = nameOf(key);
    const life = lifeOf(first, by.name, plan, bytes);
    checkBirths(key, shards.get(name) as number);
    if (life === undefined) {
      world.fail("I1", `${name} begins with a record that is no beginning`);
      return undefined;
    }
    // one that was asked for in the life before may still be on its way
    life.rewound = places.has(name);
    const earlier = byName.get(name) ?? [];
    const before = earlier[earlier.length - 1];
    // two restarts may share a commit, and so may a deletion, a creation and a restart
    if (life.life !== 1 && life.life <= (before?.life ?? 0) && !deleted.has(name)) world.fail("I19", `${name} begins life ${life.life} after ${before?.life}`);
    byName.set(name, [...earlier, life]);
    lives.set(life.seed, life);
    const { tenant, workflow, id } = key;
    const head = { ...key, status: "", wake: null, created: life.created, ended: null, data: "" };
    instances.set(name, { key: { tenant, workflow, id }, head, life });
    waiting.get(name)?.forEach((run) => run());
    waiting.delete(name);
    return life;
  }

  /** The head says what the journal says, and never leaves an instance that nothing would find again (I11, I24). */
  function checkHead(name: string, { head, life }: InstanceModel): void {
    const wrong = (rule: string, what: string): void =>
      world.fail(rule, `${name}: ${what} (status ${head.status}, wake ${head.wake}, journal ${life.phase})`);
    const data = JSON.parse(head.data === "" ? "{}" : head.data) as HeadOf;
    if (data.life !== life.life) return wrong("I24", `the head is of life ${data.life}, the journal of ${life.life}`);
    if (data.version !== life.version) return wrong("I22", `the head is of version ${data.version}, the journal of ${life.version}`);
    if (head.ended !== life.ended || head.created !== life.created) return wrong("I24", "the times differ");
    if (data.parked?.code === "corrupt") {
      // its head alone can say so; what ran is not counted as a death
      life.uncounted = undefined;
      return plan?.damaged.has(name) === true && life.ended === null && head.status === "paused" && head.wake === null ? undefined : wrong("I24", "it is said to be damaged");
    }
    if (data.state !== life.published) return wrong("I24", "the published states differ");
    if (life.phase === "active") return checkActive();
    if (life.phase === "rollingBack") return checkRolling();
    if (head.status !== (life.phase === "pausing" ? "waitingForPause" : life.phase)) return wrong("I24", "the states differ");
    const forgotten = life.ended === null ? null : forgetTime(head.wake);
    if (forgotten !== null && forgotten < (life.ended ?? 0)) wrong("I11", "it is forgotten before it has ended");
    const found = life.phase === "pausing" ? runsOrQueues() : head.wake === null;
    if (forgotten === null && !found) wrong("I11", "a wake time that is not its state's");
    const end = life.records[life.records.length - 1] as Record;
    if (life.phase === "complete" && data.output !== end.value) wrong("I24", "the outputs differ");
    const rollback = end.head.k === "errored" || end.head.k === "terminated" ? end.head.rollback : undefined;
    if (JSON.stringify(data.rollback) !== JSON.stringify(rollback)) wrong("I24", "what came of the rollback differs");
    if (end.head.k === "errored" && JSON.stringify(data.error) !== JSON.stringify(end.head.error)) wrong("I24", "the errors differ");
    const paused = life.phase === "paused" ? life.records.findLast(({ head }) => head.k === "paused")?.head : undefined;
    const parked = paused?.k === "paused" ? paused : undefined;
    if (parked !== undefined && (data.parked?.code !== parked.code || data.parked?.message !== parked.message)) wrong("I24", "why it is paused differs");

    /** It runs, or it waits for its turn. */
    function runsOrQueues(): boolean {
      return head.wake === 0 || (head.wake !== null && head.wake > 0 && head.wake <= Math.max(1, life.created));
    }

    function checkRolling(): void {
      if (head.status !== "rollingBack") return wrong("I24", "the states differ");
      if (runsOrQueues()) return;
      if (head.wake === null || head.wake !== life.nextDue()) return wrong("I11", `its next time is ${life.nextDue()}`);
      if (life.stranded() !== undefined) wrong("I11", "it waits although its rollback could go on");
    }

    function checkActive(): void {
      switch (head.status) {
        case "running":
          return head.wake === 0 ? undefined : wrong("I11", "it runs and recovery would not find it");
        case "queued":
          return head.wake !== null && head.wake > 0 && head.wake <= Math.max(1, life.created) ? undefined : wrong("I11", "it waits and is not due");
        case "waiting": {
          // who has a time, or a child that is there, is found again
          const child = life.ops.some((op) => op.there && isOpen(op));
          if ((head.wake === null && !child) || head.wake !== life.nextDue()) return wrong("I11", `its next time is ${life.nextDue()}`);
          const op = life.stranded();
          return op === undefined ? undefined : wrong("I11", `it waits although ${op.kind} "${op.name}" could go on`);
        }
        default:
          return wrong("I24", "no such state");
      }
    }
  }

  return {
    instances,
    lives,
    livesOf: (key) => byName.get(nameOf(key)) ?? [],
    asked(key, what) {
      const name = nameOf(key);
      if (what === "delete") return void deleted.add(name);
      const known = places.get(name), life = byName.get(name)?.at(-1);
      if (life !== undefined) life.rewound = true;
      if (known === undefined) places.set(name, [what]);
      else known.push(what);
    },
    awaited(key, run) {
      const name = nameOf(key), all = waiting.get(name);
      if (instances.has(name)) run();
      else if (all === undefined) waiting.set(name, [run]);
      else all.push(run);
    },
    kept(key, lines) {
      const name = nameOf(key), before = byName.get(name)?.at(-1);
      const first = (lines[0] as Line).record.head;
      return first.k === "created" && before?.seed === first.seed ? keptOf(before, lines.map(({ record }) => record), places.get(name) ?? []) : 0;
    },
    overtaken(key, { name }) {
      const shard = shards.get(nameOf(key)) ?? -1;
      return owners.get(shard) !== name && had.has(`${shard} ${name}`);
    },
    acquired,
    committed,
    showed(name, since) {
      const states = shown.get(name) ?? [];
      const first = states.findLastIndex(({ turn }) => turn < since);
      return states.slice(Math.max(0, first)).map(({ status }) => status);
    },
    commits: () => commits,
  };
}

/** What a head holds beside its columns. */
interface HeadOf {
  readonly life?: number;
  readonly version?: string;
  readonly output?: string;
  readonly state?: string;
  readonly rollback?: unknown;
  readonly error?: { readonly name: string; readonly message: string };
  readonly parked?: { readonly code: string; readonly message: string };
}

/** All that a commit says, for the hash. */
function texts(batches: readonly ShardBatch[]): string {
  const all = [];
  for (const { epoch, drops, heads, appends, acks } of batches) {
    all.push(epoch, drops.length, acks.length);
    for (const { text } of appends) all.push(text);
    for (const { status, wake } of heads) all.push(status, wake);
  }
  return all.join(" ");
}

function describe({ shard, epoch, drops, heads, appends, acks }: ShardBatch): string {
  const all = [`shard ${shard} epoch ${epoch}`];
  for (const key of drops) all.push(`drop ${nameOf(key)}`);
  for (const { key, seq, text } of appends) {
    all.push(`${nameOf(key)} from ${seq}: ${text.split("\n").map((line) => line.replaceAll(/"(t|k)":|"/g, "")).join(" ")}`);
  }
  for (const head of heads) all.push(`${nameOf(head)} is ${head.status}, wake ${head.wake === null ? "never" : head.wake % 1e8}`);
  if (acks.length > 0) all.push(`${acks.length} messages`);
  return all.join(" | ");
}
