/**
 * The process is killed at any moment. Runs everywhere.
 *
 * @module
 */
import { setImmediate as yieldToIo, setTimeout as pause } from "node:timers/promises";
import type { Subject } from "../subject.ts";
import type { World } from "../world.ts";
import { lacksKills, lives } from "./lives.ts";
import type { Mode } from "./mode.ts";

/** Any moment. */
export const random: Mode = {
  name: "random",
  about: "SIGKILL at a random moment, most of them while a body runs or a commit is in flight; started again at once",
  needs: [],
  times: 80,
  within: 1_000,
  run: (world, extent) =>
    lives(world, extent, async (subject) => {
      await theMoment(world, subject);
      await subject.kill();
    }),
  lacks: lacksKills,
};

/** A few at any time from the start on, the others while it works: a quarter of them as soon as it commits. */
async function theMoment(world: World, subject: Subject): Promise<void> {
  const dice = world.random();
  if (dice < 0.1) return await pause(world.between(0, 400));
  await world.bounded(subject.busy.opened);
  await pause(world.between(0, 500));
  const until = performance.now() + (dice < 0.35 ? 250 : 0);
  while (!subject.committing() && performance.now() < until) await yieldToIo();
}
