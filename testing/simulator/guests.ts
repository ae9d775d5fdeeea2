/**
 * The workflow class of a schedule, its bodies and its binding, run by the real guest of classes of the host.
 *
 * @module
 */
import { type BindingMethods, perCall, type PerCallBinding } from "../../core/execution/bindings.ts";
import { NonRetryableError, type WorkflowCallbackContext, type WorkflowRollbackContext, type WorkflowEvent, type WorkflowStep } from "../../core/entrypoint.ts";
import { frame as frameOf, parseFrame } from "../../core/frame.ts";
import type { Death, Guest, SandboxAdapter, Turn } from "../../core/ports/guest.ts";
import type { LogContext, Logger } from "../../core/tenure.ts";
import type { Effect, Effects } from "./effects.ts";
import { type Kin, runKin } from "./families.ts";
import { type Place, walk } from "./interpreter.ts";
import { type Ledger, nameOf } from "./ledger.ts";
import type { LifeModel } from "./life_model.ts";
import type { OpModel } from "./op_model.ts";
import type { Plan } from "./plan.ts";
import type { Process } from "./process.ts";
import { decode } from "../../core/values.ts";
import { never } from "../never.ts";
import { createTimers } from "./body_timers.ts";
import { NONSENSE } from "./nonsense.ts";
import { answerOf, type DoNode, type Program, type Undo, type Version } from "./program.ts";
import { runStreamer, type Streamer, type StreamerPlace } from "./streamers.ts";
import type { Chance, World } from "./world.ts";

/** What runs one class of the host as a guest: `hostSandbox` of adapters/sandbox/trusted/host.ts. */
export type MakeSandbox = (
  find: () => SimulatedClass,
  options: { readonly runAhead: boolean; readonly defer: (run: () => void) => void },
) => SandboxAdapter;

/** The class as a sandbox makes it. */
// deno-lint-ignore no-explicit-any
export type SimulatedClass = new (ctx: any, env: any) => { run(event: any, step: any): Promise<unknown> };

/** What guests are made of. */
export interface GuestParts {
  readonly world: World;
  readonly plan: Plan;
  readonly process: Process;
  readonly chance: Chance;
  readonly ledger: Ledger;
  readonly effects: Effects;
  readonly programs: Programs;
  readonly makeSandbox: MakeSandbox;
  /** Every run there was, for the comparison at the end. */
  readonly runs: RunLog[];
  /** What runs have logged. */
  readonly logged: Set<string>;
  /** Guests that were not let go. */
  readonly open: Set<OpenGuest>;
}

/** A guest that was not let go. */
export interface OpenGuest {
  readonly tenant: string;
  readonly process: Process;
  /** The instance that it runs, from its start on. */
  id: string | undefined;
}

/** One run in one guest. */
export interface RunLog {
  readonly process: Process;
  readonly seen: string[];
  /** Of the code that ran. */
  version: string;
  /** The seed that it was started with: which life it is of. */
  seed: string;
  /** By step: the newest attempt at its rollback handler, which is told of the step alone. */
  readonly undoing: Map<string, number>;
}

/** The programs of a schedule, by version of the code. */
export type Programs = Readonly<Record<Version, readonly Program[]>>;

/** The version behind the name by which a journal pins it. */
export function versionOf(pinned: string): Version {
  return pinned === "host:2" ? "2" : "1";
}

/** Of a run whose guest died of it. */
export const DIED = "died in the run";

