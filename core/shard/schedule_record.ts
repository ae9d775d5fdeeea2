/**
 * A schedule as its shard's cells hold it, and what is due of it: pure.
 *
 * Two cells: what the schedule is, found by its name; and, while it is to come due, an entry by time and name, so that
 * what is due next is read in order however many schedules there are. None of them is kept in memory.
 *
 * @module
 */
import { keyText } from "../ids.ts";
import type { Cron } from "../ports/cron.ts";
import type { InstanceKey } from "../ports/store.ts";

/** What happens when the instance before has not ended. */
export type Overlap = "allow" | "skip";
/** What happens with due times at which nobody was there to make an instance. */
export type CatchUp = "skip" | "last" | "all";

/** What can be set. */
export interface ScheduleSettings {
  readonly cron: string;
  readonly timeZone: string;
  /** Encoded. */
  readonly params: string;
  readonly overlap: Overlap;
  readonly catchUp: CatchUp;
  readonly paused: boolean;
}

/** What is known of a schedule. */
export interface ScheduleRecord extends ScheduleSettings {
  /** When it was made, ms. */
  readonly created: number;
  /** The due time that comes next, ms; `null`: none does, or it is paused. */
  readonly next: number | null;
  /** What it made last. */
  readonly last?: { readonly due: number; readonly id: string };
  /** Why it made none, the last time that it did not. */
  readonly error?: { readonly due: number; readonly code: string; readonly message: string };
}

/** Prefix of the entries by time. */
export const DUE = "due/";
const DIGITS = 16;
/** Later than this it was missed, ms. */
const LATE = 60_000;

/** Key of a schedule's cell; its `id` is the schedule's. */
export function scheduleCell(key: InstanceKey): string {
  return `${workflowPrefix(key.tenant, key.workflow)}${key.id}`;
}

/** What the keys of a workflow's schedules begin with. */
export function workflowPrefix(tenant: string, workflow: string): string {
  return `${tenantPrefix(tenant)}${workflow.length}:${workflow}`;
}

/** What the keys of a tenant's schedules begin with. */
export function tenantPrefix(tenant: string): string {
  return `schedule/${tenant.length}:${tenant}`;
}

/** Which schedule of a tenant a cell is of: the other way round. */
export function scheduleNamed(tenant: string, cell: string): Pick<InstanceKey, "workflow" | "id"> {
  const rest = cell.slice(tenantPrefix(tenant).length), colon = rest.indexOf(":");
  const end = colon + 1 + Number(rest.slice(0, colon));
  return { workflow: rest.slice(colon + 1, end), id: rest.slice(end) };
}

/** Reads a schedule's cell. */
export function readSchedule(text: string | null): ScheduleRecord | undefined {
  return text === null ? undefined : JSON.parse(text) as ScheduleRecord;
}

/** Key of the entry by time. */
export function dueCell(at: number, key: InstanceKey): string {
  return `${DUE}${String(at).padStart(DIGITS, "0")}/${keyText(key)}`;
}

/** Its value. */
export function writeDue({ tenant, workflow, id }: InstanceKey): string {
  return JSON.stringify([tenant, workflow, id]);
}

/** Reads such an entry. */
export function readDue(key: string, value: string): { readonly at: number; readonly key: InstanceKey } {
  const [tenant, workflow, id] = JSON.parse(value) as [string, string, string];
  return { at: Number(key.slice(DUE.length, DUE.length + DIGITS)), key: { tenant, workflow, id } };
}

/**
 * The id of the instance of a due time: Cloudflare's, for a schedule that is named by its expression. It is the same
 * however often, and by whomever, the due time is met; so what was made for it is not made again.
 */
export function instanceOf(schedule: string, due: number): string {
  return `${schedule}-${due}`;
}

/**
 * The cells that change with a schedule.
 *
 * @param unsettled the cells of changes before may not be in the store yet, and may come behind these: then the entry by time goes with this one, too
 */
export function cellsOf(
  key: InstanceKey,
  before: ScheduleRecord | undefined,
  after: ScheduleRecord | undefined,
  unsettled: boolean,
): { readonly key: string; readonly value: string | null }[] {
  const cells: { key: string; value: string | null }[] = [];
  cells.push({ key: scheduleCell(key), value: after === undefined ? null : JSON.stringify(after) });
  const old = before?.next ?? null, next = after?.next ?? null;
  if (old === next && !unsettled) return cells;
  if (old !== null && old !== next) cells.push({ key: dueCell(old, key), value: null });
  if (next !== null) cells.push({ key: dueCell(next, key), value: writeDue(key) });
  return cells;
}

/** A schedule as it is set now; set to what it was, it goes on as if nothing had been. */
export function setTo(before: ScheduleRecord | undefined, settings: ScheduleSettings, now: number, cron: Cron): ScheduleRecord {
  const same = before?.cron === settings.cron && before.timeZone === settings.timeZone && !before.paused;
  const next = settings.paused ? null : same ? before.next : cron.after(settings.cron, settings.timeZone, now);
  return {
    ...settings,
    created: before?.created ?? now,
    next,
    ...(before?.last && { last: before.last }),
    ...(before?.error && { error: before.error }),
  };
}

/** A schedule that has come due: the due time that is met now (`null`: it was missed), and the one that comes next. */
export interface Firing {
  readonly due: number | null;
  readonly next: number | null;
}

/** What is to be done of a schedule whose `next` is not later than `now`. */
export function firingOf({ cron, timeZone, catchUp }: ScheduleRecord, next: number, now: number, times: Cron): Firing {
  // never earlier than what was promised, whatever another release makes of the expression
  const latest = catchUp === "all" ? next : Math.max(next, times.latest(cron, timeZone, now) ?? next);
  const missed = catchUp === "skip" && now - latest > LATE;
  return { due: missed ? null : latest, next: times.after(cron, timeZone, missed ? now : latest) };
}
