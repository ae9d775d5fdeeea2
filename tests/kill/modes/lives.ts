/**
 * One process at a time: each life is ended in the way of the mode, and the next begins at once.
 *
 * @module
 */
import type { Subject } from "../subject.ts";
import type { Verdict } from "../verdict.ts";
import type { Start, World } from "../world.ts";
import type { Extent, Running } from "./mode.ts";

/** Ends life after life as `end` does, while clients make new instances. */
export async function lives(
  world: World,
  { times, progress }: Extent,
  end: (subject: Subject, n: number) => Promise<void>,
  start: (n: number) => Start = () => ({}),
): Promise<Running> {
  let n = 0;
  let subject = world.spawn(start(0));
  const clients = world.clients(() => n < times);
  while (n < times) {
    await end(subject, n++);
    progress(n);
    subject = world.spawn(n < times ? start(n) : {});
  }
  return { clients };
}

/** What kills have not shown; `busy`: the part of them that has to come while a body runs or a commit is in flight. */
export function lacksKills({ kills, created, resumed }: Verdict, { times }: { readonly times: number }, busy: number = 1 / 2): string[] {
  const lacks: string[] = [];
  if (kills.total < times) lacks.push(`only ${kills.total} kills of ${times}`);
  if (kills.either < kills.total * busy) {
    lacks.push(`only ${kills.either} of ${kills.total} kills came while a body ran or a commit was in flight`);
  }
  if (created === 0) lacks.push("no instance was made");
  if (resumed.length === 0) lacks.push("no interrupted instance went on");
  return lacks;
}
