/**
 * A tenant that floods its limits: what it is told, and what its neighbour feels.
 *
 * @module
 */
import { inChild } from "../_lib/child.ts";
import { figure, type Figure, type Marks } from "../_lib/figure.ts";
import type { Line } from "../_lib/line.ts";
import { inFolder, type Medium } from "../_lib/media.ts";
import { FLOODS, type Floods, type FloodTask } from "../_tasks/flood.ts";

/** The line. */
export const flood: Line = {
  name: "flood",
  title: "A tenant floods its limits, and a neighbour's runs of one step",
  async measure({ media, rounds, quick, progress }) {
    const medium = media[0] as Medium;
    const all: Floods[] = [];
    for (let round = 1; round <= rounds; round++) {
      progress(`flood, ${medium.name}, round ${round} of ${rounds}`);
      all.push(await inFolder(medium, (folder) => {
        const task: FloodTask = { task: "flood", guest: "quickjs", folder, milliseconds: quick ? 1_000 : 3_000 };
        return inChild<Floods>(task);
      }));
    }
    return FLOODS.flatMap((name): Figure[] => {
      const line = `flood/${medium.name}/${name}`;
      const rounds = all.map((floods) => floods[name]);
      const at = (column: string): Marks => ({ place: { table: medium.name, row: name, column } });
      const refusals = rounds.map(({ answers }) => Object.entries(answers).reduce((n, [code, count]) => code === "ok" ? n : n + count, 0));
      return [
        figure(`${line}/taken`, "", rounds.map(({ answers }) => answers["ok"] ?? 0), at("taken")),
        figure(`${line}/refused`, "", refusals, at("refused")),
        figure(`${line}/idle/p99`, "ms", rounds.map(({ idle }) => idle.p99), at("neighbour idle p99, ms")),
        figure(`${line}/meanwhile/p50`, "ms", rounds.map(({ meanwhile }) => meanwhile.p50), at("meanwhile p50, ms")),
        figure(`${line}/meanwhile/p99`, "ms", rounds.map(({ meanwhile }) => meanwhile.p99), at("meanwhile p99, ms")),
        figure(`${line}/p99 ÷ idle`, "×", rounds.map(({ idle, meanwhile }) => meanwhile.p99 / idle.p99), {
          ...at("÷ idle"),
          goal: { atMost: 2 },
        }),
      ];
    });
  },
};
