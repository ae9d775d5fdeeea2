/**
 * The peers: brought by `npm ci` in this folder.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { install } from "../../tests/_runner/install.ts";

const FOLDER = fileURLToPath(new URL("..", import.meta.url));

/** Installs what is missing; says so on stderr. */
export const installPeers = (): Promise<void> => install(FOLDER);

/** Names and versions of what is measured against. */
export function peerVersions(): string {
  const { dependencies } = JSON.parse(readFileSync(`${FOLDER}package.json`, "utf8")) as { dependencies: Record<string, string> };
  return Object.entries(dependencies).map(([name, version]) => `${name} ${version}`).join(", ");
}
