/**
 * From the start of a process to its first run done, over a new SQLite file, above a process that does nothing.
 *
 * What runs is JavaScript as it is published (one file for each source file): Node strips types of nothing.
 *
 * @module
 */
import { join } from "node:path";
import { buildPublished } from "../_lib/build.ts";
import { runNode } from "../_lib/child.ts";
import { figure, type Figure } from "../_lib/figure.ts";
import type { Line } from "../_lib/line.ts";
import { inFolder, type Medium } from "../_lib/media.ts";

const STARTS = ["bare", "registered", "quickjs", "rivet", "openworkflow"] as const;

/** The line. */
export const start: Line = {
  name: "start",
  title: "Process start to first run done, new SQLite file",
  async measure({ media, rounds, quick, progress }) {
    const built = await buildPublished();
    const entry = join(built, "bench", "_tasks", "start.js");
    const medium = media[0] as Medium;
    const repetitions = quick ? 2 : 5;
    const all = new Map<string, number[]>(STARTS.map((name) => [name, []]));
    const above = new Map<string, number[]>(STARTS.map((name) => [name, []]));
    for (let round = 1; round <= rounds * repetitions; round++) {
      progress(`start, round ${round} of ${rounds * repetitions}`);
      let bare = 0;
      for (const name of STARTS) {
        const took = await inFolder(medium, async (folder) => {
          const begin = performance.now();
          await runNode([entry, name, folder]);
          return performance.now() - begin;
        });
        if (name === "bare") bare = took;
        all.get(name)!.push(took);
        above.get(name)!.push(took - bare);
      }
    }
    return STARTS.flatMap((name): Figure[] => {
      const whole = figure(`start/${medium.name}/${name}`, "ms", all.get(name)!);
      if (name === "bare") return [whole];
      const ours = name === "registered" || name === "quickjs";
      return [whole, figure(`start/${medium.name}/${name} above bare`, "ms", above.get(name)!, ours ? { goal: { atMost: 100 } } : {})];
    });
  },
};
