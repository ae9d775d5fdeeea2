/**
 * `Request` and `Response` for guests whose engine has none. A body is bytes, or a stream that is read when it is asked
 * for.
 *
 * @module
 */
import { URL, URLSearchParams } from "whatwg-url-minimum";
import { GuestHeaders, type HeadersSource } from "./headers.ts";

/** What a body can be made of. */
export type BodySource = string | ArrayBuffer | ArrayBufferView | ReadableStream | URLSearchParams | null | undefined;

const FORM = "application/x-www-form-urlencoded;charset=UTF-8";
const TEXT = "text/plain;charset=UTF-8";

/** What stands behind a body: it is shared by nobody. */
class Held {
  bytes: Uint8Array | null;
  stream: ReadableStream | undefined;
  used = false;

  constructor(bytes: Uint8Array | null, stream?: ReadableStream) {
    this.bytes = bytes;
    this.stream = stream;
  }
}

let held: (body: GuestBody) => Held;

abstract class GuestBody {
  readonly #held: Held;
  readonly headers: GuestHeaders;

  static {
    held = (body) => body.#held;
  }

  constructor(source: BodySource | Held, headers: HeadersSource | undefined) {
    const given = source instanceof Held ? { held: source } : heldOf(source);
    this.#held = given.held;
    this.headers = new GuestHeaders(headers);
    const type = "type" in given ? given.type : undefined;
    if (type !== undefined && !this.headers.has("content-type")) this.headers.set("content-type", type);
  }

  get bodyUsed(): boolean {
    return this.#held.used;
  }

  get body(): ReadableStream | null {
    const state = this.#held;
    const { bytes } = state;
    if (bytes === null) return state.stream ?? null;
    return state.stream ??= new ReadableStream({
      pull(controller) {
        state.used = true;
        if (bytes.length > 0) controller.enqueue(bytes.slice());
        controller.close();
      },
    }, { highWaterMark: 0 });
  }

  /** The bytes; when they are more than some, an error as soon as that is seen. */
  async bytes(most: unknown = Infinity): Promise<Uint8Array> {
    const state = this.#held;
    if (state.used) throw new TypeError("Cannot read the body: it has been read");
    const { bytes, stream } = state;
    if (stream?.locked === true) throw new TypeError("Cannot read the body: its stream is locked");
    if (bytes === null && stream === undefined) return new Uint8Array();
    state.used = true;
    const limit = typeof most === "number" ? most : Infinity;
    if (stream !== undefined) return await drained(stream, limit);
    if ((bytes as Uint8Array).length > limit) throw tooLarge(limit);
    return (bytes as Uint8Array).slice();
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
    return Promise.reject(missing("formData()", "FormData"));
  }

  blob(): Promise<never> {
    return Promise.reject(missing("blob()", "Blob"));
  }
}

/** Another body of the same bytes. */
function copied(body: GuestBody): Held {
  const state = held(body);
  if (state.used) throw new TypeError("Cannot copy the body: it has been read");
  if (state.stream === undefined) return new Held(state.bytes);
  const [mine, theirs] = state.stream.tee();
  state.stream = mine;
  return new Held(null, theirs);
}

/** The body of what is made anew: the former one has none any more. */
function moved(body: GuestBody): Held {
  const state = held(body);
  if (state.used) throw new TypeError("Cannot take the body: it has been read");
  const { bytes, stream } = state;
  if (bytes !== null || stream !== undefined) state.used = true;
  return new Held(stream === undefined ? bytes : null, stream);
}

/** What a request is made with. */
export interface RequestOptions {
  readonly method?: string;
  readonly headers?: HeadersSource;
  readonly body?: BodySource;
  readonly signal?: AbortSignal | null;
  readonly redirect?: string;
}

/** As in the Fetch standard, without what only browsers need. */
export class GuestRequest extends GuestBody {
  readonly url: string;
  readonly method: string;
  readonly redirect: string;
  readonly signal: AbortSignal;

  constructor(input: GuestRequest | URL | string, options: RequestOptions = {}) {
    const from = input instanceof GuestRequest ? input : undefined;
    const url = from?.url ?? addressOf(input);
    const { method: given, headers, body, signal, redirect } = options ?? {};
    const method = methodOf(given ?? from?.method ?? "GET");
    const bare = method === "GET" || method === "HEAD";
    if (body !== null && body !== undefined && bare) throw new TypeError(`Cannot make a ${method} request with a body`);
    const kept = body === undefined && from !== undefined && !isEmpty(from);
    if (kept && bare) throw new TypeError(`Cannot make a ${method} request with a body`);
    const mode = redirect ?? from?.redirect ?? "follow";
    if (!["follow", "manual", "error"].includes(mode)) throw new TypeError(`Cannot make a request: there is no redirect mode "${String(mode).slice(0, 60)}"`);
    super(kept ? moved(from) : body, headers ?? from?.headers);
    this.url = url;
    this.method = method;
    this.redirect = mode;
    this.signal = signal ?? (signal === null ? undefined : from?.signal) ?? new AbortController().signal;
  }

