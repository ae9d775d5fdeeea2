/**
 * Judges a run by its log alone: what bodies did, what clients were told. No journal is read.
 *
 * @module
 */
import type { Job } from "./client.ts";
import { judgeJob, type Repeat } from "./instance_verdict.ts";
import type { Entry } from "./log.ts";

/** What came out. */
export interface Verdict {
  /** What may never happen, each in a sentence. */
  violations: string[];
  /** Instances that a client was told of, and how they ended. */
  created: number;
  complete: number;
  terminated: number;
  /** Bodies that began; of them for a step that had begun before, by what allowed it. */
  bodies: number;
  repeats: Record<Repeat, number>;
  /** For each interrupted instance. */
  resumed: Resumed[];
  /** Ms from each start to when it took requests. */
  starts: number[];
  kills: Kills;
  /** How often a process was asked to go, and while a body ran. */
  drains: { total: number; body: number };
  /** How often a process was stopped, and while a body ran. */
  stops: { total: number; body: number };
  /** Requests of clients that each process answered well. */
  served: Map<number, number>;
  /** Errors that clients got, by code. */
  refused: Map<string, number>;
}

/** How an interrupted instance went on. */
export interface Resumed {
  /** Whether it was the first after that kill. */
  first: boolean;
  /** Ms to its first effect from when a process could have gone on with it; of these, ms without a core. */
  restart: number;
  waited: number;
  /** Ms to its first effect from when that process had loaded its modules. */
  loaded: number;
}

/** Where kills found their process. */
export interface Kills {
  total: number;
  body: number;
  commit: number;
  either: number;
  starting: number;
  rest: number;
}

/** How to judge. */
export interface JudgeOptions {
  /** How long the first effect of an interrupted instance may take after a restart, ms. */
  readonly within: number;
  /** Instances about which nothing is said. */
  readonly except?: ReadonlySet<string>;
}

/** Judges. */
export function judge(log: Entry[], all: Job[], { within, except = new Set() }: JudgeOptions): Verdict {
  const entries = log.filter((entry) => !("who" in entry) || !except.has(entry.who));
  const jobs = all.filter(({ who }) => !except.has(who));
  const violations: string[] = [];
  const repeats: Verdict["repeats"] = { "cut off": 0, failed: 0, unheard: 0 };
  const begun = entries.filter((entry) => entry.what === "begin");
  const ends = { complete: 0, terminated: 0 };
  for (const job of jobs) {
    const of = entries.filter((entry) => !("who" in entry) || entry.who === job.who);
    const judged = judgeJob(job, of);
    violations.push(...judged.violations.map((violation) => `${job.who}: ${violation}`));
    for (const repeat of judged.repeats) repeats[repeat]++;
    if (judged.end !== undefined) ends[judged.end]++;
  }
  violations.push(...strangers(begun, new Set(jobs.map(({ who }) => who))));
  const resumed = resumptions(entries, { within, except }, violations);
  return {
    violations,
    created: new Set(entries.filter((entry) => entry.what === "created").map(({ who }) => who)).size,
    ...ends,
    bodies: begun.length,
    repeats,
    resumed,
    starts: starts(entries),
    kills: countKills(entries),
    drains: countWithBodies(entries.filter((entry) => entry.what === "asked to go")),
    stops: countWithBodies(entries.filter((entry) => entry.what === "stopped")),
    served: countBy(entries.filter(({ what }) => ["created", "sent", "terminated", "shown"].includes(what)), ({ life }) => life),
    refused: countBy(entries.filter((entry) => entry.what === "refused"), ({ code }) => code),
  };
}

/** Whoever ran and was not asked for; one key for two steps. */
function strangers(begun: Extract<Entry, { what: "begin" }>[], known: Set<string>): string[] {
  const violations: string[] = [];
  const keys = new Map<string, string>();
  for (const { who, step, key } of begun) {
    if (!known.has(who)) violations.push(`${who} ran and nobody asked for it`);
    const named = `${who} ${step}`;
    const other = keys.get(key) ?? named;
    if (other !== named) violations.push(`one idempotency key for ${other} and ${named}`);
    keys.set(key, other);
  }
  return violations;
}

