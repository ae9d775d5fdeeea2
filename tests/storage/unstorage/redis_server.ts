/** A real Redis that syncs each write, in a folder of its own, on a free port, gone afterwards. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { freePort } from "../_shared/free_port.ts";
import { unpackRedis } from "./debian_redis.ts";

/** A server that runs. */
export interface RedisServer {
  /** Where it is. */
  readonly url: string;
  /** Stops it and removes its folder. */
  stop(): Promise<void>;
}

const UNPACKED = fileURLToPath(new URL("node_modules/.redis", import.meta.url));

/**
 * Starts one: the machine's `redis-server` or `valkey-server`, or else Debian's, unpacked for this; `undefined` where
 * there is neither, for no package of npm brings it.
 */
export async function startRedis(): Promise<RedisServer | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "tenure-redis-"));
  const port = await freePort();
  const flags = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "yes", "--appendfsync", "always"];
  for (const find of [() => ({ program: "redis-server" }), () => ({ program: "valkey-server" }), () => unpackRedis(UNPACKED)]) {
    const redis: { program: string; argv0?: string; libraries?: string } | undefined = find();
    if (redis === undefined) break;
    const { program, argv0 = program, libraries } = redis;
    const env = libraries === undefined ? process.env : { ...process.env, LD_LIBRARY_PATH: libraries };
    const server = spawn(program, flags, { argv0, env, stdio: ["ignore", "ignore", "inherit"] });
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
