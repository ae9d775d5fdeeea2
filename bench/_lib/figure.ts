/**
 * One measured number, with what it has to reach.
 *
 * @module
 */
import { median } from "./stats.ts";

/** A bound: the value counts when it is on the right side of it. */
export type Bound = { readonly atLeast: number } | { readonly atMost: number };

/** Where a figure stands in a table of many. */
export interface Place {
  readonly table: string;
  readonly row: string;
  readonly column: string;
}

/** One line of the result. */
export interface Figure extends Marks {
  /** `line/medium/…/what`: unique within a run. */
  readonly name: string;
  /** The median of the rounds. */
  readonly value: number;
  readonly unit: string;
  /** The lowest and the highest round. */
  readonly low: number;
  readonly high: number;
}

/** What a figure is held against, and where it stands. */
export interface Marks {
  /** What it must reach now: a miss fails the run. */
  readonly bar?: Bound;
  /** What it has to reach in the end. */
  readonly goal?: Bound;
  readonly place?: Place;
}

/** Makes a figure of the values of its rounds. */
export function figure(name: string, unit: string, rounds: readonly number[], marks: Marks = {}): Figure {
  return { name, unit, value: median(rounds), low: Math.min(...rounds), high: Math.max(...rounds), ...marks };
}

/** Whether a value is on the right side. */
export function meets(value: number, bound: Bound): boolean {
  return "atLeast" in bound ? value >= bound.atLeast : value <= bound.atMost;
}

/** A bound in words: `≥ 3`. */
export function boundText(bound: Bound): string {
  return "atLeast" in bound ? `≥ ${bound.atLeast}` : `≤ ${bound.atMost}`;
}

/** A figure as one line of JSON. */
export function figureJson({ name, value, unit, low, high, bar, goal }: Figure): string {
  const number = (n: number): number => Number(n.toPrecision(5));
  return JSON.stringify({
    name,
    value: number(value),
    unit,
    low: number(low),
    high: number(high),
    ...(bar !== undefined && { bar: boundText(bar), ok: meets(value, bar) }),
    ...(goal !== undefined && { goal: boundText(goal) }),
  });
}
