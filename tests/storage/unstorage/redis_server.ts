/** A real Redis that syncs each write, in a folder of its own, on a free port, gone afterwards. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../_shared/free_port.ts";

/** A server that runs. */
export interface RedisServer {
  /** Where it is. */
  readonly url: string;
  /** Stops it and removes its folder. */
  stop(): Promise<void>;
}

/** Starts one, where the machine has `redis-server` or `valkey-server`; or else `undefined`: no package of npm brings it. */
export async function startRedis(): Promise<RedisServer | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "tenure-redis-"));
  const port = await freePort();
  const flags = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "yes", "--appendfsync", "always"];
  for (const program of ["redis-server", "valkey-server"]) {
    const server = spawn(program, flags, { stdio: ["ignore", "ignore", "inherit"] });
    const ended = new Promise<void>((done) => server.once("exit", () => done()).once("error", () => done()));
    const there = await Promise.race([answers(port), ended.then(() => false)]);
    if (!there) continue;
    return {
      url: `redis://127.0.0.1:${port}`,
      async stop() {
        server.kill("SIGTERM");
        await ended;
        rmSync(folder, { recursive: true, force: true });
      },
    };
  }
  rmSync(folder, { recursive: true, force: true });
  return undefined;
}

/** Tries until somebody listens. */
async function answers(port: number): Promise<boolean> {
  for (let tries = 0; tries < 200; tries++) {
    const listening = await new Promise<boolean>((done) => {
      const socket = connect(port, "127.0.0.1", () => (socket.destroy(), done(true))).on("error", () => done(false));
    });
    if (listening) return true;
    await new Promise((done) => setTimeout(done, 50));
  }
  return false;
}
