/**
 * What a seed does to its schedule: the sizes, and the rates of each fault. Rates are drawn anew for every seed, and
 * many are zero: a fault that is always there hides what needs its absence.
 *
 * @module
 */
import type { Bounds } from "../../core/shard/bounds.ts";
import type { Chance, World } from "./world.ts";

/** Rates of what goes wrong, each by call or by turn. */
export interface Rates {
  /** A call of the store fails and nothing is applied. */
  lost: number;
  /** It is applied, and the answer is lost. */
  ambiguous: number;
  /** It fails, and is applied a good while later. */
  late: number;
  /** The process dies at it: before it is sent, while it is on its way, or before its answer. */
  crash: number;
  /** The process dies as a body begins or ends. */
  bodyCrash: number;
  /** A guest dies of something that is not its own fault. */
  guestDeath: number;
  /** A guest is made anew between two turns. */
  guestReset: number;
  /** A guest forges a command. */
  nonsense: number;
  /** A body sets a timer. */
  timers: number;
  /** A guest cannot be opened. */
  openFailure: number;
  /** A process is closed soon after its start. */
  flap: number;
  /** Clients ask for several things while a commit is on its way. */
  meddle: number;
  /** A call takes long. */
  slow: number;
  /** Time passes while a process works. */
  busy: number;
}

/** What happens to whole processes. */
export type Blow = "crash" | "freeze" | "close" | "jump" | "lease" | "outage";

/** One schedule's plan. */
export interface Plan {
  readonly rates: Rates;
  /** Calls of the store that answer without a wait, as a synchronous store does. */
  readonly instant: number;
  /** One of the few in which more of everything happens. */
  readonly large: boolean;
  /** Longest usual time of a call, ms. */
  readonly delay: number;
  /** How late timers may be, ms. */
  readonly lateness: number;
  readonly shards: number;
  readonly tenants: readonly string[];
  readonly instances: number;
  /** Whether guests count as reaching the outside only through the engine. */
  readonly mediated: boolean;
  readonly maxRunning: number;
  readonly bounds: Bounds;
  /** Until when the storage does not answer, ms. */
  readonly outage: { until: number };
  /** Nothing takes seconds by itself, or keeps a process from its work: who asks is answered in time. */
  readonly prompt: boolean;
  /** Guests die of something that is not their own fault. */
  readonly deaths: boolean;
  /** Whether the second process owns shards, too. */
  readonly secondOwns: boolean;
  /** Operations that one commit may hold. */
  readonly maxOps: number;
  readonly limits: {
    readonly crashes: number;
    readonly steps: number;
    readonly bufferedEvents: number;
    readonly concurrency: number;
    readonly subrequests: number;
    readonly sleep: number;
    readonly resultBytes: number;
    readonly retention: number;
    readonly journalBytes: number;
    readonly instances: number;
    readonly createsPerSecond: number;
    readonly workflowConcurrency: number;
  };
  /** How many instances with this key run at a time, of those that are made with it; `undefined`: none are. */
  readonly group: { readonly key: string; readonly limit: number } | undefined;
  /** Instances of which the store gives a damaged journal (true), or has given one. */
  readonly damaged: Map<string, boolean>;
  /** No faults at all: what is due is done at once. */
  readonly calm: boolean;
  /** From when on processes are started with the next version of the code, ms; `Infinity`: never. */
  readonly release: number;
  /** How long there are faults, ms. */
  readonly span: number;
  readonly blows: readonly { readonly at: number; readonly slot: number; readonly blow: Blow }[];
}

