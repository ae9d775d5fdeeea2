/**
 * Two processes on one store, to which everything happens that can happen to processes and to their storage.
 *
 * @module
 */
import type { Guest } from "../../core/ports/guest.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Store } from "../../core/ports/store.ts";
import { never } from "../never.ts";
import { createEffects } from "../simulator/effects.ts";
import { connect, type ConnectionParts } from "../simulator/faulty_store.ts";
import { createLedger, type Ledger } from "../simulator/ledger.ts";
import { heal, type Plan } from "../simulator/plan.ts";
import { createProcess, type Process } from "../simulator/process.ts";
import type { World } from "../simulator/world.ts";
import { begunOf, opIn } from "../simulate_crash/book.ts";
import type { Stage } from "../test_workflow/stage.ts";
import type { Server } from "../test_workflow/server.ts";
import type { Body } from "../test_workflow/tap.ts";
import type { Watch } from "../virtual_clock/watch.ts";

/** The processes of one schedule. */
export interface Fleet {
  /** A process that takes requests; waits until there is one. */
  server(): Promise<Server>;
  /** Ends all faults. */
  heal(): void;
  /** What was committed. */
  readonly ledger: Ledger;
  /** Processes that died or were replaced. */
  deaths(): number;
  /** Ends all processes. */
  end(): void;
}

/** What a fleet is made of. */
export interface FleetParts {
  readonly world: World;
  readonly plan: Plan;
  readonly stage: Stage;
  /** When there may be blows, ms of the world. */
  readonly times: readonly number[];
  /** Makes the lease of whoever owns a shard run out. */
  overtake(): void;
  /** A body begins. */
  begun(body: Body): void;
}

interface Running extends Server {
  readonly process: Process;
}

/** How long there are faults after something has happened, ms. */
const LIVELY = 500;

/** The same plan, where storage does what it is asked at once. */
function noFaults(plan: Plan): Plan {
  const calm = { ...plan, rates: { ...plan.rates }, instant: 1 };
  heal(calm);
  return calm;
}

/** So late comes the last of what a dead process has sent, ms. */
const LATEST = 30_000;

