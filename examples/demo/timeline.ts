/**
 * Draws what the effect log tells: who did what when, before and after the kill.
 *
 * @module
 */
import { type Entry, stepOf, type Stretch, stretches } from "./effect_log.ts";
import { bold, dim, green, red, WIDTH, yellow } from "./screen.ts";

const LABEL = 16;
const COLUMNS = WIDTH - LABEL - 1;

/** The lines of the picture. */
export function timeline(entries: Entry[]): string[] {
  const all = stretches(entries);
  const end = Math.max(1, ...all.map(({ to }) => to));
  const columnOf = (at: number): number => Math.min(COLUMNS - 1, Math.floor(at / end * COLUMNS));
  const killed = entries.findIndex(({ what }) => what === "killed");
  const down = columnOf(entries[killed]?.at ?? end);
  const back = columnOf(entries.slice(killed).find(({ what }) => what === "begin")?.at ?? end);

  const lines = [scale(end, columnOf)];
  for (const name of new Set(all.map(instanceOf))) {
    lanesOf(all.filter((body) => instanceOf(body) === name)).forEach((lane, i) => {
      const cells = Array.from({ length: COLUMNS }, (_, n) => n >= down && n < back ? dim("┊") : " ");
      for (const body of lane) draw(cells, body, columnOf);
      lines.push(`${(i === 0 ? name : "").padEnd(LABEL)} ${cells.join("")}`);
    });
  }
  lines.push(`${" ".repeat(LABEL + 1 + down)}${red("killed")}`);
  lines.push(dim(`${"".padEnd(LABEL)} ━ a body ran   ╳ cut off   ! failed, tried again   ═ ran as attempt 2 or later`));
  return lines;
}

/** Which bodies the kill cut off, and what became of their steps. */
export function cutOff(entries: Entry[]): string[] {
  const all = stretches(entries);
  const killed = entries.find(({ what }) => what === "killed")?.at ?? Infinity;
  const lines: string[] = [];
  for (const body of all.filter(({ from }) => from <= killed)) {
    const next = all.find((other) => stepOf(other) === stepOf(body) && other.attempt > body.attempt);
    const unknown = body.how === "ended" && next !== undefined;
    if (body.how !== "cut off" && !unknown) continue;
    const end = `attempt ${body.attempt} ${red(unknown ? "ended, not recorded" : "╳")} at ${seconds(body.to)}`;
    const again = next === undefined ? "" : `, attempt ${next.attempt} ${green(next.how === "ended" ? "✓" : "!")} at ${seconds(next.to)}`;
    lines.push(`${instanceOf(body).padEnd(LABEL)} ${body.step.padEnd(40)} ${end}${again}`);
  }
  return lines;
}

function instanceOf({ tenant, instance }: Stretch): string {
  return `${tenant}/${instance}`;
}

function seconds(at: number): string {
  return `${(at / 1000).toFixed(2)} s`;
}

function scale(end: number, columnOf: (at: number) => number): string {
  const cells = Array.from({ length: COLUMNS }, () => " ");
  for (let second = 0; second * 1000 < end; second++) {
    const at = columnOf(second * 1000);
    `${second} s`.split("").forEach((char, i) => at + i < COLUMNS && (cells[at + i] = char));
  }
  return `${bold("time".padEnd(LABEL))} ${cells.join("")}`;
}

/** Bodies that ran side by side stand below each other. */
function lanesOf(bodies: Stretch[]): Stretch[][] {
  const lanes: Stretch[][] = [];
  for (const body of bodies) {
    const free = lanes.find((lane) => (lane.at(-1)?.to ?? 0) <= body.from);
    if (free === undefined) lanes.push([body]);
    else free.push(body);
  }
  return lanes;
}

function draw(cells: string[], { from, to, how, attempt }: Stretch, columnOf: (at: number) => number): void {
  const last = columnOf(to);
  const [char, paint] = attempt > 1 ? ["═", yellow] as const : ["━", green] as const;
  for (let n = columnOf(from); n < last; n++) cells[n] = paint(char);
  cells[last] = how === "cut off" ? red("╳") : how === "failed" ? yellow("!") : paint(attempt > 1 ? "╡" : "┥");
}
