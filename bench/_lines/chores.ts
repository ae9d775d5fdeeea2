/**
 * What the engine does by itself, and what a neighbour feels of it: schedules that are due, instances that are forgotten, children.
 *
 * @module
 */
import { inChild } from "../_lib/child.ts";
import { figure, type Figure } from "../_lib/figure.ts";
import type { Line } from "../_lib/line.ts";
import { inFolder, type Medium } from "../_lib/media.ts";
import type { Pace } from "../_tasks/neighbour.ts";
import type { Schedules, SchedulesTask } from "../_tasks/schedules.ts";
import type { ChildrenOf, ChildrenTask } from "../_tasks/children.ts";
import type { SweepTask, Swept } from "../_tasks/sweep.ts";

/** The line. */
export const schedules: Line = {
  name: "schedules",
  title: "10,000 schedules of one tenant due at one instant, and a neighbour's runs of one step",
  async measure({ media, quick, progress }) {
    const medium = media[0] as Medium;
    progress(`schedules, ${medium.name}`);
    const { idle, meanwhile, late } = await inFolder(medium, (folder) => {
      const task: SchedulesTask = { task: "schedules", guest: "quickjs", folder, schedules: quick ? 1_000 : 10_000 };
      return inChild<Schedules>(task, { timeout: 400_000 });
    });
    const name = `schedules/${medium.name}`;
    return [figure(`${name}/late/p50`, "ms", [late.p50]), figure(`${name}/late/last`, "ms", [late.last]), ...felt(name, idle, meanwhile)];
  },
};

/** The line. */
export const sweep: Line = {
  name: "sweep",
  title: "100,000 ended instances of one tenant forgotten at one instant, and a neighbour's runs of one step",
  async measure({ media, quick, progress }) {
    const medium = media[0] as Medium;
    progress(`sweep, ${medium.name}`);
    const { idle, meanwhile, took } = await inFolder(medium, (folder) => {
      const task: SweepTask = { task: "sweep", guest: "quickjs", folder, instances: quick ? 5_000 : 100_000 };
      return inChild<Swept>(task, { timeout: 600_000 });
    });
    const name = `sweep/${medium.name}`;
    return [figure(`${name}/took`, "s", [took]), ...felt(name, idle, meanwhile)];
  },
};

/** The line. */
export const children: Line = {
  name: "children",
  title: "1,000 children of one parent, and a neighbour's runs of one step",
  async measure({ media, quick, progress }) {
    const medium = media[0] as Medium;
    progress(`children, ${medium.name}`);
    const { idle, meanwhile, took } = await inFolder(medium, (folder) => {
      const task: ChildrenTask = { task: "children", guest: "quickjs", folder, children: quick ? 100 : 1_000 };
      return inChild<ChildrenOf>(task, { timeout: 200_000 });
    });
    const name = `children/${medium.name}`;
    return [figure(`${name}/took`, "s", [took]), ...felt(name, idle, meanwhile)];
  },
};

function felt(name: string, idle: Pace, meanwhile: Pace): Figure[] {
  return [
    figure(`${name}/neighbour/idle/p50`, "ms", [idle.p50]),
    figure(`${name}/neighbour/idle/p99`, "ms", [idle.p99]),
    figure(`${name}/neighbour/meanwhile/p50`, "ms", [meanwhile.p50]),
    figure(`${name}/neighbour/meanwhile/p99`, "ms", [meanwhile.p99]),
    figure(`${name}/neighbour/p99 ÷ idle`, "×", [meanwhile.p99 / idle.p99], { goal: { atMost: 5 } }),
  ];
}
