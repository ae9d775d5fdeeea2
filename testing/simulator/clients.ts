/**
 * Who uses the engines: makes instances, sends events, interferes. Calls are repeated when their answer is lost, sent
 * twice when they have an id, and every acknowledgement is held against what is committed at that moment.
 *
 * @module
 */
import { TenureError } from "../../core/errors.ts";
import type { InstanceKey } from "../../core/ports/store.ts";
import type { Tenure } from "../../core/tenure.ts";
import type { Workflow, WorkflowInstance } from "../../core/workflow.ts";
import type { HistoryEntry } from "../../core/instance/history.ts";
import { decode } from "../../core/values.ts";
import { type Programs, versionOf } from "./guests.ts";
import { plot, type Verb } from "./plot.ts";
import { type Ledger, nameOf } from "./ledger.ts";
import type { LifeModel } from "./life_model.ts";
import type { EventModel } from "./op_model.ts";
import type { Plan } from "./plan.ts";
import type { Process } from "./process.ts";
import { UNKNOWN } from "./asking.ts";
import { TYPES, type Version } from "./program.ts";
import { wrongEntry } from "./readings.ts";
import type { Place } from "./restarts.ts";
import type { Slots } from "./slots.ts";
import { SimulatedFault } from "./faulty_store.ts";
import type { World } from "./world.ts";

/** A process that takes requests. */
export interface Server {
  readonly process: Process;
  readonly tenure: Tenure;
  /** Of the code that it has registered. */
  readonly version: Version;
}

/** What clients work with. */
export interface ClientParts {
  readonly world: World;
  readonly plan: Plan;
  readonly ledger: Ledger;
  readonly programs: Programs;
  /** Who takes requests now. */
  readonly slots: Slots;
}

/** One instance of the schedule. */
export interface Target {
  readonly tenant: string;
  readonly workflow: string;
  readonly id: string;
  readonly program: number;
}

/** An event that was sent. */
interface Sent {
  readonly target: Target;
  readonly type: string;
  readonly n: number;
  readonly id: string | undefined;
  readonly sent: number;
  acked: number;
  /** What the clocks of its senders showed. */
  readonly times: number[];
}

/** All clients of one schedule. */
export interface Clients {
  /** Calls that have not come to an end. */
  busy(): number;
  /** Makes an instance, unless somebody is about to. */
  create(target: Target): void;
  /** Resumes what is paused. */
  resume(target: Target): void;
  /** Begins it anew. */
  restart(target: Target): void;
  /** Reads its journal. */
  read(target: Target): void;
  /** Moves what lives of a tenant to the version that a process has registered, or asks whether it could be. */
  upgrade(tenant: string): void;
  /** Waits for the result of an instance; calls `done` with what came, once. */
  result(target: Target, done: (result: { readonly ok: boolean; readonly value: unknown }) => void): void;
  /** Asks for several things of one instance at once. */
  meddle(key: InstanceKey): void;
  /** Compares what was acknowledged with the journals. */
  check(): void;
}

type Answer = { readonly k: "ok" | "nobody" } | { readonly k: "refused"; readonly code: string } | { readonly k: "unknown" };

/** How long a client waits before it takes an answer for lost, ms. */
const PATIENCE = 60_000;
/** There is none of this name. */
const NOWHERE: Place = { kind: "do", name: "nowhere", count: 1 };

