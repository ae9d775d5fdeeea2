/**
 * `npm run bench`: measures Tenure beside its peers and prints a table.
 *
 *     npm run bench -- --only latency    lines whose name contains the word; may be given again
 *     npm run bench -- --json            a line of JSON for each figure, nothing else on stdout
 *     npm run bench -- --quick           short windows, one round: to see that it works
 *     npm run bench -- --profile         where the time of our own runs goes, too
 *
 * It ends with 1 when a bar is missed.
 *
 * @module
 */
import { loadavg } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";
import { type Figure, figureJson, meets } from "./_lib/figure.ts";
import { installPeers, peerVersions } from "./_lib/install.ts";
import type { Line, LineContext } from "./_lib/line.ts";
import { machineText } from "./_lib/machine.ts";
import { findMedia } from "./_lib/media.ts";
import { tablesOf } from "./_lib/report.ts";
import { children, schedules, sweep } from "./_lines/chores.ts";
import { commits } from "./_lines/commits.ts";
import { cpu } from "./_lines/cpu.ts";
import { flood } from "./_lines/flood.ts";
import { herd } from "./_lines/herd.ts";
import { history } from "./_lines/history.ts";
import { latency } from "./_lines/latency.ts";
import { profile } from "./_lines/profile.ts";
import { start } from "./_lines/start.ts";
import { throughput } from "./_lines/throughput.ts";

const LINES: readonly Line[] = [throughput, latency, cpu, commits, history, start, herd, flood, schedules, sweep, children];

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    profile: { type: "boolean", default: false },
  },
});
const begin = performance.now();
const wanted = (name: string): boolean => flags.only.length === 0 || flags.only.some((word) => name.includes(word));
const lines = LINES.filter(({ name }) => wanted(name));
if (lines.length === 0 && !(flags.profile && wanted("profile"))) {
  process.stderr.write(`Cannot measure: no line is named so; there are ${LINES.map(({ name }) => name).join(", ")}\n`);
  process.exit(2);
}

await installPeers();
const { media, remarks } = findMedia();
const context: LineContext = {
  media,
  rounds: flags.quick ? 1 : 3,
  quick: flags.quick,
  progress: (text) => void process.stderr.write(`${text}\n`),
};
const print = (text: string): void => void process.stdout.write(`${text}\n`);

if (!flags.json) {
  print(`${machineText()}\nPeers: ${peerVersions()}`);
  print(`Stores on: ${media.map(({ name }) => name).join(", ")}; medians of interleaved rounds${flags.quick ? " (quick: not to be compared)" : ""}`);
  for (const remark of remarks) print(`Note: ${remark}`);
  print("");
}
let barred = 0, missed = 0;
for (const line of lines) {
  const figures: readonly Figure[] = await line.measure(context);
  for (const { value, bar } of figures) {
    if (bar === undefined) continue;
    barred++;
    if (!meets(value, bar)) missed++;
  }
  print(flags.json ? figures.map(figureJson).join("\n") : tablesOf(line.title, figures));
}
if (flags.profile && wanted("profile")) {
  const text = await profile(context);
  if (flags.json) process.stderr.write(text);
  else print(text);
}
if (!flags.json) {
  const seconds = Math.round((performance.now() - begin) / 1000);
  print(`${barred - missed} of ${barred} bars met, ${seconds} s, load ${(loadavg()[0] as number).toFixed(1)}`);
}
process.exitCode = missed > 0 ? 1 : 0;
