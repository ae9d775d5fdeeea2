/**
 * Where the time of our own runs goes, by function. Only with `--profile`: sampling costs time, so nothing is compared.
 *
 * @module
 */
import { join } from "node:path";
import type { EngineName } from "../_engines/all.ts";
import type { LineContext } from "../_lib/line.ts";
import { DATA, type Medium } from "../_lib/media.ts";
import type { FunctionCost } from "../_lib/profile.ts";
import { withEngines } from "../_lib/served.ts";

const GUESTS: readonly EngineName[] = ["registered", "runAhead", "quickjs"];
const STEPS = [1, 10];
const TOP = { files: 14, functions: 30 };

/** Profiles runs on the last medium (tmpfs, where there is one) and answers the text to print. */
export async function profile({ media, quick, progress }: LineContext): Promise<string> {
  const medium = media.at(-1) as Medium;
  const parts: string[] = [];
  for (const name of GUESTS) {
    progress(`profile, ${name}`);
    await withEngines([name], {
      medium,
      async use(engines) {
        const engine = engines.get(name)!;
        for (const steps of STEPS) {
          await engine.busy({ steps, inFlight: 100, milliseconds: quick ? 300 : 1_500 });
          const file = join(DATA, `${name}-${steps}-step.cpuprofile`);
          const busy = await engine.busy({ steps, inFlight: 1_000, milliseconds: quick ? 500 : 2_500, profile: file });
          const { runs, cpuMicroseconds, profile: { functions, files } = { functions: [], files: [] } } = busy;
          const row = ({ name: what, share }: FunctionCost): string =>
            `${(share * 100).toFixed(1).padStart(6)} % ${(share * cpuMicroseconds).toFixed(1).padStart(8)} µs/run  ${what}`;
          parts.push(`${name}, ${steps}-step, ${medium.name}: ${runs} runs, ${cpuMicroseconds.toFixed(0)} µs of CPU each (${file})`, "");
          parts.push(...files.slice(0, TOP.files).map(row), "", ...functions.slice(0, TOP.functions).map(row), "");
        }
      },
    });
  }
  return parts.join("\n");
}
