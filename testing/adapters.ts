/**
 * What tests of workflows run on: a store without I/O, and the guest of classes of the host. The one file of this
 * folder that knows adapters; all others get them from here.
 *
 * @module
 */
import { croner } from "../adapters/cron/croner.ts";
import { hostSandbox } from "../adapters/sandbox/trusted/host.ts";
import { memory } from "../adapters/storage/memory.ts";
import type { SimulatorParts } from "./simulator/schedule.ts";

export { croner, hostSandbox, memory };

/** A class as the guest of classes of the host takes it. */
export type HostClass = ReturnType<Parameters<typeof hostSandbox>[0]>;

/** What the simulator of generated workflows runs on. */
export const simulatorParts: SimulatorParts = {
  storage: memory,
  sandbox: (find, options) => hostSandbox(() => find() as unknown as HostClass, options),
};
