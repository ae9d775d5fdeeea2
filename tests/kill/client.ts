/**
 * Clients: what they ask for they ask until they are answered, however often the process dies meanwhile.
 *
 * @module
 */
import { setTimeout as pause } from "node:timers/promises";
import { leaves, makePlan, type Plan, type PlanOptions } from "./plan.ts";
import { between, type Random } from "./random.ts";
import type { Answer, Ask, Shown } from "./wire.ts";

/** An answer, and which process gave it. */
export type Reply = Answer & { readonly life: number };

/** How clients reach a process. */
export interface Line {
  /** Sends; resolves with the answer, or with `undefined` when the process died before it came. */
  ask(ask: Ask): Promise<Reply | undefined>;
  /** Whether the test is over. */
  over(): boolean;
  created(who: string, life: number): void;
  sent(who: string, event: { type: string; n: number }, life: number): void;
  terminating(who: string): void;
  terminated(who: string, life: number): void;
  /** How often anybody was told that it has ended: an answer that was asked for before that may be older. */
  told(who: string): number;
  shown(who: string, shown: Shown, life: number): void;
  refused(who: string, error: { code: string; message: string }, life: number): void;
  /** Something that may never happen. */
  violation(message: string): void;
}

/** One instance, as its client knows it. */
export interface Job {
  readonly tenant: string;
  readonly id: string;
  readonly who: string;
  readonly plan: Plan;
  /** Its client terminates it after so long, ms. */
  readonly terminate?: number;
}

/** Makes the `n`th job. */
export function makeJob(n: number, tenants: readonly string[], random: Random, options: PlanOptions = {}): Job {
  const tenant = tenants[n % tenants.length] as string;
  // The same ids in each tenant: they must not meet.
  const id = `job-${Math.floor(n / tenants.length)}`;
  const plan = makePlan(random, options);
  const terminate = between(random, 0, 1_500);
  return { tenant, id, who: `${tenant}/${id}`, plan, ...(random() < 0.06 && { terminate }) };
}

/** Creates an instance, sends it its events and looks at it until it has ended. */
export async function drive(job: Job, line: Line, random: Random): Promise<void> {
  await create(job, line, random);
  const events = eventsOf(job).map((events) => send(job, events, line, random));
  await Promise.all([watch(job, line, random), terminate(job, line), ...events]);
}

async function create({ tenant, id, who, plan }: Job, line: Line, random: Random): Promise<void> {
  for (let attempt = 1;; attempt++) {
    const answer = await line.ask({ op: "create", tenant, id, plan });
    if (line.over()) return;
    if (answer === undefined) continue;
    if (answer.ok) {
      line.created(who, answer.life);
      break;
    }
    // An answer got lost: then it exists, because we made it.
    if (answer.code === "instance.already_exists" && attempt > 1) {
      line.created(who, answer.life);
      break;
    }
    line.refused(who, answer, answer.life);
    if (!mayTryAgain(answer.code)) return line.violation(`${who} was not created: ${answer.message}`);
    await pause(20);
  }
  if (random() < 0.2) {
    const again = await line.ask({ op: "create", tenant, id, plan });
    if (again?.ok) line.violation(`${who} was created twice`);
  }
}

function eventsOf({ plan }: Job): { type: string; n: number }[][] {
  const types = new Map<string, { type: string; n: number }[]>();
  for (const node of leaves(plan)) {
    if ("wait" in node) types.set(node.type, [...types.get(node.type) ?? [], { type: node.type, n: node.n }]);
  }
  return [...types.values()];
}

/** Events of one type, each when the one before is taken. */
async function send({ tenant, id, who }: Job, events: { type: string; n: number }[], line: Line, random: Random): Promise<void> {
  for (const { type, n } of events) {
    await pause(between(random, 0, 400));
    // Sent again with the same id it is the same event; now and then it is although the answer came.
    for (let left = random() < 0.2 ? 2 : 1, taken = false; left > 0;) {
      const answer = await line.ask({ op: "event", tenant, id, type, payload: { type, n }, event: `${type}-${n}` });
      if (line.over()) return;
      if (answer === undefined) continue;
      if (answer.ok) {
        line.sent(who, { type, n }, answer.life);
        taken = true;
        left--;
      } else if (answer.code === "instance.ended") {
        // It has what it waited for, or was terminated: which of the two the judge finds out.
        if (!taken) return;
        break;
      } else {
        line.refused(who, answer, answer.life);
        if (!mayTryAgain(answer.code)) return line.violation(`${who} did not take an event: ${answer.message}`);
        await pause(20);
      }
    }
  }
}

async function terminate({ tenant, id, who, terminate }: Job, line: Line): Promise<void> {
  if (terminate === undefined) return;
  await pause(terminate);
  line.terminating(who);
  while (!line.over()) {
    const answer = await line.ask({ op: "terminate", tenant, id });
    if (answer === undefined) continue;
    if (answer.ok) return line.terminated(who, answer.life);
    // It has ended, perhaps by an answer of ours that got lost.
    if (answer.code === "instance.cannot_terminate") return;
    line.refused(who, answer, answer.life);
    if (!mayTryAgain(answer.code)) return line.violation(`${who} could not be terminated: ${answer.message}`);
    await pause(20);
  }
}

async function watch({ tenant, id, who, terminate }: Job, line: Line, random: Random): Promise<void> {
  while (!line.over()) {
    await pause(between(random, 50, 250));
    const told = line.told(who);
    const answer = await line.ask({ op: "read", tenant, id });
    if (answer === undefined || told !== line.told(who)) continue;
    if (!answer.ok) {
      line.refused(who, answer, answer.life);
      if (mayTryAgain(answer.code)) continue;
      return line.violation(`${who} cannot be read: ${answer.message}`);
    }
    const { shown } = answer;
    if (shown === undefined) continue;
    line.shown(who, shown, answer.life);
    if (shown.status === "complete" || (shown.status === "terminated" && terminate !== undefined)) return;
    if (["errored", "terminated", "paused"].includes(shown.status)) {
      return line.violation(`${who} is ${shown.status}: ${shown.error}`);
    }
  }
}

/** What the platform says of itself, which is nothing that the instance has to suffer for. */
export function mayTryAgain(code: string): boolean {
  return code === "outcome_unknown" || code === "closed" || code === "storage_unavailable";
}
