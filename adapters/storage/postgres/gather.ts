/**
 * Calls that share a statement: what is asked for while one is under way goes together with the next.
 *
 * @module
 */

/** Makes a call of one item out of a call of many, which answers in the order of the items; a failure is everybody's. */
export function gathered<Item, Answer>(call: (items: readonly Item[]) => Promise<readonly Answer[]>, most: number): (item: Item) => Promise<Answer> {
  interface Waiting {
    readonly item: Item;
    resolve(answer: Answer): void;
    reject(error: unknown): void;
  }
  let waiting: Waiting[] = [];
  let under = false;

  async function go(): Promise<void> {
    under = true;
    // whoever asks in the same task goes along
    await Promise.resolve();
    while (waiting.length > 0) {
      const now = waiting.slice(0, most);
      waiting = waiting.slice(most);
      try {
        const answers = await call(now.map(({ item }) => item));
        now.forEach(({ resolve }, at) => resolve(answers[at] as Answer));
      } catch (error) {
        for (const { reject } of now) reject(error);
      }
    }
    under = false;
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (!under) void go();
    });
}
