import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { createRoom } from "../core/shard/room.ts";
import { createSlots, type Slots } from "../core/shard/slots.ts";

const TERMS = { concurrency: 10, crashes: 0, mostCrashes: 5, groups: [] };
const key = (id: string) => ({ tenant: "acme", workflow: "Flow", id });

/** One place, which "a" has, and "b" is next. */
function withOneWaiting(): Slots {
  const room = createRoom(1);
  const slots = createSlots(room, 10);
  slots.take(key("a"), "a", TERMS);
  slots.remember(key("b"), "b", 10);
  slots.give("acme", "a");
  room.leave();
  assertEquals(slots.next(), { key: key("b"), text: "b" });
  return slots;
}

describe("slots", () => {
  it("remember nobody beside the place that is kept for it", () => {
    const slots = withOneWaiting();
    assertEquals(slots.remember(key("b"), "b", 10), true);
    // it has ended meanwhile
    slots.unused(key("b"), "b");
    assertEquals([slots.has("acme", "b"), slots.next()], [false, undefined]);
  });

  it("say that a place is kept for it: it need not be looked for", () => {
    const slots = withOneWaiting();
    assertEquals(slots.has("acme", "b"), true);
    assertEquals(slots.take(key("b"), "b", TERMS), true);
    assertEquals(slots.has("acme", "b"), false);
  });

  it("remember nobody beside the quarantine in which it waits", () => {
    const room = createRoom(10);
    const slots = createSlots(room, 10);
    const suspect = { concurrency: 10, crashes: 5, mostCrashes: 5, groups: [] };
    assertEquals(slots.take(key("a"), "a", suspect), true);
    assertEquals(slots.take(key("b"), "b", suspect), false);
    assertEquals(slots.remember(key("b"), "b", 10), true);
    // beside "a", at its last chance, no other suspect runs
    assertEquals(slots.next(), undefined);
    slots.give("acme", "a");
    assertEquals([slots.next(), slots.next()], [{ key: key("b"), text: "b" }, undefined]);
  });
});
