/**
 * Who uses the engines: makes instances, sends events, interferes. Calls are repeated when their answer is lost, sent
 * twice when they have an id, and every acknowledgement is held against what is committed at that moment.
 *
 * @module
 */
import { TenureError } from "../../core/errors.ts";
import type { Tenure } from "../../core/tenure.ts";
import type { Workflow, WorkflowInstance } from "../../core/workflow.ts";
import { decode } from "../../core/values.ts";
import { type Ledger, nameOf } from "./ledger.ts";
import type { Plan } from "./plan.ts";
import type { Process } from "./process.ts";
import { TYPES } from "./program.ts";
import { SimulatedFault } from "./faulty_store.ts";
import type { Chance, World } from "./world.ts";

/** A process that takes requests. */
export interface Server {
  readonly process: Process;
  readonly tenure: Tenure;
}

/** What clients work with. */
export interface ClientParts {
  readonly world: World;
  readonly plan: Plan;
  readonly ledger: Ledger;
  /** The processes that take requests now. */
  servers(): readonly Server[];
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
  tries: number;
}

/** All clients of one schedule. */
export interface Clients {
  /** Calls that have not come to an end. */
  busy(): number;
  /** Makes an instance. */
  create(target: Target): void;
  /** Resumes what is paused. */
  resume(target: Target): void;
  /** Waits for the result of an instance; calls `done` with what came, once. */
  result(target: Target, done: (result: { readonly ok: boolean; readonly value: unknown }) => void): void;
  /** Compares what was acknowledged with the journals. */
  check(): void;
}

type Verb = "pause" | "resume" | "terminate" | "restart" | "delete";
type Answer = { readonly k: "ok" } | { readonly k: "refused"; readonly code: string } | { readonly k: "unknown" };

/** How long a client waits before it takes an answer for lost, ms. */
const PATIENCE = 60_000;
const UNKNOWN = ["outcome_unknown", "storage_unavailable", "closed"];

