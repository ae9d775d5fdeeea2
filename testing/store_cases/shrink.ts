/**
 * A failure with as few steps as it takes: halves are left out first, then ever smaller parts, then single steps.
 *
 * @module
 */
import type { CaseError } from "./check.ts";

/** How often it is tried: a try on a slow store takes seconds. */
const TRIES = 60;

/**
 * Leaves steps out as long as it still fails.
 *
 * @param fails plays some steps; answers how they failed, if they did
 */
export async function shrink(
  steps: readonly number[],
  error: CaseError,
  fails: (steps: readonly number[]) => Promise<CaseError | undefined>,
): Promise<{ readonly steps: readonly number[]; readonly error: CaseError }> {
  let tries = 0;
  for (let size = steps.length >> 1; size > 0 && tries < TRIES; size >>= 1) {
    // From the end: what comes after a failure is never needed.
    for (let end = steps.length; end > 0 && tries < TRIES; end -= size) {
      const fewer = [...steps.slice(0, Math.max(0, end - size)), ...steps.slice(end)];
      if (fewer.length === 0) continue;
      tries++;
      const failed = await fails(fewer);
      if (failed !== undefined) [steps, error] = [fewer, failed];
    }
  }
  return { steps, error };
}
