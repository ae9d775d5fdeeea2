/**
 * Two processes whose clocks disagree. Needs Linux and libfaketime (as root on Debian and its kin it is installed).
 *
 * @module
 */
import type { Subject } from "../subject.ts";
import { faketimeLibrary } from "../tools.ts";
import type { Start, World } from "../world.ts";
import type { Mode } from "./mode.ts";
import { lacksTwo } from "./two.ts";

/** Its wall clock is a minute ahead; what measures time is not touched. */
const AHEAD = { FAKETIME: "+60s", DONT_FAKE_MONOTONIC: "1", FAKETIME_DONT_FAKE_MONOTONIC: "1" };

/** Clocks that disagree. */
export const skew: Mode = {
  name: "skew",
  about: "two processes on one file, the wall clock of one 60 s ahead (libfaketime): first the other owns the file, then this one; no fault",
  needs: ["linux", "faketime"],
  times: 60,
  async run(world, { times, progress }) {
    const ahead: Start = { env: { LD_PRELOAD: faketimeLibrary() ?? "", ...AHEAD } };
    let first = await pair(world, [{}, ahead]);
    await world.bounded(world.clients(() => world.jobs.length < times / 2));
    progress(times / 2);
    for (const subject of first) await subject.leave(world.options.patience, "request");
    first = await pair(world, [ahead, {}]);
    return { clients: world.clients(() => world.jobs.length < times).then(() => progress(times)) };
  },
  lacks: (verdict, { times }) => [...lacksTwo(verdict), ...(verdict.created < times ? [`only ${verdict.created} instances of ${times}`] : [])],
};

/** The first owns. */
async function pair(world: World, [owner, other]: [Start, Start]): Promise<Subject[]> {
  return [await world.serve(owner), await world.serve(other)];
}
