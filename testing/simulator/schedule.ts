/**
 * One schedule: a time of faults, a time of healing in which everything has to come to its end, and the comparison of
 * what was done, what was recorded and what was said.
 *
 * @module
 */
import type { SandboxAdapter } from "../../core/ports/guest.ts";
import type { InstanceKey, StorageAdapter, Store } from "../../core/ports/store.ts";
import { createTenure } from "../../core/tenure.ts";
import { byteLength } from "../../core/utf8.ts";
import { decode, encode } from "../../core/values.ts";
import { createChores, isChore } from "./chores.ts";
import { createFamilies, isKin } from "./families.ts";
import { type Clients, type Server, startClients, type Target } from "./clients.ts";
import { createEffects } from "./effects.ts";
import { connect } from "./faulty_store.ts";
import { startFollowers } from "./followers.ts";
import { bindingOf, DIED, type GuestParts, guestsOf, loggerOf, type MakeSandbox, type Programs, type RunLog, versionOf } from "./guests.ts";
import { createLedger, nameOf } from "./ledger.ts";
import type { LifeModel } from "./life_model.ts";
import { expectedOf } from "./oracle.ts";
import { heal, type Plan, planOf } from "./plan.ts";
import { createProcess, EPOCH } from "./process.ts";
import { nextOf, programOf, type Version } from "./program.ts";
import { createSlots, type Slots } from "./slots.ts";
import { createStreamers, isStreamer } from "./streamers.ts";
import { createWorld, type Failure, rested, type World } from "./world.ts";

/** What a simulation is made with: adapters that the core does not know. */
export interface SimulatorParts {
  /** A store that all processes of a schedule share, of so many shards; `now` is the clock of its leases. */
  readonly storage: (options: { readonly now: () => number; readonly shards: number }) => StorageAdapter;
  /** Runs classes of the host as guests. */
  readonly sandbox: MakeSandbox;
}

/** What came of one schedule. */
export interface ScheduleReport {
  readonly seed: number;
  /** Of all that happened: equal on every runtime. */
  readonly hash: string;
  /** The first broken invariant. */
  readonly failure: Failure | undefined;
  /** What happened, when it was asked for. */
  readonly trace: readonly string[];
  readonly stats: {
    readonly turns: number;
    readonly commits: number;
    readonly bodies: number;
    readonly instances: number;
    /** Processes that were started. */
    readonly processes: number;
    /** What went wrong around the engines. */
    readonly faults: number;
    /** True time, ms. */
    readonly time: number;
  };
}

/** Healing may take so long, ms. */
const HEALING = 3_600_000;
/** Where nothing goes wrong, whoever waits for a result has it after so long, ms. */
const PROMPT = 320;
/** A schedule may take so many turns. */
const TURNS = 100_000;

/**
 * Runs the schedule of a seed: the same seed is the same run, on every runtime.
 *
 * @param options `trace`: keeps a readable trace; `hosted`: whether turns are tasks of the host
 */
