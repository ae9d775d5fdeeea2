/**
 * Scopes by `AsyncLocalStorage`, for guests whose turns overlap with real I/O. On Node, Deno and Bun.
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { ContextTracker, Scope } from "../guest/context.ts";

interface Place {
  readonly guest: object;
  readonly scope: Scope | undefined;
}

// One for all guests: on Node 22 every further one makes every promise of the process dearer.
const places = new AsyncLocalStorage<Place>();

/** What code of a guest finds out about where it runs. */
export function currentGuest(): object | undefined {
  return places.getStore()?.guest;
}

/** Runs something outside of any guest, so that nothing it starts belongs to one. */
export function outsideGuests(run: () => void): void {
  places.exit(run);
}

/** Runs something of the host's so that {@linkcode currentGuest} answers with `guest` in it, and no guest's own code is meant. */
export function insideGuest<T>(guest: object, run: () => T): T {
  return places.run({ guest, scope: undefined }, run);
}

/** What runs something where code runs now. */
export function capturedPlace(): <T>(run: () => T) => T {
  return AsyncLocalStorage.snapshot() as <T>(run: () => T) => T;
}

/**
 * A tracker that follows a guest's code through promises and callbacks.
 *
 * @param guest what {@linkcode currentGuest} answers in it
 */
export function asyncContext(guest: object): ContextTracker {
  let enter: ((what: () => void) => void) | undefined;
  return {
    current() {
      const place = places.getStore();
      return place?.guest === guest ? place.scope : undefined;
    },
    run(scope, what) {
      if (scope.id !== 0) return places.run({ guest, scope }, what);
      // the run is entered again with every settlement: its place is made once
      enter ??= places.run({ guest, scope }, () => AsyncLocalStorage.snapshot());
      enter(what);
    },
  };
}
