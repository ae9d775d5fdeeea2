/**
 * CPU time of a step where nothing waits for a disk.
 *
 * @module
 */
import { GUESTS, MEDIATED } from "../_engines/all.ts";
import type { GuestKind } from "../_engines/tenure.ts";
import { inChild } from "../_lib/child.ts";
import { figure } from "../_lib/figure.ts";
import type { Line } from "../_lib/line.ts";
import type { Cpu, CpuTask } from "../_tasks/cpu.ts";

/** The line. */
export const cpu: Line = {
  name: "cpu",
  title: "CPU time of one more step of a lone run, memory()",
  async measure({ rounds, quick, progress }) {
    const all = new Map<GuestKind, Cpu[]>(GUESTS.map((guest) => [guest, []]));
    for (let round = 1; round <= rounds; round++) {
      for (const guest of GUESTS) {
        progress(`cpu, round ${round} of ${rounds}, ${guest}`);
        const task: CpuTask = { task: "cpu", guest, repetitions: quick ? 20 : 100 };
        all.get(guest)!.push(await inChild<Cpu>(task));
      }
    }
    return GUESTS.flatMap((guest) => [
      figure(`cpu/${guest}/all threads`, "µs/step", all.get(guest)!.map((each) => each.all), {
        place: { table: "", row: guest, column: "all threads" },
        ...(MEDIATED.includes(guest) && { goal: { atMost: 60 } }),
      }),
      figure(`cpu/${guest}/main thread`, "µs/step", all.get(guest)!.map(({ mainThread }) => mainThread), {
        place: { table: "", row: guest, column: "main thread" },
      }),
    ]);
  },
};
