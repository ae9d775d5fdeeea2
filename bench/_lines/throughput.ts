/**
 * Runs a second with many in flight, beside the peers and beside the ideal loop.
 *
 * All engines of a medium live at one time and take turns of about a second, since a shared disk changes within
 * minutes; a ratio is made within a round of turns, and the median of the rounds counts.
 *
 * @module
 */
import { COMPARED, type EngineName, IDEALS, PEERS } from "../_engines/all.ts";
import { figure, type Figure, type Marks } from "../_lib/figure.ts";
import type { Line } from "../_lib/line.ts";
import type { Medium } from "../_lib/media.ts";
import { withEngines } from "../_lib/served.ts";
import type { Busy } from "../_tasks/busy.ts";

const STEPS = [1, 10] as const;
const ENGINES: readonly EngineName[] = [...COMPARED, ...PEERS, ...IDEALS];
const IN_FLIGHT = 1_000;
/**
 * The peers do one thing at a time, since all their writes are synchronous: a longer queue makes them no faster, but
 * on a slow disk it takes minutes to drain.
 */
const IN_FLIGHT_PEERS = 100;

type Round = ReadonlyMap<EngineName, Busy>;
/** Rounds by the number of steps. */
type Rounds = ReadonlyMap<number, Round[]>;

/** The line. */
export const throughput: Line = {
  name: "throughput",
  title: "Runs a second, 1,000 in flight, SQLite with fsync on",
  async measure({ media, rounds, quick, progress }) {
    const figures: Figure[] = [];
    const count = quick ? 1 : rounds + 2;
    const milliseconds = quick ? 300 : 800;
    for (const medium of media) {
      const all: Rounds = new Map(STEPS.map((steps) => [steps, []]));
      await withEngines(ENGINES, {
        medium,
        async use(engines) {
          for (const steps of STEPS) {
            for (const [name, engine] of engines) {
              progress(`throughput, ${medium.name}, ${steps}-step, warming up ${name}`);
              await engine.busy({ steps, inFlight: IN_FLIGHT_PEERS, milliseconds: quick ? 200 : 1_000 });
            }
            for (let round = 1; round <= count; round++) {
              const measured = new Map<EngineName, Busy>();
              progress(`throughput, ${medium.name}, ${steps}-step, round ${round} of ${count}`);
              for (const [name, engine] of engines) {
                const inFlight = PEERS.includes(name as typeof PEERS[number]) ? IN_FLIGHT_PEERS : IN_FLIGHT;
                measured.set(name, await engine.busy({ steps, inFlight, milliseconds }));
              }
              all.get(steps)!.push(measured);
            }
          }
        },
      });
      figures.push(...figuresOf(medium, all));
    }
    return figures;
  },
};

function figuresOf({ name: medium, syncs }: Medium, all: Rounds): Figure[] {
  const figures: Figure[] = [];
  for (const steps of STEPS) {
    const rounds = all.get(steps)!;
    const line = `throughput/${medium}/${steps}-step`;
    const speed = (round: Round, engine: EngineName): number => round.get(engine)!.runsPerSecond;
    for (const engine of ENGINES) {
      const add = (what: string, unit: string, of: (round: Round) => number): void => {
        const place = { table: medium, row: engine, column: `${steps}-step${what === "cpu" ? " CPU" : ""}` };
        figures.push(figure(`${line}/${engine}/${what}`, unit, rounds.map(of), { place }));
      };
      add("runs", "runs/s", (round) => speed(round, engine));
      if (steps > 1) add("steps", "steps/s", (round) => speed(round, engine) * steps);
      add("cpu", "µs/run", (round) => round.get(engine)!.cpuMicroseconds);
    }
    const ratio = (what: string, of: (round: Round) => number, marks: Marks = {}): void => {
      // a bar is about durable runs: it means nothing where nothing waits for a disk
      figures.push(figure(`${line}/${what}`, "×", rounds.map(of), syncs ? marks : {}));
    };
    const best = (round: Round): number => Math.max(...PEERS.map((peer) => speed(round, peer)));
    const bounds: Marks = steps === 1 ? { bar: { atLeast: 1 }, goal: { atLeast: 3 } } : { goal: { atLeast: 5 } };
    ratio("quickjs ÷ best peer", (round) => speed(round, "quickjs") / best(round), bounds);
    ratio("runAhead ÷ best peer", (round) => speed(round, "runAhead") / best(round));
    ratio("runAhead ÷ ideal-port", (round) => speed(round, "runAhead") / speed(round, "ideal-port"), {
      bar: { atLeast: 0.25 },
      goal: { atLeast: 0.5 },
    });
    ratio("quickjs ÷ ideal-port", (round) => speed(round, "quickjs") / speed(round, "ideal-port"));
    ratio("ideal-port ÷ ideal-raw", (round) => speed(round, "ideal-port") / speed(round, "ideal-raw"));
  }
  return figures;
}