export async function simulate(
  parts: SimulatorParts,
  options: { readonly seed: number; readonly trace?: boolean; readonly hosted?: boolean },
): Promise<ScheduleReport> {
  const world = createWorld(options.seed, options.trace ?? false, options.hosted);
  const plan = planOf(world);
  const { adapter, overtake } = storageOf(world, plan, parts);
  const slots = createSlots(world, plan, world.stream(31));
  const chores = createChores({ world, plan, slots, ledger: createLedger(world, plan) });
  const families = createFamilies({ world, plan, slots, ledger: chores.ledger });
  const streamers = createStreamers({ world, plan, slots, ledger: families.ledger });
  const { ledger } = streamers;
  const effects = createEffects(world, ledger);
  const first = Array.from({ length: plan.instances }, (_, i) => programOf(world.stream(10 + i), "abcd"[i] as string));
  const programs: Programs = { "1": first, "2": first.map((program, i) => nextOf(world.stream(20 + i), program, "abcd"[i] as string)) };
  const runs: RunLog[] = [];
  const open: GuestParts["open"] = new Set();
  const logged = new Set<string>();
  let processes = 0;
  let healing = false;
  let meddle = (_: InstanceKey): void => {};

  function boot(slot: number): void {
    const name = `${"PQ"[slot]}${++processes}`;
    const chance = world.stream(100 + processes);
    const process = createProcess(world, plan, { name, chance });
    const all = { world, plan, process, chance, ledger, effects, programs, runs, logged, open, makeSandbox: parts.sandbox };
    const storage: StorageAdapter = {
      name: "simulated",
      open: async (): Promise<Store> => connect(await adapter.open(), { world, plan, process, chance, ledger, meanwhile: (key) => isChore(key) || isKin(key) || isStreamer(key) ? undefined : meddle(key) }),
    };
    const { maxRunning } = plan;
    const { cron } = chores;
    const limits = (tenant: string) => ({ ...chores.limits(tenant), streamBytes: streamers.streamBytes });
    const version: Version = world.now() >= plan.release || (healing && plan.release !== Infinity) ? "2" : "1";
    const engine = slot === 0 || plan.secondOwns || healing;
    const env = (): Record<string, unknown> => ({ API: bindingOf(all) });
    void process.gone.then(() => {
      slots.put(slot, undefined);
      world.at(world.stream(200 + processes).pick([1, 30, 500]), () => boot(slot));
    });
    world.note(`${name} starts`);
    createTenure({ storage, clock: process.clock, engine, maxRunning, limits, env, logger: loggerOf(all) }, { cron, hostSandbox: (): SandboxAdapter => guestsOf(all), bounds: plan.bounds })
      .then((tenure) => {
        tenure.register("Flow", class Flow { run(): void {} }, { version });
        const server = { process, tenure, version };
        slots.put(slot, server);
        if (chance.chance(plan.rates.flap)) world.at(chance.pick([0, 3, 20]), () => slots.close(server, 50));
      }, (error) => world.fail("thrown", `createTenure: ${error}`));
  }

  const targets: Target[] = first.map((_, program) => {
    const tenant = plan.tenants[program % plan.tenants.length] as string;
    // two tenants may use one id
    return { tenant, workflow: "Flow", id: `i${Math.floor(program / plan.tenants.length)}`, program };
  });
  boot(0);
  boot(1);
  const clients = startClients({ world, plan, ledger, programs, slots }, targets);
  meddle = clients.meddle;
  const followers = startFollowers({ world, plan, ledger, slots }, targets);
  chores.start();
  families.start();
  streamers.start();
  const struck = scheduleBlows(world, plan, { slots, overtake });
  await run(() => world.now() >= plan.span && struck() === plan.blows.length);

  // ---- healing
  healing = true;
  chores.end();
  families.end();
  streamers.end();
  heal(plan);
  for (const server of slots.all()) {
    server.process.thaw();
    if (server.version === "1" && plan.release !== Infinity) slots.close(server, 400);
  }
  const chance = world.stream(5);
  world.note("-- healing");
  // a lease that has to run out costs many turns in which nothing else happens: seldom worth it
  if (!plan.calm && !world.stream(4).once(5)) overtake();
  const results = new Map<Target, { ok: boolean; value: unknown }>();
  const since = world.now();
  for (const target of targets) {
    clients.result(target, (result) => {
      results.set(target, result);
      const ended = ledger.instances.get(nameOf(target))?.life.ended ?? Infinity;
      if (plan.calm && world.now() - Math.max(since, ended - EPOCH) > PROMPT) world.fail("I24", `the result of ${nameOf(target)} came at ${world.now()}, it ended at ${ended - EPOCH}`);
    });
  }
  let looked = 0;
  await run(() => {
    if (clients.busy() === 0 && !chores.busy() && !families.busy() && !streamers.busy() && targets.every((t) => ledger.instances.get(nameOf(t))?.life.ended != null) && followers.done()) return true;
    if (world.now() - since > HEALING) world.fail("I11", `not finished: ${stuck()}`);
    if (world.now() - looked > 1_000) {
      looked = world.now();
      if (plan.release !== Infinity) for (const tenant of plan.tenants) clients.upgrade(tenant);
      for (const target of targets) {
        const instance = ledger.instances.get(nameOf(target)), status = instance?.head.status;
        // one that the newer code breaks may never be well again
        const broken = programs["1"][target.program] !== programs["2"][target.program] || instance?.life.undo.started !== undefined;
        if (status === "paused" && broken && plan.release !== Infinity && chance.once(5)) clients.restart(target);
        else if (status === "paused") clients.resume(target);
        // it was deleted
        if (status === undefined) clients.create(target);
      }
    }
    return false;
  });
  // to read all again takes a tenth of a schedule, and finds what one of four finds
  if (world.stream(6).once(plan.large ? 4 : 12)) for (const target of targets) clients.read(target);
  await run(() => clients.busy() === 0);
  const ended = world.now();
  await run(() => {
    const left = [...open].filter(({ process }) => process.alive());
    if (world.now() - ended > HEALING) world.fail("I23", `${left.length} guests are never let go`);
    return left.length === 0;
  });
  await finish(world, { adapter, targets, ledger, clients, results, programs, runs, plan });
  if (world.failure() === undefined) await chores.check(await adapter.open());
  families.check();
  effects.check();
  await rested();

  async function run(until: () => boolean): Promise<void> {
    const over = await world.run(() => {
      if (world.turns() > TURNS) world.fail("I11", `no end of turns: ${stuck()}`);
      return world.failure() !== undefined || until();
    });
    if (!over) world.fail("I11", `nothing will ever happen again: ${stuck()}`);
  }

  function stuck(): string {
    const all = targets.map((target) => {
      const instance = ledger.instances.get(nameOf(target));
      return `${nameOf(target)} ${instance === undefined ? "absent" : `${instance.head.status} wake ${instance.head.wake}`}`;
    });
    return `${all.join(", ")}; ${clients.busy()} calls; ${chores.describe()}; ${families.describe()}; ${streamers.describe()}`;
  }

  return {
    seed: world.seed,
    hash: world.hash(),
    failure: world.failure(),
    trace: world.trace(),
    stats: {
      turns: world.turns(),
      commits: ledger.commits(),
      bodies: effects.count(),
      instances: targets.length,
      processes,
      faults: world.faults(),
      time: world.now(),
    },
  };
}