  clone(): GuestRequest {
    const { url, method, headers, redirect, signal } = this;
    const body = copied(this);
    const clone = new GuestRequest(url, { method, headers, redirect, signal });
    Object.assign(held(clone), body);
    return clone;
  }

  get [Symbol.toStringTag](): string {
    return "Request";
  }
}

/** What a response is made with. */
export interface ResponseOptions {
  readonly status?: number;
  readonly statusText?: string;
  readonly headers?: HeadersSource;
}

/** What a response of `fetch` has beside. */
const origins = new WeakMap<GuestResponse, { readonly url: string; readonly redirected: boolean }>();

/** As in the Fetch standard. */
export class GuestResponse extends GuestBody {
  readonly status: number;
  readonly statusText: string;
  readonly type: string = "default";

  constructor(body?: BodySource | Held, options: ResponseOptions = {}) {
    const status = Number(options?.status ?? 200);
    if (!Number.isInteger(status) || status < 200 || status > 599) throw new RangeError(`Cannot respond with the status ${status}`);
    if (body !== null && body !== undefined && [204, 205, 304].includes(status)) {
      throw new TypeError(`Cannot respond with the status ${status} and a body`);
    }
    super(body, options?.headers);
    this.status = status;
    this.statusText = String(options?.statusText ?? "");
    if (/[^\t\x20-\x7e\x80-\xff]/.test(this.statusText)) throw new TypeError("Cannot respond with a status text that is none");
  }

  static json(data: unknown, options: ResponseOptions = {}): GuestResponse {
    const text = JSON.stringify(data);
    if (text === undefined) throw new TypeError("Cannot respond with a value that is no JSON");
    const headers = new GuestHeaders(options.headers);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    return new GuestResponse(text, { ...options, headers });
  }

  static redirect(url: string | URL, status = 302): GuestResponse {
    const location = addressOf(url);
    if (![301, 302, 303, 307, 308].includes(status)) throw new RangeError(`Cannot redirect with the status ${status}`);
    return new GuestResponse(null, { status, headers: { location } });
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  get url(): string {
    return origins.get(this)?.url ?? "";
  }

  get redirected(): boolean {
    return origins.get(this)?.redirected ?? false;
  }

  clone(): GuestResponse {
    const { status, statusText, headers } = this;
    const body = copied(this);
    const clone = new GuestResponse(null, { status, statusText, headers });
    Object.assign(held(clone), body);
    const origin = origins.get(this);
    if (origin !== undefined) origins.set(clone, origin);
    return clone;
  }

  get [Symbol.toStringTag](): string {
    return "Response";
  }
}

/** Says where a response came from. */
export function cameFrom<R extends Response | GuestResponse>(response: R, url: string, redirected: boolean): R {
  if (response instanceof GuestResponse) origins.set(response, { url, redirected });
  return response;
}

/** Whether there is no body, not even an empty one. */
export function isEmpty(body: GuestRequest | GuestResponse): boolean {
  const { bytes, stream } = held(body);
  return bytes === null && stream === undefined;
}

function heldOf(source: BodySource): { readonly held: Held; readonly type?: string } {
  const of = (bytes: Uint8Array | null, stream?: ReadableStream): Held => new Held(bytes, stream);
  if (source === null || source === undefined) return { held: of(null) };
  if (source instanceof URLSearchParams) return { held: of(new TextEncoder().encode(source.toString())), type: FORM };
  if (source instanceof ArrayBuffer) return { held: of(new Uint8Array(source.slice(0))) };
  if (ArrayBuffer.isView(source)) return { held: of(new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice()) };
  if (source instanceof ReadableStream) {
    if (source.locked) throw new TypeError("Cannot make a body of a stream that is locked");
    return { held: of(null, source) };
  }
  return { held: of(new TextEncoder().encode(String(source))), type: TEXT };
}

function tooLarge(most: number): RangeError {
  return new RangeError(`The body has more than ${most} bytes`);
}

async function drained(stream: ReadableStream, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const fault = value instanceof Uint8Array ? undefined : new TypeError("Cannot read the body: a chunk of its stream is no Uint8Array");
    const error = fault ?? (length + value.length > most ? tooLarge(most) : undefined);
    if (error !== undefined) {
      reader.cancel(error).catch(() => {});
      throw error;
    }
    chunks.push(value);
    length += value.length;
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

function addressOf(url: unknown): string {
  const { href, username, password } = new URL(String(url));
  if (username !== "" || password !== "") throw new TypeError("Cannot make a request: its URL has credentials");
  return href;
}

function methodOf(given: string): string {
  const upper = String(given).toUpperCase();
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Z]+$/.test(upper) || ["CONNECT", "TRACE", "TRACK"].includes(upper)) {
    throw new TypeError(`Cannot make a request with the method "${upper.slice(0, 60)}"`);
  }
  return ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"].includes(upper) ? upper : String(given);
}

function missing(method: string, what: string): TypeError {
  return new TypeError(`Cannot use ${method}: there is no ${what} in this sandbox`);
}
