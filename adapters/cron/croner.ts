/**
 * Cron expressions by croner: five fields, in any time zone that the runtime knows.
 *
 * Where the clock is put forward, a time that does not exist is due at the first moment that does, and where it is put
 * back, a time that exists twice is due once, the first time. An expression with `*` or a step in its minutes or hours
 * means an interval: it goes on through both, so it skips what does not exist and is due in both hours.
 *
 * @module
 */
import { Cron as Croner, CronPattern } from "croner";
import type { Cron } from "../../core/ports/cron.ts";

/** Expressions that are kept read: reading one costs as much as some hundred of its due times. */
const KEPT = 1_000;
/** Days of the months of a leap year. */
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Makes it. */
export function croner(): Cron {
  const kept = new Map<string, Croner>();

  function read(cron: string, timeZone: string): Croner {
    const key = `${timeZone} ${cron}`;
    const found = kept.get(key);
    if (found !== undefined) return found;
    const made = new Croner(cron, { timezone: timeZone, mode: "5-part", fixedTimeRule: "no-wildcard", paused: true });
    if (kept.size >= KEPT) kept.delete(kept.keys().next().value as string);
    kept.set(key, made);
    return made;
  }

  return {
    refuse(cron, timeZone) {
      try {
        new Intl.DateTimeFormat("en", { timeZone });
      } catch {
        return "there is no such time zone";
      }
      try {
        const pattern = new CronPattern(cron, timeZone, { mode: "5-part" });
        if (isNever(pattern) || read(cron, timeZone).nextRun(new Date(0)) === null) return "it is never due";
        return undefined;
      } catch {
        return "it has to have five fields of minute, hour, day of the month, month and day of the week";
      }
    },
    after: (cron, timeZone, at) => read(cron, timeZone).nextRun(new Date(at))?.getTime() ?? null,
    latest: (cron, timeZone, at) => read(cron, timeZone).previousRuns(1, new Date(at + 1))[0]?.getTime() ?? null,
  };
}

/** Whether its days are in none of its months: to find that out by looking for one takes through all years. */
function isNever({ day, month, starDOW, lastDayOfMonth, lastWeekday, nearestWeekdays }: CronPattern): boolean {
  if (!starDOW || lastDayOfMonth || lastWeekday || nearestWeekdays.some((set) => set !== 0)) return false;
  return !month.some((set, m) => set !== 0 && day.slice(0, DAYS[m]).some((due) => due !== 0));
}
