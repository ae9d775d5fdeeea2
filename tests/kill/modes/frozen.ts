/**
 * The owner is stopped and woken: a zombie. Needs SIGSTOP: not Windows.
 *
 * @module
 */
import { setTimeout as pause } from "node:timers/promises";
import { latch } from "../latch.ts";
import { type Subject, within } from "../subject.ts";
import type { World } from "../world.ts";
import type { Mode } from "./mode.ts";

/** Longer than any lease, ms. */
const LONG = 17_000;
const SHORT = 2_000;
/** What was asked for meanwhile is done after so long, ms. */
const PROMPT = 5_000;

/** A zombie. */
export const frozen: Mode = {
  name: "frozen",
  about: "the owner of two processes is stopped (SIGSTOP), once past any lease, then woken: nobody else runs what it runs, " +
    "and what was asked of the other meanwhile is done; every second time it is killed instead, and the other takes over",
  needs: ["signals"],
  times: 4,
  within: 1_000,
  async run(world, { times, progress }) {
    let owner = await world.serve();
    let other = await world.serve();
    let n = 0;
    const clients = [world.clients(() => n < times)];
    while (n < times) {
      await world.bounded(owner.busy.opened);
      await pause(world.between(300, 1_200));
      const kills = n % 2 === 1;
      clients.push(...await freeze(world, { owner, other, ms: n === 0 ? LONG : SHORT, kills }));
      if (kills) [owner, other] = [other, await world.serve()];
      progress(++n);
    }
    return { clients: Promise.all(clients).then(() => {}) };
  },
  lacks({ stops, created }, { times }) {
    const lacks: string[] = [];
    if (stops.total < times) lacks.push(`only ${stops.total} stops of ${times}`);
    if (stops.body * 2 < stops.total) lacks.push(`a body ran at only ${stops.body} of ${stops.total} stops`);
    if (created === 0) lacks.push("no instance was made");
    return lacks;
  },
};

/** Stops the owner for `ms`; a client makes an instance through the other meanwhile, which begins when it is over. Resolves with that client. */
async function freeze(
  world: World,
  { owner, other, ms, kills }: { owner: Subject; other: Subject; ms: number; kills: boolean },
): Promise<Promise<void>[]> {
  owner.stop();
  const { effects, answers } = other;
  const created = latch();
  const client = world.client(created.open);
  await pause(ms);
  if (other.effects > effects) world.violation(`process ${other.life} ran bodies that ${owner.life}, which was stopped, owns`);
  if (other.answers === answers) world.violation(`process ${other.life} answered nothing while ${owner.life} was stopped`);
  if (created.isOpen()) world.violation("somebody made an instance while its owner was stopped");
  if (kills) await owner.kill();
  else owner.wake();
  const made = await within(PROMPT, created.opened.then(() => true));
  if (made !== true) world.violation(`what was asked of process ${other.life} while ${owner.life} was stopped is not done ${PROMPT} ms later`);
  return [client];
}
