/** Something that happens once. */
export interface Latch {
  readonly opened: Promise<void>;
  isOpen(): boolean;
  open(): void;
}

/** Makes one that has not happened. */
export function latch(): Latch {
  let is = false;
  let resolve = (): void => {};
  const opened = new Promise<void>((done) => resolve = done);
  return {
    opened,
    isOpen: () => is,
    open() {
      is = true;
      resolve();
    },
  };
}