/** Starts them. */
export function startClients(parts: ClientParts, targets: readonly Target[]): Clients {
  const { world, plan, ledger } = parts;
  const r = world.stream(3);
  const events: Sent[] = [];
  const created = new Map<string, number>();
  let busy = 0;
  let events_n = 0;

  /** One call at some process; never rejects. */
  async function call(what: string, run: (tenure: Tenure) => Promise<unknown>): Promise<Answer> {
    const servers = parts.servers();
    if (servers.length === 0) return { k: "unknown" };
    const { process, tenure } = r.pick(servers);
    world.note(`client: ${what} at ${process.name}`);
    const answer = run(tenure).then((): Answer => ({ k: "ok" }), (error): Answer => {
      if (TenureError.is(error)) return UNKNOWN.includes(error.code) ? { k: "unknown" } : { k: "refused", code: error.code };
      if (!(error instanceof SimulatedFault)) world.fail("api", `${what}: ${error instanceof Error ? error.stack : String(error)}`);
      return { k: "unknown" };
    });
    let cancel = (): void => {};
    const late = new Promise<Answer>((done) => cancel = world.at(PATIENCE, () => done({ k: "unknown" })));
    const first = await Promise.race([answer, process.gone.then((): Answer => ({ k: "unknown" })), late]);
    cancel();
    world.note(`client: ${what}: ${first.k === "refused" ? first.code : first.k}`);
    return first;
  }

  /** Repeats a call until its outcome is known; calls `done` with it. */
  function persist(what: string, run: (tenure: Tenure) => Promise<unknown>, done: (answer: Answer) => void, again = ""): void {
    busy++;
    const attempt = async (): Promise<void> => {
      const answer = await call(what, run);
      if (answer.k === "unknown" || (answer.k === "refused" && answer.code === again)) {
        return void world.at(r.between(1, 200), () => void attempt());
      }
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
    persist(`create ${name}`, (tenure) => workflowOf(tenure, target).create({ id, params: { program } }), (answer) => {
      if (answer.k === "refused" && answer.code !== "instance.already_exists") world.fail("api", `create ${name}: ${answer.code}`);
      if (!ledger.instances.has(name) && ledger.livesOf(target).length === 0) world.fail("I3", `create ${name}: ${answer.k}, and it is not there`);
      if (answer.k === "ok") created.set(name, (created.get(name) ?? 0) + 1);
    });
  }

  function send(target: Target): void {
    const n = ++events_n;
    const id = r.once(3) ? undefined : `e${n}`;
    const before = ledger.livesOf(target).length;
    const event: Sent = { target, type: r.pick(TYPES), n, id, sent: world.turns(), acked: Infinity, tries: 0 };
    events.push(event);
    const run = async (tenure: Tenure): Promise<void> => {
      event.tries++;
      const instance = await instanceOf(tenure, target);
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

  function once(what: string, run: (tenure: Tenure) => Promise<unknown>, done: (answer: Answer) => void): void {
    busy++;
    void call(what, run).then((answer) => {
      busy--;
      done(answer);
    });
  }

  function control(verb: Verb, target: Target): void {
    const before = ledger.livesOf(target).length;
    once(`${verb} ${nameOf(target)}`, async (tenure) => await (await instanceOf(tenure, target))[verb](), (answer) => {
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
      if (verb === "restart" && still) world.fail("I3", `restart ${nameOf(target)} was acknowledged and is not recorded`);
    });
  }

  /** Reads an instance: what it shows was committed at some moment of the call. */
  function look(target: Target): void {
    const name = nameOf(target), since = world.turns();
    once(`look at ${name}`, async (tenure) => {
      const { status } = await (await instanceOf(tenure, target)).status();
      if (!ledger.showed(name, since).includes(status)) world.fail("I24", `${name} shows "${status}", committed was ${ledger.showed(name, since)}`);
    }, () => {});
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

  schedule(r, plan, targets, { create, send, control, look, at: (ms, run) => void world.at(ms, run) });

  return {
    busy: () => busy,
    create,
    resume: (target) => control("resume", target),
    result(target, done) {
      persist(`result of ${nameOf(target)}`, async (tenure) => {
        const instance = await instanceOf(tenure, target);
        await instance.result().then((value) => done({ ok: true, value }), (error: Error) => {
          if (TenureError.is(error) || error instanceof SimulatedFault) throw error;
          done({ ok: false, value: error.message });
        });
      }, () => {}, "instance.not_found");
    },
    check,
  };
}

interface Acts {
  create(target: Target): void;
  send(target: Target): void;
  control(verb: Verb, target: Target): void;
  look(target: Target): void;
  at(ms: number, run: () => void): void;
}

/** Who does what when. */
function schedule(r: Chance, { span }: Plan, targets: readonly Target[], { create, send, control, look, at }: Acts): void {
  for (const target of targets) {
    const begin = r.int(Math.ceil(span / 3));
    at(begin, () => create(target));
    if (r.once(3)) at(r.int(span), () => create(target));
    for (let n = r.int(6); n > 0; n--) at(begin + r.int(span), () => send(target));
    if (r.once(4)) {
      const from = begin + r.int(span);
      at(from, () => control("pause", target));
      if (r.once(2)) at(from + r.int(span), () => control("resume", target));
    }
    if (r.once(10)) at(begin + r.int(span), () => control("terminate", target));
    if (r.once(8)) at(begin + r.int(span), () => control("restart", target));
    if (r.once(10)) {
      const from = begin + r.int(span);
      at(from, () => control("delete", target));
      if (r.once(2)) at(from + r.int(100), () => create(target));
    }
    if (r.once(3)) at(begin + r.int(span), () => look(target));
    if (r.once(5)) {
      const from = begin + r.int(span);
      const verbs = Array.from({ length: r.between(2, 4) }, () => r.pick<Verb | "send" | "look">(["send", "send", "look", "pause", "resume", "restart"]));
      at(from, () => {
        for (const verb of verbs) verb === "send" ? send(target) : verb === "look" ? look(target) : control(verb, target);
      });
    }
  }
}
