/**
 * `Request` and `Response` for guests whose engine has none. Bodies are held whole: there are no streams.
 *
 * @module
 */
import { GuestHeaders, type HeadersSource } from "./headers.ts";
import { GuestURLSearchParams } from "./search_params.ts";
import { GuestURL } from "./url.ts";

/** What a body can be made of. */
export type BodySource = string | ArrayBuffer | ArrayBufferView | GuestURLSearchParams | null | undefined;

const FORM = "application/x-www-form-urlencoded;charset=UTF-8";
const TEXT = "text/plain;charset=UTF-8";

abstract class GuestBody {
  readonly #bytes: Uint8Array | null;
  #used = false;
  readonly headers: GuestHeaders;

  constructor(source: BodySource | Uint8Array, headers: HeadersSource | undefined) {
    const { bytes, type } = bytesOf(source);
    this.#bytes = bytes;
    this.headers = new GuestHeaders(headers);
    if (type !== undefined && !this.headers.has("content-type")) this.headers.set("content-type", type);
  }

  get bodyUsed(): boolean {
    return this.#used;
  }

  get body(): null {
    if (this.#bytes !== null) throw missing("streams");
    return null;
  }

  // async, so that a body that was read rejects, as the original's does
  // deno-lint-ignore require-await
  async bytes(): Promise<Uint8Array> {
    return this.take().slice();
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer as ArrayBuffer;
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  formData(): Promise<never> {
    return Promise.reject(missing("FormData"));
  }

  blob(): Promise<never> {
    return Promise.reject(missing("Blob"));
  }

  /** The bytes, once. */
  protected take(): Uint8Array {
    if (this.#used) throw new TypeError("Cannot read the body: it has been read");
    if (this.#bytes !== null) this.#used = true;
    return this.#bytes ?? new Uint8Array();
  }

  /** The bytes, for a copy. */
  protected copied(): Uint8Array | null {
    if (this.#used) throw new TypeError("Cannot copy the body: it has been read");
    return this.#bytes;
  }
}

/** What a request is made with. */
export interface RequestOptions {
  readonly method?: string;
  readonly headers?: HeadersSource;
  readonly body?: BodySource;
  readonly signal?: AbortSignal;
  readonly redirect?: string;
}

/** As in the Fetch standard, but for streams and what browsers add. */
export class GuestRequest extends GuestBody {
  readonly url: string;
  readonly method: string;
  readonly redirect: string;
  readonly signal: AbortSignal;

  constructor(input: GuestRequest | GuestURL | string, options: RequestOptions = {}) {
    const from = input instanceof GuestRequest ? input : undefined;
    const method = methodOf(options.method ?? from?.method ?? "GET");
    const body = options.body !== undefined ? options.body : from?.copied();
    if (body !== null && body !== undefined && (method === "GET" || method === "HEAD")) {
      throw new TypeError(`Cannot make a ${method} request with a body`);
    }
    super(body, options.headers ?? from?.headers);
    this.url = from?.url ?? new GuestURL(input as string).href;
    this.method = method;
    this.redirect = options.redirect ?? from?.redirect ?? "follow";
    this.signal = options.signal ?? from?.signal ?? new AbortController().signal;
  }

  clone(): GuestRequest {
    this.copied();
    return new GuestRequest(this);
  }
}

/** What a response is made with. */
export interface ResponseOptions {
  readonly status?: number;
  readonly statusText?: string;
  readonly headers?: HeadersSource;
}

/** As in the Fetch standard, but for streams. */
export class GuestResponse extends GuestBody {
  readonly status: number;
  readonly statusText: string;
  readonly type: string = "default";
  readonly url: string = "";
  readonly redirected: boolean = false;

  constructor(body?: BodySource, options: ResponseOptions = {}) {
    const status = options?.status ?? 200;
    if (!Number.isInteger(status) || status < 200 || status > 599) throw new RangeError(`Cannot respond with the status ${status}`);
    if (body !== null && body !== undefined && [204, 205, 304].includes(status)) {
      throw new TypeError(`Cannot respond with the status ${status} and a body`);
    }
    super(body, options?.headers);
    this.status = status;
    this.statusText = String(options?.statusText ?? "");
  }

  static json(data: unknown, options: ResponseOptions = {}): GuestResponse {
    const text = JSON.stringify(data);
    if (text === undefined) throw new TypeError("Cannot respond with a value that is no JSON");
    const headers = new GuestHeaders(options.headers);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    return new GuestResponse(text, { ...options, headers });
  }

  static redirect(url: string, status = 302): GuestResponse {
    if (![301, 302, 303, 307, 308].includes(status)) throw new RangeError(`Cannot redirect with the status ${status}`);
    return new GuestResponse(null, { status, headers: { location: new GuestURL(url).href } });
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  clone(): GuestResponse {
    const { status, statusText, headers } = this;
    return new GuestResponse(this.copied(), { status, statusText, headers });
  }
}

function bytesOf(source: BodySource): { bytes: Uint8Array | null; type?: string } {
  if (source === null || source === undefined) return { bytes: null };
  if (typeof source === "string") return { bytes: new TextEncoder().encode(source), type: TEXT };
  if (source instanceof GuestURLSearchParams) return { bytes: new TextEncoder().encode(source.toString()), type: FORM };
  if (source instanceof ArrayBuffer) return { bytes: new Uint8Array(source.slice(0)) };
  if (ArrayBuffer.isView(source)) return { bytes: new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice() };
  if (typeof source === "object" && "getReader" in source) throw missing("streams");
  return { bytes: new TextEncoder().encode(String(source)), type: TEXT };
}

function methodOf(given: string): string {
  const upper = String(given).toUpperCase();
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Z]+$/.test(upper) || ["CONNECT", "TRACE", "TRACK"].includes(upper)) {
    throw new TypeError(`Cannot make a request with the method "${upper.slice(0, 60)}"`);
  }
  return ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"].includes(upper) ? upper : String(given);
}

function missing(what: string): TypeError {
  return new TypeError(`Cannot use ${what}: they are not there in this sandbox`);
}