/** Starts them. */
export function startClients(parts: ClientParts, targets: readonly Target[]): Clients {
  const { world, plan, ledger, slots } = parts;
  const r = world.stream(3);
  const events: Sent[] = [];
  const created = new Map<string, number>();
  let busy = 0;
  let events_n = 0;
  const creating = new Set<Target>();
  let upgrades = 0;
  /** Upgrades that go on. */
  let upgrading = 0;

  /** One call at some process; never rejects. */
  async function call(what: string, run: (tenure: Tenure, server: Server) => Promise<unknown>): Promise<Answer> {
    const servers = slots.servers();
    if (servers.length === 0) return { k: "nobody" };
    const server = r.pick(servers);
    const { process, tenure } = server;
    world.note(`client: ${what} at ${process.name}`);
    const answer = run(tenure, server).then((): Answer => ({ k: "ok" }), (error): Answer => {
      if (TenureError.is(error)) return UNKNOWN.includes(error.code) ? { k: "unknown" } : { k: "refused", code: error.code };
      if (!(error instanceof SimulatedFault)) world.fail("api", `${what}: ${error instanceof Error ? error.stack : String(error)}`);
      return { k: "unknown" };
    });
    let cancel = (): void => {};
    const late = new Promise<Answer>((done) => {
      cancel = world.at(PATIENCE, () => {
        // who is told nothing asks again, and nobody would notice
        if (plan.prompt && process.alive() && !what.startsWith("result")) world.fail("answer", `${what}: none after ${PATIENCE} ms`);
        done({ k: "unknown" });
      });
    });
    const first = await Promise.race([answer, process.gone.then((): Answer => ({ k: "unknown" })), late]);
    cancel();
    world.note(`client: ${what}: ${first.k === "refused" ? first.code : first.k}`);
    return first;
  }

  /** Repeats a call until its outcome is known; calls `done` with it. `again`: what is refused so may go well later. */
  function persist(what: string, run: (tenure: Tenure, server: Server) => Promise<unknown>, done: (answer: Answer) => void, again?: (attempt: () => void, code: string) => boolean): void {
    busy++;
    const attempt = async (): Promise<void> => {
      const answer = await call(what, run);
      const retry = (): void => void attempt();
      if (answer.k === "nobody") return slots.awaited(retry);
      if (answer.k === "unknown") return void world.at(r.between(1, 200), retry);
      if (answer.k === "refused" && again?.(retry, answer.code)) return;
      busy--;
      done(answer);
    };
    void attempt();
  }

  function workflowOf(tenure: Tenure, { tenant, workflow }: Target): Workflow {
    return tenure.tenant(tenant).workflow(workflow);
  }

  async function instanceOf(tenure: Tenure, target: Target): Promise<WorkflowInstance> {
    return await workflowOf(tenure, target).get(target.id);
  }

  function create(target: Target): void {
    const { id, program } = target;
    const name = nameOf(target);
    const run = (tenure: Tenure, { process }: Server): Promise<unknown> =>
      workflowOf(tenure, target).create({ id, params: { program }, ...(plan.group !== undefined && program % 2 === 0 && { concurrency: plan.group }) }).catch((error) => {
        const others = targets.filter(({ tenant, id: other }) => tenant === target.tenant && other !== id).length;
        const many = TenureError.is(error) && error.code === "quota_exceeded" && error.message.includes("not ended");
        // who does not know yet that another has its shard counts what was
        if (many && others < plan.limits.instances && !ledger.overtaken(target, process)) world.fail("I23", `create ${name}: ${error.message}, and there are ${others} others`);
        throw error;
      });
    creating.add(target);
    persist(`create ${name}`, run, (answer) => {
      creating.delete(target);
      if (answer.k === "refused" && answer.code !== "instance.already_exists") world.fail("api", `create ${name}: ${answer.code}`);
      if (!ledger.instances.has(name) && ledger.livesOf(target).length === 0) world.fail("I3", `create ${name}: ${answer.k}, and it is not there`);
      if (answer.k === "ok") created.set(name, (created.get(name) ?? 0) + 1);
    }, (attempt, code) => {
      if (code === "quota_exceeded") world.at(r.between(200, 1_000), attempt);
      return code === "quota_exceeded";
    });
  }

  function send(target: Target): void {
    const n = ++events_n;
    const id = r.once(3) ? undefined : `e${n}`;
    const before = ledger.livesOf(target).length;
    const event: Sent = { target, type: r.pick(TYPES), n, id, sent: world.turns(), acked: Infinity, times: [] };
    events.push(event);
    const run = async (tenure: Tenure, { process }: Server): Promise<void> => {
      const instance = await instanceOf(tenure, target);
      event.times.push(process.clock.now());
      await instance.sendEvent({ type: event.type, payload: n, ...(id !== undefined && { id }) });
    };
    const done = (answer: Answer): void => {
      if (answer.k !== "ok") return;
      const lives = ledger.livesOf(target);
      // what came after it in the same commit, a restart or a deletion, took it along
      if (lives.length > before || lives.at(-1)?.droppedBy !== undefined) return;
      event.acked = Math.min(event.acked, world.turns());
      if (!lives.some((life) => life.events.some((e) => decode(e.value) === n))) {
        world.fail("I3", `event ${n} to ${nameOf(target)} was acknowledged and is not there`);
      }
    };
    const what = `event ${n} (${event.type}) to ${nameOf(target)}`;
    if (id === undefined) return void once(what, run, done);
    persist(what, run, done);
    if (r.once(3)) world.at(r.int(300), () => persist(what, run, done));
  }

  function once(what: string, run: (tenure: Tenure, server: Server) => Promise<unknown>, done: (answer: Answer) => void): void {
    busy++;
    void call(what, run).then((answer) => {
      busy--;
      done(answer);
    });
  }

  function control(verb: Verb, target: Target): void {
    const before = ledger.livesOf(target).length;
    if (verb === "delete") ledger.asked(target, "delete");
    const place = verb === "rewind" ? placeIn(ledger.livesOf(target).at(-1)) : undefined;
    if (place !== undefined) ledger.asked(target, place);
    // in the code that comes: kept to what is kept, or refused
    const version = verb === "rewind" && plan.release !== Infinity && r.once(2) ? "host:2" : undefined;
    const what = place === undefined ? verb : `${verb} to ${place.kind} "${place.name}" (${place.count})`;
    once(`${what} ${nameOf(target)}`, async (tenure) => {
      const instance = await instanceOf(tenure, target);
      if (verb === "undo") return await instance.terminate({ rollback: true });
      if (verb !== "rewind") return await instance[verb]();
      const { kind, name, count } = place ?? NOWHERE;
      return await instance.restart({ from: { name, count, type: kind === "wait" ? "waitForEvent" : kind }, ...(version !== undefined && { version }) });
    }, (answer) => {
      const life = ledger.livesOf(target).at(-1);
      if (answer.k !== "ok" || life === undefined) return;
      const lives = ledger.livesOf(target);
      // what came after it in the same commit took it along
      const still = lives.length === before && life.droppedBy === undefined;
      if (verb === "terminate" && still && !lives.some(({ phase }) => phase === "terminated")) {
        world.fail("I3", `terminate ${nameOf(target)} was acknowledged and is not recorded`);
      }
      if (verb === "delete" && lives.length === before && life.droppedBy === undefined) {
        world.fail("I3", `delete ${nameOf(target)} was acknowledged and it is there`);
      }
      if (verb === "undo" && still && !lives.some(({ phase, undo }) => phase === "terminated" || undo.started !== undefined)) {
        world.fail("I3", `terminate ${nameOf(target)} with rollback was acknowledged and is not recorded`);
      }
      if (verb === "rewind" && place === undefined) world.fail("I33", `${nameOf(target)} was restarted at a step that it does not have`);
      if ((verb === "restart" || verb === "rewind") && still) world.fail("I3", `restart ${nameOf(target)} was acknowledged and is not recorded`);
    });
  }

  /** A place in a history. */
  function placeIn(life: LifeModel | undefined): Place | undefined {
    const all = life?.ops.filter(({ parent, kind }) => parent < 0 && (kind === "do" || kind === "sleep" || kind === "wait")) ?? [];
    return all.length === 0 ? undefined : r.pick(all) as Place;
  }

  /** Reads an instance: what it shows was committed at some moment of the call. */
  function look(target: Target): void {
    const name = nameOf(target), since = world.turns();
    once(`look at ${name}`, async (tenure) => {
      const { status } = await (await instanceOf(tenure, target)).status();
      if (!ledger.showed(name, since).includes(status)) world.fail("I24", `${name} shows "${status}", committed was ${ledger.showed(name, since)}`);
    }, () => {});
  }

  function upgrade(tenant: string): void {
    const dryRun = r.once(3), limit = r.pick([1, 2, 100]), mine = ++upgrades, alone = upgrading === 0;
    const all = targets.filter((each) => each.tenant === tenant), lives = all.flatMap((each) => ledger.livesOf(each).filter(({ ended }) => ended === null));
    upgrading++;
    once(`upgrade of ${tenant}`, async (tenure, { version, process }) => {
      const { broken, skipped, cursor } = await tenure.tenant(tenant).upgrade(`host:${version}`, { dryRun, limit });
      for (const { id, code, expected, found } of broken) {
        const target = targets.find((each) => each.tenant === tenant && each.id === id) as Target;
        const other = versionOf(version === "1" ? "host:2" : "host:1");
        const same = parts.programs[version][target.program] === parts.programs[other][target.program];
        if (same && code === "nondeterministic") world.fail("I21", `${nameOf(target)} would break (${expected}, ${found}), and the code is the same`);
      }
      if (dryRun || !alone || mine !== upgrades || broken.length + skipped.length > 0 || cursor !== undefined || all.some((each) => ledger.overtaken(each, process))) return;
      const left = lives.find((life) => life.ended === null && life.droppedBy === undefined && versionOf(life.version) !== version);
      if (left !== undefined) world.fail("I22", `a life of ${tenant} is in ${left.version} after an upgrade of all to ${version}`);
    }, () => upgrading--);
  }

  /** Reads all of a journal, a page at a time. */
  function read(target: Target): void {
    const name = nameOf(target), limit = r.pick([1, 3, 7, 100]), lives = ledger.livesOf(target), life = lives.at(-1);
    const least = life?.records.length ?? 0;
    const entries: HistoryEntry[] = [];
    once(`read ${name}`, async (tenure) => {
      const instance = await instanceOf(tenure, target);
      let cursor: string | undefined;
      do {
        const page = await instance.history({ limit, ...(cursor !== undefined && { cursor }) });
        entries.push(...page.entries);
        cursor = page.cursor;
      } while (cursor !== undefined);
    }, (answer) => {
      // what was begun anew meanwhile is another journal
      if (answer.k !== "ok" || life === undefined || ledger.livesOf(target) !== lives || life.droppedBy !== undefined) return;
      if (entries.length < least) world.fail("I1", `${name} shows ${entries.length} records of ${least}`);
      const wrong = wrongEntry(entries, life);
      if (wrong !== undefined) world.fail("I24", `${name}: ${wrong}`);
    });
  }

  function check(): void {
    for (const target of targets) {
      const lives = ledger.livesOf(target);
      const times = created.get(nameOf(target)) ?? 0;
      if (times > lives.length) world.fail("I19", `${nameOf(target)} was created ${times} times and had ${lives.length} lives`);
      const elsewhere = (n: number): boolean => lives.filter(({ events }) => events.some((e) => decode(e.value) === n)).length > 1;
      for (const life of lives) {
        const values = life.events.map((e) => decode(e.value) as number);
        for (const [at, n] of values.entries()) {
          const event = events[n - 1] as Sent;
          if (values.indexOf(n) !== at) world.fail("I17", `event ${n} is twice in ${nameOf(target)}`);
          const { accepted, t } = life.events[at] as EventModel;
          // a restart at a step keeps it as it was
          const before = life.from?.events.some((e) => decode(e.value) === n && e.accepted === accepted) === true;
          if (!before && !event.times.some((time) => accepted === Math.min(time, t))) world.fail("I18", `event ${n} was sent at ${event.times}, recorded is ${accepted}`);
          if (event.target !== target) world.fail("I20", `event ${n} is in ${nameOf(target)}`);
          // one that was sent again after a restart was acknowledged in another life
          const early = elsewhere(n) ? undefined : values.slice(0, at).find((other) => {
            const { type, sent } = events[other - 1] as Sent;
            return type === event.type && event.acked < sent;
          });
          if (early !== undefined) world.fail("I16", `event ${early} stands before ${n}, which was acknowledged before it was sent`);
        }
      }
    }
  }

  function meddle({ tenant, id }: InstanceKey): void {
    const target = targets.find((each) => each.tenant === tenant && each.id === id);
    // a schedule's: nobody asks for it
    if (target === undefined) return;
    for (let n = r.between(2, 4); n > 0; n--) {
      const verb = r.pick<Verb | "send" | "create">(["send", "send", "create", "create", "create", "pause"]);
      // one after the other, or in one task
      const act = (): void => verb === "send" ? send(target) : verb === "create" ? create(target) : control(verb, target);
      if (r.once(2)) act();
      else world.at(r.int(3), act);
    }
  }

  plot(r, plan, targets, { create, send, control, look, read, upgrade, at: (ms, run) => void world.at(ms, run) });

  return {
    busy: () => busy,
    create: (target) => creating.has(target) ? undefined : create(target),
    resume: (target) => control("resume", target),
    restart: (target) => control("restart", target),
    read,
    upgrade,
    meddle,
    result(target, done) {
      persist(`result of ${nameOf(target)}`, async (tenure) => {
        const instance = await instanceOf(tenure, target);
        await instance.result().then((value) => done({ ok: true, value }), (error: Error) => {
          if (TenureError.is(error) || error instanceof SimulatedFault) throw error;
          done({ ok: false, value: error.message });
        });
      }, () => {}, (attempt, code) => {
        if (code === "instance.not_found") ledger.awaited(target, () => world.at(r.between(1, 100), attempt));
        return code === "instance.not_found";
      });
    },
    check,
  };
}
