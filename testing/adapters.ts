/**
 * What tests of workflows run on: a store without I/O, and the guest of classes of the host. The one file of this
 * folder that knows adapters; all others get them from here.
 *
 * @module
 */
import { hostSandbox } from "../adapters/sandbox/trusted/host.ts";

export { hostSandbox };
export { memory } from "../adapters/storage/memory.ts";

/** A class as the guest of classes of the host takes it. */
export type HostClass = ReturnType<Parameters<typeof hostSandbox>[0]>;