/** The store, and what makes every lease of it run out. */
function storageOf(world: World, plan: Plan, { storage }: SimulatorParts): { adapter: StorageAdapter; overtake: () => void } {
  let skew = 0;
  return {
    adapter: storage({ now: () => EPOCH + world.now() + skew, shards: plan.shards }),
    overtake() {
      world.fault("all leases run out");
      skew += 16_000;
    },
  };
}

/** What befalls whole processes. Returns how many blows have fallen. */
function scheduleBlows(
  world: World,
  plan: Plan,
  { slots: { standing, awaited, close }, overtake }: { readonly slots: Slots; readonly overtake: () => void },
): () => number {
  const r = world.stream(2);
  let struck = 0;
  for (const { at, slot, blow } of plan.blows) {
    const amount = r.pick([50, 400, 20_000]);
    const back = r.once(2), alone = !r.once(3), soon = r.pick([1, 190, 205, 230]);
    const strike = (): void => {
      const server = standing(slot) ?? standing(1 - slot);
      // it would fall on nobody
      if (server === undefined) return awaited(strike);
      struck++;
      fall(server);
    };
    const fall = (server: Server): void => {
      const { process } = server;
      switch (blow) {
        case "crash":
          process.kill("killed");
          // the other is closed as it takes over
          if (!alone) world.at(soon, () => [standing(0), standing(1)].forEach((other) => other !== undefined && other !== server && close(other, amount)));
          // a lock that is free at once, or a lease that has to run out
          return back ? overtake() : undefined;
        case "freeze":
          process.freeze(amount);
          return overtake();
        case "close":
          return close(server, amount);
        case "jump":
          return process.jump(back ? -amount : amount);
        case "lease":
          return overtake();
        case "outage":
          world.fault(`the storage does not answer for ${amount} ms`);
          plan.outage.until = world.now() + amount;
          return undefined;
        default:
          blow satisfies never;
      }
    };
    world.at(at, strike);
  }
  return () => struck;
}

/** What `result()` gives for a life. */
function resultOf(life: LifeModel, { id }: Target): { readonly ok: boolean; readonly value: unknown } | undefined {
  const last = life.records.at(-1);
  switch (last?.head.k) {
    case "completed":
      return { ok: true, value: decode(last.value ?? "u") };
    case "errored":
      return { ok: false, value: last.head.error?.message };
    case "terminated":
      return { ok: false, value: `The instance "${id}" was terminated` };
    default:
      return undefined;
  }
}

