import type { Result } from "./run.ts";

/** Puts a result into words. */
export function report({ verdict, lacks, figures }: Result): string[] {
  const { violations, created, complete, terminated, bodies, repeats, resumed, starts, kills, drains, stops, served, refused } = verdict;
  const lines: string[] = [];
  if (kills.total > 0) {
    lines.push(
      `${kills.total} kills: ${kills.body} while a body ran, ${kills.commit} while a commit was in flight, ` +
        `one or both ${kills.either} (${share(kills.either, kills.total)}); ${kills.starting} while it started, ${kills.rest} at rest`,
    );
  }
  if (drains.total > 0) lines.push(`${drains.total} times asked to go, ${drains.body} of them while a body ran`);
  if (stops.total > 0) lines.push(`${stops.total} times stopped, ${stops.body} of them while a body ran`);
  lines.push(
    `${created} instances, ${complete} complete and ${terminated} terminated; ${bodies} bodies, of them again: ` +
      Object.entries(repeats).map(([why, n]) => `${n} ${why}`).join(", "),
  );
  if (resumed.length > 0) {
    const first = resumed.filter((each) => each.first);
    lines.push(
      `first effect of an interrupted instance after a restart: ${times(first.map(({ restart }) => restart))}, ` +
        `without what it waited for a core: ${times(first.map(({ restart, waited }) => restart - waited))}`,
      `of it once the runtime had loaded the code: ${times(first.map(({ loaded }) => loaded))}`,
      `each interrupted instance: ${times(resumed.map(({ restart }) => restart))} (${resumed.length} times)`,
    );
  }
  lines.push(`from a start to taking requests: ${times(starts)} (${starts.length} times)`);
  const processes = [...served].filter(([life]) => life > 0);
  if (processes.length <= 8) lines.push(`answers by process: ${processes.map(([life, n]) => `${life}: ${n}`).join(", ")}`);
  if (refused.size > 0) lines.push(`errors that clients got: ${[...refused].map(([code, n]) => `${n} ${code}`).join(", ")}`);
  lines.push(...figures, `${violations.length} violations`, ...violations.slice(0, 20).map((violation) => `  ${violation}`));
  for (const lack of lacks) lines.push(`not shown: ${lack}`);
  return lines;
}

/** Whether all is as it has to be. */
export function isGood({ verdict, lacks }: Result): boolean {
  return verdict.violations.length === 0 && lacks.length === 0;
}

/** Median and maximum. */
export function times(values: number[]): string {
  return `p50 ${Math.round(median(values))} ms, max ${Math.round(Math.max(0, ...values))} ms`;
}

/** The middle one; 0 of none. */
export function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function share(part: number, whole: number): string {
  return `${Math.round(part / whole * 100)} %`;
}
