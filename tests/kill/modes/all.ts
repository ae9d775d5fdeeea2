import { cluster, machines } from "./cluster.ts";
import { corrupt } from "./corrupt.ts";
import { drain } from "./drain.ts";
import { effect } from "./effect.ts";
import { frozen } from "./frozen.ts";
import { full } from "./full.ts";
import { loop } from "./loop.ts";
import type { Mode } from "./mode.ts";
import { random } from "./random.ts";
import { skew } from "./skew.ts";
import { two } from "./two.ts";
import { write } from "./write.ts";

/** Every mode. */
export const modes: readonly Mode[] = [random, effect, write, loop, drain, two, skew, frozen, full, corrupt, cluster, machines];