/** Draws the plan of a world. */
export function planOf(world: World): Plan {
  const r = world.stream(1), of = world.stream(30);
  const rate = (...of: readonly number[]): number => r.pick([0, 0, ...of]);
  // small worlds find most, and many of them fit into the time of a large one
  const large = r.once(10);
  const span = r.pick(large ? [400, 1_500, 4_000] : [60, 250, 1_000]);
  const blows = Array.from({ length: large ? r.pick([3, 3, 4, 5, 6]) : 3 }, () => ({
    at: r.between(1, span),
    slot: r.int(2),
    blow: r.pick<Blow>(["crash", "crash", "freeze", "close", "jump", "lease", "lease", "outage"]),
  }));
  const rates: Rates = {
    lost: rate(0.02, 0.1),
    ambiguous: rate(0.02, 0.1),
    late: rate(0.02, 0.05),
    crash: rate(0.005, 0.02),
    bodyCrash: rate(0.02, 0.1),
    guestDeath: rate(0.01),
    guestReset: rate(0.01),
    nonsense: rate(0.05),
    timers: rate(0.1, 0.5),
    openFailure: rate(0.05),
    flap: rate(0.1, 0.4),
    meddle: rate(0.1, 0.5),
    slow: rate(0.02, 0.1),
    busy: rate(0.05, 0.3),
  };
  const plan: Plan = {
    calm: false,
    group: of.once(3) ? { key: "g", limit: of.pick([1, 1, 2]) } : undefined,
    damaged: new Map(),
    large,
    rates,
    outage: { until: 0 },
    prompt: rates.slow === 0 && blows.every(({ blow }) => blow !== "freeze" && blow !== "outage"),
    deaths: rates.guestDeath > 0 || rates.guestReset > 0,
    instant: r.pick([0, 0.5, 0.9, 0.95, 1, 1]),
    delay: r.pick([1, 5, 20]),
    lateness: r.pick([0, 10, 100, 500]),
    shards: r.pick([1, 1, 2]),
    tenants: r.pick([["acme"], ["acme", "globex"]]),
    instances: large ? r.pick([2, 2, 3, 4]) : 2,
    mediated: r.once(2),
    maxRunning: r.pick([1, 2, 100, 100]),
    bounds: {
      warm: r.pick([0, 0, 1, 256]),
      page: r.pick([1, 2, 256]),
      remembered: r.pick([1, 2, 1_000]),
      tenants: r.pick([1, 10_000]),
    },
    secondOwns: r.once(2),
    maxOps: r.pick([3, 1_000, 1_000]),
    limits: {
      crashes: r.pick([1, 5, 100]),
      steps: r.pick([5, 1_000, 1_000]),
      bufferedEvents: r.pick([2, 1_000]),
      concurrency: r.pick([1, 2, 1_000, 1_000]),
      subrequests: r.pick([1, 1_000, 1_000]),
      sleep: r.pick([1_500, 1e9, 1e9]),
      resultBytes: r.pick([8, 250, 1e6, 1e6]),
      retention: Infinity,
      journalBytes: r.pick([1_500, 1e9, 1e9, 1e9, 1e9]),
      instances: r.pick([1, 2, 1e5, 1e5, 1e5]),
      createsPerSecond: r.pick([1, 300, 300]),
      workflowConcurrency: of.pick([1, 1_000, 1_000, 1_000]),
    },
    release: r.pick([Infinity, Infinity, Infinity, r.int(span)]),
    span,
    blows,
  };
  return r.once(8) ? calmed(plan) : plan;
}

/** One in which nothing goes wrong: what is late, or repeated, is the engine's own doing. */
function calmed(plan: Plan): Plan {
  heal(plan);
  const limits = { ...plan.limits, concurrency: 1_000, workflowConcurrency: 1_000, instances: 1e5, createsPerSecond: 300 };
  // with a second owner a shard moves once, and whoever waits for something of it waits for the move
  const shards = plan.secondOwns ? 1 : plan.shards;
  return { ...plan, shards, calm: true, prompt: true, deaths: false, group: undefined, delay: 1, lateness: 0, maxRunning: 100, limits, release: Infinity, blows: [] };
}

/** The end of all faults: from here on everything has to come to its end. */
export function heal(plan: Plan): void {
  plan.outage.until = 0;
  for (const name of Object.keys(plan.rates) as (keyof Rates)[]) plan.rates[name] = 0;
}

/** A span of time, mostly short. */
export function delayOf(r: Chance, plan: Plan): number {
  return r.chance(plan.rates.slow) ? r.pick([100, 700, 6_000, 20_000]) : r.int(plan.delay + 1);
}
