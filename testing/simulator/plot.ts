/**
 * Who of a schedule's clients does what when.
 *
 * @module
 */
import type { Target } from "./clients.ts";
import type { Plan } from "./plan.ts";
import type { Chance } from "./world.ts";

/** What is asked of an instance. `undo`: terminates with rollback; `rewind`: restarts at a step. */
export type Verb = "pause" | "resume" | "terminate" | "restart" | "delete" | "undo" | "rewind";

/** What clients can be made to do. */
export interface Acts {
  create(target: Target): void;
  send(target: Target): void;
  control(verb: Verb, target: Target): void;
  look(target: Target): void;
  read(target: Target): void;
  upgrade(tenant: string): void;
  at(ms: number, run: () => void): void;
}

/** Has the acts done, each at its time. */
export function plot(r: Chance, { span, release, large }: Plan, targets: readonly Target[], { create, send, control, look, read, upgrade, at }: Acts): void {
  /** What happens to one of `n` targets of a large schedule, and to half as many of a small one. */
  const once = (n: number): boolean => r.once(large ? n : 2 * n);
  for (let n = r.between(1, large ? 8 : 3); n > 0 && release !== Infinity; n--) {
    const { tenant } = r.pick(targets);
    at(release + r.int(span), () => upgrade(tenant));
  }
  for (const target of targets) {
    const begin = r.int(Math.ceil(span / 3));
    at(begin, () => create(target));
    if (once(3)) at(r.int(span), () => create(target));
    for (let n = r.int(large ? 6 : 3); n > 0; n--) at(begin + r.int(span), () => send(target));
    if (once(4)) {
      const from = begin + r.int(span);
      at(from, () => control("pause", target));
      if (r.once(2)) at(from + r.int(span), () => control("resume", target));
    }
    if (once(10)) at(begin + r.int(span), () => control(r.pick(["terminate", "undo"]), target));
    if (once(8)) at(begin + r.int(span), () => control(r.pick(["restart", "rewind"]), target));
    if (once(8)) at(begin + r.int(span), () => control(r.pick(["rewind", "rewind", "undo"]), target));
    if (once(10)) {
      const from = begin + r.int(span);
      at(from, () => control("delete", target));
      if (r.once(2)) at(from + r.int(100), () => create(target));
    }
    if (once(3)) at(begin + r.int(span), () => look(target));
    if (once(4)) at(begin + r.int(span), () => read(target));
    if (once(5)) {
      const from = begin + r.int(span);
      const verbs = Array.from({ length: r.between(2, 4) }, () => r.pick<Verb | "send" | "look">(["send", "send", "look", "pause", "resume", "restart", "rewind"]));
      at(from, () => {
        for (const verb of verbs) verb === "send" ? send(target) : verb === "look" ? look(target) : control(verb, target);
      });
    }
  }
}
