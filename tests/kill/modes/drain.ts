/**
 * The process is asked to go, as by every deployment. Needs SIGTERM as POSIX has it: not Windows.
 *
 * @module
 */
import { setTimeout as pause } from "node:timers/promises";
import { lives } from "./lives.ts";
import type { Mode } from "./mode.ts";

/** A deployment: each process lets the next one take over. */
export const drain: Mode = {
  name: "drain",
  about: "SIGTERM while bodies run, handled by `close()`: the process ends by itself and no body runs again",
  needs: ["signals"],
  times: 15,
  within: 1_000,
  run: (world, extent) =>
    lives(world, extent, async (subject) => {
      await world.bounded(subject.busy.opened);
      await pause(world.between(0, 500));
      const code = await subject.leave(world.options.patience, "signal");
      if (code !== 0) world.violation(`process ${subject.life} ended with exit status ${code} when it was asked to go`);
    }),
  lacks({ drains, created, repeats }, { times }) {
    const lacks: string[] = [];
    if (drains.total < times) lacks.push(`it was asked to go ${drains.total} times and not ${times}`);
    if (drains.body * 2 < drains.total) lacks.push(`a body ran in only ${drains.body} of ${drains.total} drains`);
    if (created === 0) lacks.push("no instance was made");
    if (repeats.unheard + repeats["cut off"] > 0) lacks.push("a body ran again");
    return lacks;
  },
};
