/** All cases. */
import type { Case } from "../case.ts";
import { BRIDGE } from "./bridge.ts";
import { CONTROL } from "./control.ts";
import { LOADER } from "./loader.ts";
import { REPLAY } from "./replay.ts";
import { ROLLBACK } from "./rollback.ts";
import { STEP } from "./step.ts";
import { TIME } from "./time.ts";
import { VALUE } from "./value.ts";

/** In the order of the table. */
export const CASES: readonly Case[] = [...STEP, ...VALUE, ...TIME, ...CONTROL, ...ROLLBACK, ...LOADER, ...BRIDGE, ...REPLAY];
