import { describe, it } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { croner } from "../adapters/cron/croner.ts";
import { checkAddressableId } from "../core/ids.ts";
import { dueCell, firingOf, instanceOf, readDue, type ScheduleRecord, setTo, workflowPrefix, writeDue } from "../core/shard/schedule_record.ts";

const cron = croner();
const ms = (text: string): number => Date.parse(text);

function dues(expression: string, timeZone: string, from: string, count: number): string[] {
  const found: string[] = [];
  for (let at: number | null = ms(from); found.length < count;) {
    at = cron.after(expression, timeZone, at);
    if (at === null) break;
    found.push(new Date(at).toISOString().replace(":00.000Z", "Z"));
  }
  return found;
}

describe("croner()", () => {
  it("is due in the time zone that it is given", () => {
    assertEquals(dues("0 3 * * *", "UTC", "2026-07-01T00:00Z", 1), ["2026-07-01T03:00Z"]);
    assertEquals(dues("0 3 * * *", "Europe/Berlin", "2026-07-01T00:00Z", 1), ["2026-07-01T01:00Z"]);
    assertEquals(dues("0 3 * * *", "Asia/Kolkata", "2026-07-01T00:00Z", 1), ["2026-07-01T21:30Z"]);
    assertEquals(dues("0 0 * * MON-FRI", "UTC", "2026-07-03T12:00Z", 2), ["2026-07-06T00:00Z", "2026-07-07T00:00Z"]);
    assertEquals(dues("0 0 * * 0", "UTC", "2026-07-01T00:00Z", 1), ["2026-07-05T00:00Z"]);
    assertEquals(dues("0 0 29 2 *", "UTC", "2026-01-01T00:00Z", 1), ["2028-02-29T00:00Z"]);
  });

  it("moves a time that does not exist to the first moment that does", () => {
    // Berlin, 29 March 2026: 02:00 to 03:00 is left out
    assertEquals(dues("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", 2), ["2026-03-29T01:00Z", "2026-03-30T00:30Z"]);
  });

  it("is due once at a time that exists twice, the first time", () => {
    // Berlin, 25 October 2026: 02:00 to 03:00 comes twice
    assertEquals(dues("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", 2), ["2026-10-25T00:30Z", "2026-10-26T01:30Z"]);
  });

  it("goes on through both at an interval", () => {
    assertEquals(dues("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:15Z", 3), ["2026-03-29T00:30Z", "2026-03-29T01:00Z", "2026-03-29T01:30Z"]);
    assertEquals(dues("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:15Z", 4), [
      "2026-10-25T00:30Z",
      "2026-10-25T01:00Z",
      "2026-10-25T01:30Z",
      "2026-10-25T02:00Z",
    ]);
  });

  for (const zone of ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]) {
    it(`finds as the latest what it found as the next, around the changes of the year, in ${zone}`, () => {
      for (const [from, to] of [["2026-03-06", "2026-04-06"], ["2026-09-30", "2026-11-03"]] as const) {
        for (const expression of ["30 2 * * *", "0 */2 * * *", "0 2,3 * * *", "15 1 * * SUN"]) {
          let before = cron.latest(expression, zone, ms(from)) as number;
          for (let at = cron.after(expression, zone, before) as number; at < ms(to); at = cron.after(expression, zone, at) as number) {
            assert(at > before, `${expression} ${at}`);
            assertEquals(cron.latest(expression, zone, at), at, expression);
            assertEquals(cron.latest(expression, zone, at - 1), before, expression);
            before = at;
          }
        }
      }
    });
  }

  for (
    const [expression, zone, why] of [
      ["0 0 30 2 *", "UTC", /never due/],
      ["0 0 31 2,4,6,9,11 *", "UTC", /never due/],
      ["* * * * * *", "UTC", /five fields/],
      ["60 * * * *", "UTC", /five fields/],
      ["* * * *", "UTC", /five fields/],
      ["2026-01-01T00:00:00", "UTC", /five fields/],
      ["* * * * *", "Mars/Phobos", /no such time zone/],
    ] as const
  ) {
    it(`refuses "${expression}" in ${zone}`, () => assertMatch(cron.refuse(expression, zone) ?? "", why));
  }
  it("refuses nothing that is due", () => {
    for (const expression of ["* * * * *", "0 0 29 2 *", "0 0 31 1,2 *", "0 0 30 2 MON", "0 0 L 2 *", "0 0 * * 5#2"]) {
      assertEquals(cron.refuse(expression, "Europe/Berlin"), undefined, expression);
    }
  });
});

describe("a schedule that has come due", () => {
  const hourly = (catchUp: ScheduleRecord["catchUp"]): ScheduleRecord => (
    { cron: "0 * * * *", timeZone: "UTC", params: "j{}", overlap: "allow", catchUp, paused: false, created: 0, next: ms("2026-01-01T01:00Z") }
  );
  const met = (catchUp: ScheduleRecord["catchUp"], now: string): (string | null)[] => {
    const record = hourly(catchUp);
    const { due, next } = firingOf(record, record.next as number, ms(now), cron);
    return [due, next].map((at) => at === null ? null : new Date(at).toISOString().slice(11, 16));
  };
  it("is met at its time, whatever it does about a downtime", () => {
    for (const catchUp of ["skip", "last", "all"] as const) assertEquals(met(catchUp, "2026-01-01T01:00:30Z"), ["01:00", "02:00"], catchUp);
  });
  it("makes up for the latest, for each in turn, or for none", () => {
    assertEquals(met("last", "2026-01-01T05:30Z"), ["05:00", "06:00"]);
    assertEquals(met("all", "2026-01-01T05:30Z"), ["01:00", "02:00"]);
    assertEquals(met("skip", "2026-01-01T05:30Z"), [null, "06:00"]);
    assertEquals(met("skip", "2026-01-01T05:00:20Z"), ["05:00", "06:00"]);
  });
  it("is where it was when it is set to what it is, and begins anew with another expression", () => {
    const record = hourly("last");
    const now = ms("2026-01-01T05:30Z");
    assertEquals(setTo(record, { ...record, params: "j1" }, now, cron).next, record.next);
    assertEquals(setTo(record, { ...record, cron: "30 * * * *" }, now, cron).next, ms("2026-01-01T06:30Z"));
    assertEquals(setTo(record, { ...record, paused: true }, now, cron).next, null);
  });
});

describe("the cells of schedules", () => {
  it("are in the order of time, and belong to one schedule only", () => {
    const key = { tenant: "a/b", workflow: "Flow", id: "*/5 * * * *" };
    const cell = dueCell(1_700_000_000_000, key);
    assertEquals(readDue(cell, writeDue(key)), { at: 1_700_000_000_000, key });
    assert(cell < dueCell(10_000_000_000_000, key));
    assert(!workflowPrefix("a", "Flow").startsWith(workflowPrefix("a", "F")));
    assert(!workflowPrefix("ab", "F").startsWith(workflowPrefix("a", "bF")));
  });
  it("make ids that can be addressed, of the longest expression, for three thousand years", () => {
    checkAddressableId(instanceOf("*".repeat(256), 99_999_999_999_999));
  });
});
