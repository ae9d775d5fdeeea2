/**
 * What a history costs.
 *
 * @module
 */
import type { GuestKind } from "../_engines/tenure.ts";
import { inChild } from "../_lib/child.ts";
import { figure } from "../_lib/figure.ts";
import type { Line } from "../_lib/line.ts";
import type { HistoryCost, HistoryTask } from "../_tasks/history.ts";

const CODE: readonly GuestKind[] = ["registered", "runAhead", "quickjs"];
const DEPTH = 1_000;

/** The line. */
export const history: Line = {
  name: "history",
  title: `Step ${DEPTH.toLocaleString("en-US")} against step 10, and replay, memory()`,
  async measure({ rounds, quick, progress }) {
    const all = new Map<GuestKind, HistoryCost[]>(CODE.map((guest) => [guest, []]));
    for (let round = 1; round <= rounds; round++) {
      for (const guest of CODE) {
        progress(`history, round ${round} of ${rounds}, ${guest}`);
        const task: HistoryTask = { task: "history", guest, depth: DEPTH, repetitions: quick ? 2 : 5 };
        all.get(guest)!.push(await inChild<HistoryCost>(task));
      }
    }
    return CODE.flatMap((guest) => [
      figure(`history/${guest}/step 1,000 ÷ step 10`, "×", all.get(guest)!.map(({ late }) => late), { goal: { atMost: 1.1 } }),
      figure(`history/${guest}/replay`, "µs/step", all.get(guest)!.map(({ replay }) => replay), { goal: { atMost: 30 } }),
    ]);
  },
};
