/**
 * Commits on the critical path of a run that is alone: counted, so one round says all.
 *
 * @module
 */
import { GUESTS, MEDIATED } from "../_engines/all.ts";
import { inChild } from "../_lib/child.ts";
import { figure, type Figure } from "../_lib/figure.ts";
import type { Line } from "../_lib/line.ts";
import { inFolder, type Medium } from "../_lib/media.ts";
import type { CommitsTask } from "../_tasks/commits.ts";

const STEPS = [1, 10];

/** The line. */
export const commits: Line = {
  name: "commits",
  title: "Commits from create() to the result, run alone",
  async measure({ media, progress }) {
    const figures: Figure[] = [];
    for (const guest of GUESTS) {
      progress(`commits, ${guest}`);
      const counted = await inFolder(media[0] as Medium, (folder) => {
        const task: CommitsTask = { task: "commits", guest, folder, steps: STEPS };
        return inChild<readonly number[]>(task);
      });
      STEPS.forEach((steps, i) => {
        const bar = { atMost: MEDIATED.includes(guest) ? 2 + steps : 2 + 2 * steps };
        figures.push(figure(`commits/${guest}/${steps}-step`, "commits", [counted[i] as number], { bar }));
      });
    }
    return figures;
  },
};