/** The sandbox of one process. */
export function guestsOf(parts: GuestParts): SandboxAdapter {
  const { world, plan, process, chance, ledger } = parts;
  const { rates } = plan;
  const defer = (run: () => void): void => world.task(() => process.enter(run));

  function fresh(init: Parameters<SandboxAdapter["open"]>[0], signal: AbortSignal): { guest: Guest; run: RunLog } {
    const run: RunLog = { process, seen: [], version: init.version, seed: "", undoing: new Map() };
    parts.runs.push(run);
    const sandbox = parts.makeSandbox(() => classOf(parts, run), { runAhead: plan.mediated, defer });
    return { guest: sandbox.open(init, signal) as Guest, run };
  }

  function open(init: Parameters<SandboxAdapter["open"]>[0], signal: AbortSignal): Guest {
    if (chance.chance(rates.openFailure)) {
      world.fault(`${process.name} cannot open a guest`);
      throw new Error("simulated: no guest to be had");
    }
    let { guest, run } = fresh(init, signal);
    const place: OpenGuest = { tenant: init.tenant, process, id: undefined };
    parts.open.add(place);
    const timers = createTimers(parts);
    let incarnation = 1;
    let turns = 0;
    return {
      async turn(frame, time): Promise<Turn> {
        const header = parseFrame(frame)?.header as Delivered | undefined;
        if (chance.chance(rates.guestDeath)) {
          const death = deathOf(header, chance);
          world.fault(`${process.name} a guest dies: ${death.code}`);
          return { out: [], state: "dead", fuel: 0, incarnation, death };
        }
        if (timers.fired(header)) return { out: [], state: "rest", fuel: 0, incarnation };
        if (turns++ > 0 && chance.chance(rates.guestReset)) {
          world.fault(`${process.name} a guest is made anew`);
          guest.drop();
          ({ guest, run } = fresh(init, signal));
          incarnation++;
          return { out: [], state: "rest", fuel: 0, incarnation };
        }
        if (header?.d === "start") {
          place.id = header.event?.instanceId;
          checkPlaces(parts, init.tenant);
          checkGroup(parts, place);
          started(run, header.seed ?? "");
        }
        if (header?.d === "rollback") run.undoing.set(`${header.name} ${header.count}`, header.attempt ?? 0);
        const turn = await guest.turn(frame, time);
        const out = chance.chance(rates.nonsense) ? among(turn.out, chance.pick(NONSENSE), chance) : turn.out;
        timers.ended(out);
        return { ...turn, out: header === undefined ? out : [...out, ...linesOf(run, header), ...timers.set(header)], incarnation };
      },
      drop() {
        parts.open.delete(place);
        guest.drop();
      },
    };
  }

  function started(run: RunLog, seed: string): void {
    run.seed = seed;
    const life = ledger.lives.get(seed);
    if (life === undefined && !plan.mediated) world.fail("I4", `${process.name} starts a life that is not durable`);
    if (life?.uncounted === process.name && !life.rewound) {
      world.fail("I23", `${process.name} starts life ${life.life}, whose crash is not counted`);
    }
  }

  return { ...parts.makeSandbox(() => classOf(parts, { process, seen: [], version: "", seed: "", undoing: new Map() }), { runAhead: plan.mediated, defer }), open };
}

function classOf(parts: GuestParts, run: RunLog): SimulatedClass {
  return class Flow {
    readonly #env: { API: { ping(path: string): Promise<unknown> } };
    constructor(_ctx: unknown, env: { API: { ping(path: string): Promise<unknown> } }) {
      this.#env = env;
    }
    async run(event: WorkflowEvent<{ program: number; family?: Kin; streamer?: Streamer }>, step: WorkflowStep): Promise<unknown> {
      if (event.payload.streamer !== undefined) return await runStreamer(event.payload.streamer, step, streamerPlace(parts, run, event.instanceId));
      if (event.payload.family !== undefined) return await runKin(event.payload.family, step);
      if (event.schedule !== undefined) return await step.sleep("a while", 200).then(() => event.schedule);
      const { seen } = run;
      const program = parts.programs[versionOf(run.version)][event.payload.program] as Program;
      const created = event.timestamp.getTime();
      const ping = (path: string): Promise<unknown> => this.#env.API.ping(path);
      const place: Place = { step, ping, created, seen, body: (node, ctx) => bodyOf(parts, run, place, -1, node, ctx), delay: (node, attempt) => delayOf(parts, node, attempt), undo: (node, given) => undoOf(parts, run, node, given), wrong };
      const value = await walk(program.root, place);
      return { value, seen: [...seen] };
    }
  };
  function wrong(node: { path: string }, value: unknown): void {
    parts.world.fail("I2", `the code got ${String(value)} at ${node.path}`);
  }
}

/** What a streamer is given. */
function streamerPlace(parts: GuestParts, run: RunLog, id: string): StreamerPlace {
  const { world, process, ledger, effects } = parts;
  return {
    async begin(ctx, path) {
      await mayDie(parts, `as ${path} begins`);
      const { name, count } = ctx.step;
      const effect = effects.beginIn(ledger.lives.get(run.seed), (of) => of.find(-1, "do", name, count), { attempt: ctx.attempt, path }, process);
      return (result) => {
        if (effect !== undefined) effect.result = result;
        return result;
      };
    },
    sleep: (ms) => process.sleep(ms),
    wrong(what) {
      const life = ledger.lives.get(run.seed);
      // who was overtaken reads what may be gone
      if (life === undefined || life.droppedBy !== undefined || ledger.overtaken({ tenant: "streams", workflow: "Flow", id }, process)) return;
      world.fail("I35", `${process.name} ${id}: ${what}`);
    },
  };
}

/** What is delivered, as far as it is looked at. */
interface Delivered {
  readonly d?: string;
  readonly seed?: string;
  readonly event?: { readonly instanceId: string };
  readonly id?: number;
  readonly name?: string;
  readonly count?: number;
  readonly ok?: boolean;
  readonly attempt?: number;
}