interface Finish {
  readonly adapter: StorageAdapter;
  readonly targets: readonly Target[];
  readonly ledger: ReturnType<typeof createLedger>;
  readonly clients: Clients;
  readonly results: ReadonlyMap<Target, { readonly ok: boolean; readonly value: unknown }>;
  readonly programs: Programs;
  readonly runs: readonly RunLog[];
  readonly plan: Plan;
}

/** What a run of a life comes to know. */
interface Told {
  readonly seen: readonly string[];
  readonly versions: readonly string[];
  readonly where: string;
}

/** The comparison of all that there is. */
async function finish(world: World, { adapter, targets, ledger, clients, results, programs, runs, plan }: Finish): Promise<void> {
  if (world.failure() !== undefined) return;
  clients.check();
  const store = await adapter.open();
  /** By seed: what the runs of its lives may have come to know. */
  const expected = new Map<string, Told[]>();
  for (const target of targets) {
    const name = nameOf(target);
    const instance = ledger.instances.get(name);
    const image = (await Promise.all(Array.from({ length: store.shards }, (_, shard) => store.load(shard, target)))).find((i) => i !== null);
    if (image?.journal.join("\n").split("\n").length !== instance?.life.records.length) world.fail("I1", `${name}: the store holds another journal`);
    for (const life of ledger.livesOf(target)) await checkLife(name, life, target);
    const result = JSON.stringify(results.get(target));
    // a life that was restarted had its result, too
    if (!ledger.livesOf(target).some((life) => JSON.stringify(resultOf(life, target)) === result)) {
      world.fail("I3", `${name}: result() gave ${result}`);
    }
  }

  for (const run of runs) {
    // another version may have been tried and found to differ
    const lives = expected.get(run.seed) ?? [];
    const comparable = lives.some(({ versions }) => versions.includes(run.version));
    const agrees = ({ seen }: Told): boolean => run.seen.slice(0, seen.length).every((each, at) => each === seen[at]);
    const [first] = lives;
    if (first !== undefined && comparable && !lives.some(agrees)) {
      world.fail("I21", `${first.where}: a run on ${run.process.name} saw ${run.seen.join(", ")}; its journal says ${first.seen.join(", ")}`);
    }
  }

  async function checkLife(name: string, life: LifeModel, target: Target): Promise<void> {
    const program = programs[versionOf(life.version)][target.program] as ReturnType<typeof programOf>;
    const { seen, end, astray } = await expectedOf(life, program);
    const where = `${name} life ${life.life}`;
    if (astray !== undefined) world.fail("I21", `${where}: ${astray.kind} "${astray.name}" is settled where nobody waits for it`);
    const last = life.records.at(-1);
    if (last?.head.k === "completed") {
      if (byteLength(last.value ?? "u") > plan.limits.resultBytes) world.fail("I23", `${where} returned more than it may`);
      const output = JSON.stringify(decode(last.value ?? "u"));
      const wanted = JSON.stringify({ value: end?.value, seen });
      if (end?.ok !== true || output !== wanted) world.fail("I21", `${where} returned ${output}, its journal says ${wanted}`);
    }
    const tooLarge = last?.head.k === "errored" && last.head.error?.message.startsWith("Cannot store the output");
    if (tooLarge) {
      const bytes = byteLength(encode({ value: end?.value, seen }));
      if (end?.ok !== true || bytes <= plan.limits.resultBytes) world.fail("I23", `${where} could not return ${bytes} bytes`);
    } else if (last?.head.k === "errored" && last.head.error?.message !== DIED && (end?.ok !== false || end.value !== last.head.error?.message)) {
      world.fail("I9", `${where} failed with ${last.head.error?.message}, its journal says ${JSON.stringify(end)}`);
    }
    // what is delivered before its commit may be undone by a crash: then another run may come to know something else
    if (plan.mediated) return;
    const known = expected.get(life.seed);
    const told = { seen, versions: life.versions, where };
    if (known === undefined) expected.set(life.seed, [told]);
    else known.push(told);
  }
}
