/**
 * A lone run: what one more step costs it, beside one commit of a single row, and beside the peers.
 *
 * @module
 */
import { COMPARED, type EngineName, MEDIATED, PEERS } from "../_engines/all.ts";
import type { GuestKind } from "../_engines/tenure.ts";
import { figure, type Figure, type Marks } from "../_lib/figure.ts";
import type { Line } from "../_lib/line.ts";
import type { Medium } from "../_lib/media.ts";
import { withEngines } from "../_lib/served.ts";
import type { Lone } from "../_tasks/lone.ts";

const ENGINES: readonly EngineName[] = [...COMPARED, ...PEERS];

/** The line. */
export const latency: Line = {
  name: "latency",
  title: "One more step of a lone run, beside one commit of a single row",
  async measure({ media, rounds, quick, progress }) {
    const figures: Figure[] = [];
    const count = quick ? 3 : rounds * 5;
    for (const medium of media) {
      const all = new Map<EngineName, Lone[]>(ENGINES.map((name) => [name, []]));
      await withEngines(ENGINES, {
        medium,
        async use(engines) {
          progress(`latency, ${medium.name}, warming up`);
          for (const [, engine] of engines) await engine.busy({ steps: 30, inFlight: 1, milliseconds: quick ? 200 : 700 });
          for (let round = 1; round <= count; round++) {
            progress(`latency, ${medium.name}, round ${round} of ${count}`);
            for (const [name, engine] of engines) all.get(name)!.push(await engine.lone(round % 2 === 0));
          }
        },
      });
      figures.push(...figuresOf(medium, all));
    }
    return figures;
  },
};

function figuresOf({ name: medium, syncs }: Medium, all: ReadonlyMap<EngineName, readonly Lone[]>): Figure[] {
  const commits = [...all.values()].flat().map(({ commit }) => commit);
  const at = (row: string, column: string): Marks => ({ place: { table: medium, row, column } });
  return [
    figure(`latency/${medium}/single-row commit`, "ms", commits, at("single-row commit", "one more step")),
    ...ENGINES.flatMap((engine) => {
      const goal = syncs && MEDIATED.includes(engine as GuestKind) ? { goal: { atMost: 1.3 } } : {};
      const lones = all.get(engine)!;
      return [
        figure(`latency/${medium}/${engine}/step`, "ms", lones.map(({ step }) => step), at(engine, "one more step")),
        figure(`latency/${medium}/${engine}/step ÷ commit`, "×", lones.map(({ step, commit }) => step / commit), {
          ...at(engine, "÷ commit beside it"),
          ...goal,
        }),
      ];
    }),
  ];
}
