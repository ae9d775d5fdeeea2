/**
 * The warm images of versions that ran lately, under a budget of bytes.
 *
 * @module
 */
import { type Image, imageBytes } from "./image.ts";

/** Keeps what was used last. */
export class ImageCache {
  readonly #budgetBytes: number;
  /** In the order of use, least lately used first. */
  readonly #images = new Map<string, Image>();
  #bytes = 0;

  /** Makes an empty one. */
  constructor(budgetBytes: number) {
    this.#budgetBytes = budgetBytes;
  }

  /** The image under a key. */
  get(key: string): Image | undefined {
    const image = this.#images.get(key);
    if (image === undefined) return undefined;
    this.#images.delete(key);
    this.#images.set(key, image);
    return image;
  }

  /** Keeps an image; an image that is larger than the whole budget is not kept. */
  set(key: string, image: Image): void {
    this.delete(key);
    this.#images.set(key, image);
    this.#bytes += imageBytes(image);
    for (const oldest of this.#images.keys()) {
      if (this.#bytes <= this.#budgetBytes) break;
      this.delete(oldest);
    }
  }

  /** Forgets an image. */
  delete(key: string): void {
    const image = this.#images.get(key);
    if (image === undefined) return;
    this.#images.delete(key);
    this.#bytes -= imageBytes(image);
  }

  /** Forgets all. */
  clear(): void {
    this.#images.clear();
    this.#bytes = 0;
  }
}
