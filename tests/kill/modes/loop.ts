/**
 * The process is killed before anything can end. Runs everywhere.
 *
 * @module
 */
import { setTimeout as pause } from "node:timers/promises";
import { lacksKills } from "./lives.ts";
import type { Mode } from "./mode.ts";

/** Longest and shortest life, ms. */
const LIFE = { least: 250, most: 1_800 };
/** So many times as many kills as are asked for have to be enough. */
const PATIENCE = 4;

/** No life is long enough for an instance. */
export const loop: Mode = {
  name: "loop",
  about: "a crash loop: SIGKILL 0.25 to 1.8 s after each start, until all instances have ended all the same",
  needs: [],
  times: 40,
  async run(world, { times, progress }) {
    let n = 0, done = false;
    let subject = world.spawn();
    const clients = world.clients(() => n < times).then(() => void (done = true));
    while (!done && n < times * PATIENCE) {
      await pause(world.between(LIFE.least, LIFE.most));
      if (done) break;
      await subject.kill();
      progress(++n);
      subject = world.spawn();
    }
    if (!done) world.violation(`not all instances have ended after ${n} lives of at most ${LIFE.most} ms`);
    return { clients };
  },
  // a life may be over before the runtime has started
  lacks: (verdict, asked) => lacksKills(verdict, asked, 1 / 4),
};
