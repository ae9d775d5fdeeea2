/**
 * One run in one process that nothing happens to.
 *
 * @module
 */
import { conclude, type TestRun } from "./conclude.ts";
import { drive } from "./drive.ts";
import { startServer } from "./server.ts";
import type { Stage } from "./stage.ts";
import type { Tap } from "./tap.ts";

/** Runs what is on a stage to its end. */
export async function runOnce(stage: Stage, begin: Tap["begin"] = stage.answers.of): Promise<TestRun> {
  const { clock, storage, deployed } = stage;
  const server = await startServer(deployed, { clock, storage, tap: { begin, hold: clock.hold } });
  try {
    await drive({ ...stage, server: () => Promise.resolve(server) });
    return await conclude(stage);
  } finally {
    server.kill();
  }
}
