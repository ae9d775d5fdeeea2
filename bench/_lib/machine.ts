/**
 * What a result has to say about where it was measured.
 *
 * @module
 */
import { cpus, loadavg, platform, release, totalmem } from "node:os";
import process from "node:process";

/** The machine and the moment, in one line. */
export function machineText(): string {
  const [first] = cpus();
  const model = first?.model.trim() || "unknown CPU";
  const memory = Math.round(totalmem() / 2 ** 30);
  const sqlite = process.versions["sqlite"] ?? "?";
  const load = (loadavg()[0] as number).toFixed(1);
  return `${new Date().toISOString().slice(0, 16)}Z, ${cpus().length} × ${model}, ${memory} GiB, ${platform()} ${release()}, ` +
    `Node ${process.versions.node} (SQLite ${sqlite}), load ${load}`;
}
