/**
 * The process is killed right after what a body did is in the log: between that and what the body learns of it. Runs everywhere.
 *
 * @module
 */
import { latch } from "../latch.ts";
import type { Subject } from "../subject.ts";
import type { World } from "../world.ts";
import { lacksKills, lives } from "./lives.ts";
import type { Mode } from "./mode.ts";

/** Most effects of one life, and most ends of bodies. */
const MOST = { effects: 16, ends: 6 };

/** Between what a body did and what it learns of it. */
export const effect: Mode = {
  name: "effect",
  about: "SIGKILL right after a side effect is in the log, every second time before its body hears of it: " +
    `one of the first ${MOST.effects} of a life, or of the first ${MOST.ends} ends of bodies`,
  needs: [],
  times: 120,
  within: 1_000,
  run: (world, extent) => lives(world, extent, (subject, n) => killAfterEffect(world, subject, { unheard: n % 2 === 0, ends: n % 4 > 1 })),
  lacks: (verdict, extent) => [
    ...lacksKills(verdict, extent),
    ...(verdict.repeats.unheard === 0 ? ["no kill came between the end of a body and its record"] : []),
  ],
};

async function killAfterEffect(world: World, subject: Subject, { unheard, ends }: { unheard: boolean; ends: boolean }): Promise<void> {
  const killed = latch();
  let left = world.between(1, ends ? MOST.ends : MOST.effects);
  let dying: Promise<void> | undefined;
  world.logged = (of, effects) => {
    if (of === subject) left -= effects.filter(({ what }) => !ends || what === "end").length;
    if (of !== subject || left > 0 || killed.isOpen()) return;
    killed.open();
    // The bodies are told when this returns.
    if (unheard) dying = subject.kill();
  };
  await world.bounded(killed.opened);
  world.logged = () => {};
  await (dying ?? subject.kill());
}
