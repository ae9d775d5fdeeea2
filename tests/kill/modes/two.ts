/**
 * Two processes on one file and nothing wrong. Runs everywhere.
 *
 * @module
 */
import type { Verdict } from "../verdict.ts";
import type { Mode } from "./mode.ts";

/** Two of them that get on. */
export const two: Mode = {
  name: "two",
  about: "two processes on one file and no fault: no request fails, no body runs again unless it failed, both serve requests",
  needs: [],
  times: 60,
  async run(world, { times, progress }) {
    // Both find no file, and one of them makes it.
    const both = [world.spawn(), world.spawn()];
    for (const subject of both) {
      const opening = await world.bounded(subject.opening);
      if (opening?.ok !== true) world.violation(`process ${subject.life} did not start: ${opening?.message}`);
    }
    return { clients: world.clients(() => world.jobs.length < times).then(() => progress(times)) };
  },
  lacks: (verdict, { times }) => [...lacksTwo(verdict), ...(verdict.created < times ? [`only ${verdict.created} instances of ${times}`] : [])],
};

/** What two processes without a fault have not shown, and what may not be. */
export function lacksTwo({ served, refused, repeats }: Verdict): string[] {
  const lacks: string[] = [];
  const answers = [...served].filter(([life]) => life > 0).map(([, n]) => n);
  if (answers.filter((n) => n > 50).length < 2) lacks.push(`both serve requests: ${answers.join(" and ")} answers`);
  if (refused.size > 0) lacks.push(`no request fails: ${[...refused].map(([code, n]) => `${n} ${code}`).join(", ")}`);
  if (repeats["cut off"] + repeats.unheard > 0) lacks.push("no body runs again unless it failed");
  return lacks;
}
