/**
 * The process is killed at its k-th write, for k = 1, 2, 3 … Needs Linux and strace (as root on Debian and its kin it is installed).
 *
 * @module
 */
import type { Subject } from "../subject.ts";
import type { World } from "../world.ts";
import { lacksKills, lives } from "./lives.ts";
import type { Mode } from "./mode.ts";

/** What changes a file. */
const CALLS = "write,writev,pwrite64,pwritev,pwritev2,fdatasync,fsync,ftruncate,fallocate,unlink,unlinkat,rename,renameat2";
/** A life under strace begins slowly; one that does not come to its write by then has nothing to write, ms. */
const PATIENCE = 20_000;

/** Of these lives one in so many finds no database and dies while it makes one, in which every other call is as good as the next. */
const NEW = { part: 6, step: 2 };

/** Before the first write, before the second, … */
export const write: Mode = {
  name: "write",
  about: "SIGKILL in place of the k-th call that changes the database or its log, for k = 1, 2, 3 …, by `strace --inject`; " +
    "in the first sixth of the lives while the file is made",
  needs: ["linux", "strace"],
  times: 100,
  async run(world, { times, progress }) {
    const early = Math.floor(times / NEW.part);
    for (let n = 0; n < early; n++) {
      const k = 1 + n * NEW.step;
      await itsWrite(world, world.spawn({ through: strace(world, k) }), k);
      progress(n);
    }
    const made = await world.serve();
    await made.kill();
    const extent = { times: times - early, progress: (n: number) => progress(early + n) };
    return await lives(world, extent, (subject, n) => itsWrite(world, subject, n + 1), (n) => ({ through: strace(world, n + 1) }));
  },
  lacks: lacksKills,
};

function strace(world: World, k: number): string[] {
  const files = ["", "-wal", "-journal"].flatMap((suffix) => ["-P", world.database + suffix]);
  // As a grandchild (-D): the process itself stays ours.
  return ["strace", "-D", "-f", "-qqq", "-o", "/dev/null", ...files, "-e", `trace=${CALLS}`, "-e", `inject=${CALLS}:signal=KILL:when=${k}`];
}

async function itsWrite(world: World, subject: Subject, k: number): Promise<void> {
  if (await subject.killed(PATIENCE)) return;
  world.violation(`process ${subject.life} did not come to its write ${k} within ${PATIENCE} ms`);
  await subject.kill();
}
