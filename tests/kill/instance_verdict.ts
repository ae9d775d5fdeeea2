/**
 * Judges one instance by the entries of the log that are about it, and by what became of the processes.
 *
 * @module
 */
import type { Job } from "./client.ts";
import type { Entry } from "./log.ts";
import { leaves, nameOf, type Plan } from "./plan.ts";
import type { Effect, Shown } from "./wire.ts";

/** What allows a body to begin again: it was cut off by a kill, it failed, or a kill came between its end and its record. */
export type Repeat = "cut off" | "failed" | "unheard";

/** What is said of an instance. */
export interface InstanceVerdict {
  violations: string[];
  repeats: Repeat[];
  end: "complete" | "terminated" | undefined;
}

/** The last attempt at a step. */
interface Attempt {
  readonly attempt: number;
  readonly life: number;
  readonly key: string;
  how: "runs" | "failed" | "ended";
  value?: string;
}

/** Judges. */
export function judgeJob({ plan, terminate }: Job, entries: Entry[]): InstanceVerdict {
  const violations: string[] = [];
  const no = (message: string): void => void violations.push(message);
  const repeats: Repeat[] = [];
  const known = knowledge(no);
  const last = new Map<string, Attempt>();
  const killed = new Set<number>();
  let end: InstanceVerdict["end"];
  let mayTerminate = false;
  let final: Shown | undefined;
  let created = false;

  for (const entry of entries) {
    switch (entry.what) {
      case "shot":
      case "killed":
        killed.add(entry.life);
        break;
      case "created":
        created = true;
        break;
      case "terminating":
        mayTerminate = true;
        break;
      case "terminated":
        ended("terminated", "a client was told");
        break;
      case "shown": {
        final = entry.shown;
        known.learn(entry.shown.steps, "shown to a client");
        const { status, output } = entry.shown;
        if (end !== undefined && status !== end) no(`was ${end} and then ${status}`);
        if (status === "complete" || status === "terminated") ended(status, "a client was shown");
        if (status === "complete") known.learn(output ?? {}, "its output");
        break;
      }
      case "begin":
      case "end":
      case "failed":
        known.learn(entry.saw, `shown to the world by attempt ${entry.attempt} of ${entry.step}`);
        if (entry.what === "begin") begin(entry);
        else over(entry);
        break;
    }
  }

  function ended(how: "complete" | "terminated", why: string): void {
    if (how === "terminated" && (terminate === undefined || !mayTerminate)) no("is terminated, and nobody asked for it");
    if (end !== undefined && end !== how) no(`was ${end}, and ${why} that it is ${how}`);
    end ??= how;
  }

  function begin(entry: Entry & Effect): void {
    const { step, attempt, life, key } = entry;
    const before = last.get(step);
    if (known.has(step)) no(`${step} ran again (attempt ${attempt}) after its result was ${known.why(step)}`);
    if (end !== undefined) no(`${step} ran (attempt ${attempt}) after it was ${end}`);
    if (before === undefined) {
      if (attempt < 1) no(`${step} began with attempt ${attempt}`);
    } else {
      if (attempt <= before.attempt) no(`${step} began with attempt ${attempt} after attempt ${before.attempt}`);
      if (key !== before.key) no(`${step} has another idempotency key in attempt ${attempt}`);
      if (before.how === "failed") repeats.push("failed");
      else if (life !== before.life && killed.has(before.life)) repeats.push(before.how === "ended" ? "unheard" : "cut off");
      else no(`${step} began again (attempt ${attempt}) although nothing had cut off attempt ${before.attempt}`);
    }
    last.set(step, { attempt, life, key, how: "runs" });
  }

  function over(entry: Entry & Exclude<Effect, { what: "begin" }>): void {
    const body = last.get(entry.step);
    if (body === undefined || body.attempt !== entry.attempt || body.how !== "runs" || body.life !== entry.life) {
      return no(`${entry.step} ended in an attempt that did not run`);
    }
    body.how = entry.what === "end" ? "ended" : "failed";
    if (entry.what === "end") body.value = entry.value;
  }

  if (created && end === undefined) {
    no(final === undefined ? "lost: it was acknowledged and never seen" : `stuck: ${final.status} at the end`);
  }
  if (created && final === undefined && end !== undefined) no("lost: it was acknowledged and never seen");
  if (final?.status === "complete") judgeOutput(plan, final.output ?? {}, last, no);
  judgeSleeps(plan, entries, no);
  return { violations, repeats, end };
}

/** What is durable for certain, and what says so. */
function knowledge(no: (message: string) => void): {
  learn(told: Record<string, unknown>, why: string): void;
  has(name: string): boolean;
  why(name: string): string | undefined;
} {
  const known = new Map<string, { value: unknown; why: string }>();
  return {
    learn(told, why) {
      for (const [name, value] of Object.entries(told)) {
        const before = known.get(name);
        if (before === undefined) known.set(name, { value, why });
        else if (!same(before.value, value)) {
          no(`${name} is ${JSON.stringify(value)} (${why}) and was ${JSON.stringify(before.value)} (${before.why})`);
        }
      }
    },
    has: (name) => known.has(name),
    why: (name) => known.get(name)?.why,
  };
}

/** A body that ran again after its record would have another value than the record: every value is one of a kind. */
function judgeOutput(
  plan: Plan,
  output: Record<string, unknown>,
  last: Map<string, Attempt>,
  no: (message: string) => void,
): void {
  const names = new Set(Object.keys(output));
  for (const node of leaves(plan)) {
    const name = nameOf(node);
    if (!names.delete(name)) no(`its output lacks ${name}`);
    else if ("do" in node) {
      const value = last.get(name)?.value;
      if (output[name] !== value) no(`its output says ${JSON.stringify(output[name])} of ${name}, whose last body gave ${JSON.stringify(value)}`);
    } else if ("wait" in node && !same(output[name], { type: node.type, n: node.n })) {
      no(`${name} got ${JSON.stringify(output[name])} in place of event ${node.n} of ${node.type}`);
    }
  }
  for (const name of names) no(`its output has ${name}, which was not asked for`);
}

/** A sleep between two steps: from the end of the first body to the beginning of the second. */
function judgeSleeps(plan: Plan, entries: Entry[], no: (message: string) => void): void {
  plan.forEach((node, i) => {
    if ("all" in node) return node.all.forEach((branch) => judgeSleeps(branch, entries, no));
    const before = plan[i - 1], after = plan[i + 1];
    if (!("sleep" in node) || before === undefined || after === undefined || !("do" in before && "do" in after)) return;
    const end = entries.findLast((entry) => entry.what === "end" && entry.step === before.do);
    const begin = entries.find((entry) => entry.what === "begin" && entry.step === after.do);
    if (end === undefined || begin === undefined) return;
    // The clocks of two processes: each may be a millisecond off.
    if (begin.at - end.at < node.ms - 2) no(`${node.sleep} took ${(begin.at - end.at).toFixed(1)} ms in place of ${node.ms}`);
  });
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
