/** All cases. */
import type { Case } from "../case.ts";
import { BRIDGE } from "./bridge.ts";
import { CONTROL } from "./control.ts";
import { CREATE } from "./create.ts";
import { LOADER } from "./loader.ts";
import { REPLAY } from "./replay.ts";
import { ROLLBACK } from "./rollback.ts";
import { STEP } from "./step.ts";
import { SUBSCRIBE } from "./subscribe.ts";
import { TIME } from "./time.ts";
import { VALUE } from "./value.ts";

/** By what they are about, in the order of the table. */
export const AREAS: Readonly<Record<string, readonly Case[]>> = {
  "steps, retries, failures": STEP,
  "results and streams": VALUE,
  "sleeps, waits, events": TIME,
  "create, get, status, delete": CREATE,
  "pause, terminate, restart": CONTROL,
  "subscribe": SUBSCRIBE,
  "rollback": ROLLBACK,
  "Worker Loader": LOADER,
  "bridge and tenants": BRIDGE,
  "replay, and an engine that is killed": REPLAY,
};

/** All of them. */
export const CASES: readonly Case[] = Object.values(AREAS).flat();