/** Starts them. */
export function startFleet({ world, plan, stage, times, overtake, begun }: FleetParts): Fleet {
  const { clock, storage, deployed, answers } = stage;
  const books = createLedger(world);
  const ledger: Ledger = {
    ...books,
    acquired(shard, lease, by) {
      books.acquired(shard, lease, by);
      // what a dead process had sent may come late, and give it a lease
      if (!by.alive()) world.at(15_000, overtake);
    },
  };
  const effects = createEffects(world, ledger);
  const slots: (Running | undefined)[] = [undefined, undefined];
  const choice = world.stream(3);
  const commitCrash = choice.pick([0, 0.1, 0.3]);
  const waiting: (() => void)[] = [];
  let processes = 0;
  let quiet = 0;
  let healing = false;
  let over = false;

  /** Something happens: the storage is what it is for a while. */
  function stir(): void {
    quiet = clock.now() + LIVELY;
  }

  function boot(slot: number): void {
    if (over) return;
    stir();
    const name = `${"PQ"[slot]}${++processes}`;
    const chance = world.stream(100 + processes);
    const guests = new Set<Guest>();
    const process = mortal(createProcess(world, plan, { name, chance }), clock, guests);
    // nobody waits for what a process has begun that is dead, or stands still until time goes on
    const watch: Watch = { hold: (work) => process.runs() ? clock.hold(work) : work, arrivals: new Map() };
    const after = world.stream(200 + processes);
    world.note(`${name} starts`);
    void process.gone.then(() => {
      slots[slot] = undefined;
      for (const arrived of watch.arrivals.values()) arrived();
      // a lock that is free at once, or a lease that has to run out
      world.at(after.pick([0, 15_000]), overtake);
      world.at(after.pick([1, 30, 500]), () => boot(slot));
    });
    deployed.start({
      storage,
      watch,
      clock: process.clock,
      engine: slot === 0 || plan.secondOwns || healing,
      maxRunning: plan.maxRunning,
      owner: { alive: process.alive, guests },
      connect: (store) => lively(store, { world, plan, process, chance, ledger, meanwhile: () => {} }),
      tap: {
        hold: watch.hold,
        begin(body) {
          stir();
          if (chance.chance(plan.rates.bodyCrash)) process.kill(`as "${body.name}" begins`);
          if (!process.alive()) return () => never();
          const life = ledger.lives.get(body.life);
          effects.begin(life, opIn(life, body), begunOf(body), process);
          begun(body);
          return answers.of(body);
        },
        ended(body) {
          if (chance.chance(plan.rates.bodyCrash)) process.kill(`as "${body.name}" ends`);
        },
      },
    }).then((tenure) => {
      slots[slot] = { process, tenure, gone: process.gone };
      for (const go of waiting.splice(0)) go();
    }, (error) => world.fail("thrown", `createTenure: ${error}`));
  }

  async function server(): Promise<Running> {
    for (;;) {
      const living = slots.filter((each): each is Running => each?.process.alive() === true);
      if (living.length > 0) return choice.pick(living);
      await new Promise<void>((go) => waiting.push(go));
    }
  }

  boot(0);
  boot(1);
  const r = world.stream(2);
  for (const { slot, blow } of plan.blows) {
    const amount = r.pick([50, 400, 20_000]);
    world.at(r.pick(times) + r.pick([0, r.int(30), r.int(600)]), () => {
      const struck = slots[slot];
      if (struck === undefined || healing) return;
      stir();
      strike(struck, blow, amount);
    });
  }

  /** Faults are for what is done: where nothing is, who only looks again and again is not to fail for months. */
  function lively(store: Store, parts: ConnectionParts): Store {
    const { process, chance } = parts;
    const faulty = connect(store, parts);
    const calm = connect(store, { ...parts, plan: noFaults(plan) });

    /** A process dies with a commit more often than with another call: there it can make a difference. */
    function commit(...args: Parameters<Store["commit"]>): ReturnType<Store["commit"]> {
      stir();
      if (healing || !process.alive() || !chance.chance(commitCrash)) return faulty.commit(...args);
      const applied = chance.once(2);
      if (applied) void calm.commit(...args);
      process.kill(applied ? "after commit" : "before commit");
      return never();
    }

    return new Proxy(faulty, {
      get(_, name) {
        if (name === "commit") return commit;
        if (name === "post") stir();
        return Reflect.get(clock.now() < quiet ? faulty : calm, name);
      },
    });
  }

  function strike({ process, tenure }: Running, blow: Plan["blows"][number]["blow"], amount: number): void {
    switch (blow) {
      case "crash":
        return process.kill("killed");
      case "close":
        world.note(`${process.name} is closed`);
        return void tenure.close({ timeout: amount }).then(() => process.kill("closed"));
      case "freeze":
        process.freeze(amount);
        return overtake();
      case "jump":
        return process.jump(amount);
      case "outage":
        // a long one would be most of a run that does real work
        world.note("the storage does not answer for a moment");
        plan.outage.until = world.now() + Math.min(amount, LIVELY / 10);
        return undefined;
      case "lease":
        world.note(`${process.name}'s lease runs out under it`);
        return overtake();
      default:
        blow satisfies never;
    }
  }

  return {
    server,
    ledger,
    heal() {
      if (healing) return;
      healing = true;
      heal(plan);
      world.note("-- healing");
      for (const slot of slots) slot?.process.thaw();
      // what a dead process had sent may have prolonged its lease, and may still come
      world.at(LATEST, overtake);
    },
    deaths: () => Math.max(0, processes - 2),
    end() {
      over = true;
      for (const slot of slots) slot?.process.kill("the end");
    },
  };
}

/** A process with which its guests die, and that says whether it runs. */
function mortal(process: Process, clock: Clock, guests: Set<Guest>): Process & { runs(): boolean } {
  let until = 0;
  return {
    ...process,
    kill(why) {
      process.kill(why);
      for (const guest of guests) guest.drop();
    },
    freeze(ms) {
      until = clock.now() + ms;
      process.freeze(ms);
    },
    thaw() {
      until = 0;
      process.thaw();
    },
    runs: () => process.alive() && clock.now() >= until,
  };
}