/** No more run at a time than may. A rehearsal has a guest, too: where there is another version nothing can be said. */
function checkPlaces({ world, plan, process, open }: GuestParts, tenant: string): void {
  if (plan.release !== Infinity) return;
  // one that is opened and let go at once has not run
  const here = [...open].filter((each) => each.process === process && each.id !== undefined);
  const own = here.filter((each) => each.tenant === tenant).length;
  if (here.length > plan.maxRunning) world.fail("I23", `${here.length} instances run on ${process.name}, which may run ${plan.maxRunning}`);
  if (own > Math.min(plan.limits.concurrency, plan.limits.workflowConcurrency)) world.fail("I23", `${own} instances of ${tenant} run at a time`);
}

/** Of those with a key no more run at a time than it says. */
function checkGroup({ world, plan, ledger, process, open }: GuestParts, { tenant }: OpenGuest): void {
  if (plan.release !== Infinity || plan.group === undefined) return;
  const grouped = [...open].filter((each) => {
    if (each.process !== process || each.tenant !== tenant || each.id === undefined) return false;
    const head = ledger.instances.get(nameOf({ tenant, workflow: "Flow", id: each.id }))?.life.records[0]?.head;
    return head?.k === "created" && head.concurrency !== undefined;
  });
  if (grouped.length > plan.group.limit) world.fail("I23", `${grouped.length} instances of ${tenant} with one key run at a time`);
}

/** Why a guest dies: of its own doing only where it can be told whose that was. */
function deathOf(header: Delivered | undefined, chance: Chance): Death {
  const own = header?.d === "body" || header?.d === "start" || header?.d === "rollback";
  const code = chance.pick(["guest_failed", "evicted", own ? "memory_limit" : "guest_failed"] as const);
  return { code, message: header?.d === "body" || header?.d === "rollback" ? `died in ${header.name}` : DIED };
}

/** What the code logs: once as it starts, and in each body. */
function linesOf(run: RunLog, { d, id, name }: Delivered): readonly string[] {
  if (d === "start") return [frameOf({ c: "log", in: 0, level: "info" }, `${run.seed} starts`)];
  return d === "body" ? [frameOf({ c: "log", in: id, level: "warn" }, `${run.seed} body ${name}`)] : [];
}

/** Hears what was logged: of turns that are durable, of each step under its name, of the run once. */
export function loggerOf({ world, process, ledger, logged }: GuestParts): Logger {
  const hear = (text: string, { step }: LogContext): void => {
    const [seed = "", what = "", ...name] = text.split(" ");
    const life = ledger.lives.get(seed);
    if (life === undefined) return world.fail("I4", `${process.name} shows "${text}", what a life logged that is not durable`);
    if (step !== (what === "body" ? name.join(" ") : null)) world.fail("I24", `${text} was logged by ${step}`);
    if (what === "body") return;
    if (life.records.length === 1) world.fail("I4", `${process.name} shows what a turn of life ${life.life} logged that is not durable`);
    // a turn whose commands a pause has kept from being recorded is run again
    const stopped = life.records.some(({ head }) => head.k === "paused" || head.k === "interrupted");
    if (logged.has(text) && !stopped && life.from === undefined) world.fail("I21", `${process.name} shows again what life ${life.life} logged`);
    logged.add(text);
  };
  return { debug: hear, info: hear, warn: hear, error: hear };
}

function among<T>(items: readonly T[], item: T, chance: Chance): readonly T[] {
  const at = chance.int(items.length + 1);
  return [...items.slice(0, at), item, ...items.slice(at)];
}

/** One attempt at a body. */
async function bodyOf(
  parts: GuestParts,
  run: RunLog,
  around: Place,
  parent: number,
  node: DoNode,
  ctx: WorkflowCallbackContext,
): Promise<string> {
  const { process, effects } = parts;
  await mayDie(parts, `as ${node.path} begins`);
  const life = parts.ledger.lives.get(run.seed);
  const { name, count } = ctx.step;
  const effect = effects.beginIn(life, (of) => of.find(parent, "do", name, count), { attempt: ctx.attempt, path: node.path }, process);
  const op = effect?.op ?? life?.find(parent, "do", name, count);
  for (const ms of node.work) await process.sleep(ms);
  const at: Place = {
    ...around,
    seen: [],
    body: (inner, context) => bodyOf(parts, run, around, op?.op ?? -1, inner, context),
  };
  for (const inner of node.inner) await walk(inner, at);
  await mayDie(parts, `as ${node.path} ends`);
  if (ctx.attempt > node.fails) return effects.result(effect, node.path);
  effects.failed(effect);
  if (node.how === "hang") return await hang(parts, { effect, node, at, signal: ctx.signal });
  const message = `boom ${node.path} ${ctx.attempt}`;
  throw node.how === "fatal" ? new NonRetryableError(message) : new Error(message);
}