/**
 * How long instances with a body that was cut off took to go on: from the next start, or from the kill when another
 * process was there that could take over. The time that a process waited for a core is the machine's, not its own.
 */
function resumptions(entries: Entry[], { within, except }: Required<JudgeOptions>, violations: string[]): Resumed[] {
  const resumed: Verdict["resumed"] = [];
  const cut = new Set<string>();
  /** Whose client ended it owes nothing. */
  const ending = new Set(except);
  const alive = new Set<number>();
  const waited = new Map<number, number>();
  /** When somebody was first there to go on, and whether by being started then; `undefined` while nobody is. */
  let since: { at: number; life: number | undefined } | undefined;
  let loaded = 0, first = false;
  for (const entry of entries) {
    const { at, life, what } = entry;
    switch (what) {
      case "spawned":
        alive.add(life);
        if (since !== undefined) break;
        since = { at, life };
        loaded = at;
        first = cut.size > 0;
        break;
      case "loaded":
        loaded = Math.max(loaded, at);
        break;
      case "waited":
        waited.set(life, entry.ms);
        break;
      case "terminating":
        ending.add(entry.who);
        cut.delete(entry.who);
        first &&= cut.size > 0;
        break;
      case "begin": {
        if (!cut.delete(entry.who)) break;
        const wall = at - (since?.at ?? at);
        const queue = since?.life === life ? waited.get(life) ?? 0 : 0;
        resumed.push({ first, restart: wall, waited: queue, loaded: at - loaded });
        if (first && wall - queue > within) {
          violations.push(
            `no interrupted instance went on within ${within} ms after a restart, ${entry.who} was the first after ` +
              `${Math.round(wall)} (${Math.round(queue)} of it without a core)`,
          );
        }
        first = false;
        break;
      }
      case "shot":
        // A process that lived shorter than that owes nothing.
        if (first && since !== undefined && at - since.at - (since.life === life ? entry.ms : 0) > within) {
          violations.push(`no interrupted instance went on within ${within} ms after a restart: ${[...cut].join(", ")}`);
        }
        break;
      case "killed":
        entry.bodies.forEach((who) => ending.has(who) || cut.add(who));
        // falls through
      case "gone":
        alive.delete(life);
        since = alive.size > 0 ? { at, life: undefined } : undefined;
        loaded = at;
        first = cut.size > 0;
        break;
    }
  }
  for (const who of cut) violations.push(`${who} was interrupted and never went on`);
  return resumed;
}

function starts(entries: Entry[]): number[] {
  const spawned = new Map<number, number>();
  const took: number[] = [];
  for (const { what, life, at } of entries) {
    if (what === "spawned") spawned.set(life, at);
    if (what === "up") took.push(at - (spawned.get(life) ?? at));
  }
  return took;
}

function countKills(entries: Entry[]): Kills {
  const kills = entries.filter((entry) => entry.what === "killed");
  const body = kills.filter(({ bodies }) => bodies.length > 0);
  const commit = kills.filter((kill) => kill.commit);
  const either = kills.filter((kill) => kill.commit || kill.bodies.length > 0);
  const starting = kills.filter((kill) => kill.starting && !either.includes(kill));
  return {
    total: kills.length,
    body: body.length,
    commit: commit.length,
    either: either.length,
    starting: starting.length,
    rest: kills.length - either.length - starting.length,
  };
}

function countWithBodies(entries: { bodies: string[] }[]): { total: number; body: number } {
  return { total: entries.length, body: entries.filter(({ bodies }) => bodies.length > 0).length };
}

function countBy<T, K>(items: T[], by: (item: T) => K): Map<K, number> {
  const counts = new Map<K, number>();
  for (const item of items) counts.set(by(item), (counts.get(by(item)) ?? 0) + 1);
  return counts;
}
