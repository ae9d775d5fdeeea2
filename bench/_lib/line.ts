/**
 * A line of the benchmark: what it measures, and what it is given to do so.
 *
 * @module
 */
import type { Figure } from "./figure.ts";
import type { Medium } from "./media.ts";

/** What a line is given. */
export interface LineContext {
  readonly media: readonly Medium[];
  /** How often each measurement is made; the median counts. */
  readonly rounds: number;
  /** Shorter windows, fewer repetitions: to see that it works, not to compare. */
  readonly quick: boolean;
  /** Tells whoever waits what is being measured. */
  progress(text: string): void;
}

/** One line. */
export interface Line {
  readonly name: string;
  /** In a sentence, for the table. */
  readonly title: string;
  /** Measures; the figures in the order in which they are shown. */
  measure(context: LineContext): Promise<readonly Figure[]>;
}