/** An attempt at a rollback handler: what it is given is what is recorded. */
async function undoOf(parts: GuestParts, run: RunLog, node: DoNode, { ctx, error, output }: WorkflowRollbackContext): Promise<void> {
  const { world, process, effects } = parts;
  const { fails, how, work } = node.undo as Undo;
  const { name, count } = ctx.step;
  const attempt = run.undoing.get(`${name} ${count}`) ?? 0;
  await mayDie(parts, `as ${node.path} is undone`);
  const opOf = (life: LifeModel): OpModel | undefined => {
    const done = life.find(-1, "do", name, count);
    return done === undefined ? undefined : life.ops.find((op) => op.of === done.op);
  };
  const effect = effects.beginIn(parts.ledger.lives.get(run.seed), opOf, { attempt, path: `${node.path} undone` }, process);
  if (effect !== undefined) {
    const { life, op } = effect;
    const { settled, starts } = life.ops[op.of] as OpModel;
    if (ctx.attempt !== starts.length) world.fail("I32", `${node.path} is undone after ${ctx.attempt} attempts, it had ${starts.length}`);
    const wanted = settled?.ok === true ? decode(settled.value ?? "u") : undefined;
    if (output !== wanted) world.fail("I32", `${node.path} is undone with ${String(output)}, it has returned ${String(wanted)}`);
    const { message } = decode(life.undo.value ?? "u") as Error;
    if (error.message !== message) world.fail("I32", `${node.path} is undone with "${error.message}", the run has failed with "${message}"`);
  }
  for (const ms of work) await process.sleep(ms);
  await mayDie(parts, `as ${node.path} has been undone`);
  if (attempt > fails) return void effects.result(effect, node.path);
  effects.failed(effect);
  // what it does when its time is over is nobody's
  if (how === "hang") return await process.sleep(3_600_000);
  throw how === "fatal" ? new NonRetryableError(`stuck ${node.path}`) : new Error(`stuck ${node.path}`);
}

/** A delay function. */
async function delayOf(parts: GuestParts, { path, asked }: DoNode, attempt: number): Promise<number> {
  await mayDie(parts, `as ${path} is asked`);
  if (asked === "sleep") await parts.process.sleep(20);
  if (asked === "throw") throw new Error(`no delay ${path}`);
  if (asked === "hang") await parts.process.sleep(20_000);
  return answerOf(attempt);
}

/** Goes on when its time is over, as if nobody had told it: what it does then is nobody's. */
async function hang(
  parts: GuestParts,
  { effect, node, at, signal }: { effect: Effect | undefined; node: DoNode; at: Place; signal: AbortSignal },
): Promise<string> {
  while (!signal.aborted) await parts.process.sleep(node.config?.timeout as number);
  await at.step.do(`${node.path} late`, () => {
    parts.world.fail("I5", `a step of an aborted attempt of ${node.path} ran`);
    return Promise.resolve(null);
  });
  return parts.effects.result(effect, node.path);
}

/** The process may die here; what is left of it does nothing more. */
async function mayDie({ process, chance, plan }: GuestParts, why: string): Promise<void> {
  if (process.alive() && chance.chance(plan.rates.bodyCrash)) process.kill(why);
  if (!process.alive()) await never();
}

/** `env.API` of one process. */
export function bindingOf(parts: GuestParts): PerCallBinding {
  const { world, process, ledger, effects, programs } = parts;
  return perCall(({ step, attempt, idempotencyKey, signal }): BindingMethods => ({
    async ping(path: string) {
      if (signal.aborted) world.fail("I5", `${process.name} calls ${path} for an attempt that is over`);
      await mayDie(parts, `as it calls ${path}`);
      const [seed = "", life = "", number = ""] = idempotencyKey.split("/").slice(-3);
      let found = ledger.lives.get(seed);
      while (found !== undefined && found.life > Number(life)) found = found.from;
      // calls of a body are its own: nothing of them is recorded
      const effect = step === null ? effects.begin(found, found?.ops[Number(number)], { attempt, path }, process) : undefined;
      const node = programs["1"].map(({ nodes }) => nodes.get(path)).find((each) => each?.k === "call");
      if (node?.k !== "call") return world.fail("I2", `a call with ${path}`);
      await process.sleep(node.ms);
      if (!node.fails) return effects.result(effect, path);
      effects.failed(effect);
      throw new Error(`boom ${path}`);
    },
  }));
}
