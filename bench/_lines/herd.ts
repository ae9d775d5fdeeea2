/**
 * Many sleeps of one tenant due at one instant: whether all are done, in what memory, and what another tenant feels.
 *
 * @module
 */
import { inChild } from "../_lib/child.ts";
import { figure, type Figure } from "../_lib/figure.ts";
import type { Line } from "../_lib/line.ts";
import { inFolder, type Medium } from "../_lib/media.ts";
import type { Herd, HerdTask } from "../_tasks/herd.ts";

/** The line. */
export const herd: Line = {
  name: "herd",
  title: "50,000 sleeps of one tenant due at one instant, and a neighbour's runs of one step",
  async measure({ media, quick, progress }) {
    const figures: Figure[] = [];
    const medium = media[0] as Medium;
    for (const guest of ["quickjs", "trusted"] as const) {
      progress(`herd, ${medium.name}, ${guest}`);
      const measured = await inFolder(medium, (folder) => {
        const task: HerdTask = { task: "herd", guest, folder, sleepers: quick ? 5_000 : 50_000, alone: quick ? 1_000 : 3_000 };
        return inChild<Herd>(task, { timeout: 300_000 });
      });
      figures.push(...figuresOf(`herd/${medium.name}/${guest}`, measured, quick));
    }
    return figures;
  },
};

function figuresOf(name: string, { idle, meanwhile, late, asleep, most }: Herd, quick: boolean): Figure[] {
  const bar = quick ? {} : { bar: { atMost: 300 } };
  return [
    figure(`${name}/late/p50`, "ms", [late.p50]),
    figure(`${name}/late/last`, "ms", [late.last]),
    figure(`${name}/memory above asleep`, "MiB", [most - asleep], bar),
    figure(`${name}/neighbour/idle/p50`, "ms", [idle.p50]),
    figure(`${name}/neighbour/idle/p99`, "ms", [idle.p99]),
    figure(`${name}/neighbour/meanwhile/p50`, "ms", [meanwhile.p50]),
    figure(`${name}/neighbour/meanwhile/p99`, "ms", [meanwhile.p99]),
    figure(`${name}/neighbour/p99 ÷ idle`, "×", [meanwhile.p99 / idle.p99], { goal: { atMost: 5 } }),
  ];
}
