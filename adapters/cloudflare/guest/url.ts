/**
 * `URL` for guests whose engine has none: `http` and `https` with a host in ASCII, which is what a request's address
 * is. What it does not know it refuses, so that it never says something else than a whole one.
 *
 * @module
 */
import { GuestURLSearchParams, percent } from "./search_params.ts";

interface Parts {
  protocol: string;
  username: string;
  password: string;
  hostname: string;
  port: string;
  pathname: string;
  search: string;
  hash: string;
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };
const HOST = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/;
const QUAD = /^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;

/** As in the URL standard, as far as it goes. */
export class GuestURL {
  #parts: Parts;
  #params: GuestURLSearchParams | undefined;

  constructor(url: string | { toString(): string }, base?: string | { toString(): string }) {
    const parts = parse(String(url), base === undefined ? undefined : parse(String(base), undefined));
    if (parts === undefined) throw new TypeError(`Invalid URL: ${String(url).slice(0, 200)}`);
    this.#parts = parts;
  }

  static canParse(url: string, base?: string): boolean {
    return GuestURL.parse(url, base) !== null;
  }

  static parse(url: string, base?: string): GuestURL | null {
    try {
      return new GuestURL(url, base);
    } catch {
      return null;
    }
  }

  get href(): string {
    const { username, password, pathname, search, hash } = this.#parts;
    const user = username === "" && password === "" ? "" : `${username}${password === "" ? "" : `:${password}`}@`;
    return `${this.protocol}//${user}${this.host}${pathname}${search}${hash}`;
  }

  get origin(): string {
    return `${this.protocol}//${this.host}`;
  }

  get protocol(): string {
    return this.#parts.protocol;
  }

  get username(): string {
    return this.#parts.username;
  }

  get password(): string {
    return this.#parts.password;
  }

  get host(): string {
    const { hostname, port } = this.#parts;
    return port === "" ? hostname : `${hostname}:${port}`;
  }

  get hostname(): string {
    return this.#parts.hostname;
  }

  get port(): string {
    return this.#parts.port;
  }

  get pathname(): string {
    return this.#parts.pathname;
  }

  set pathname(value: string) {
    this.#parts.pathname = pathOf(String(value), "/");
  }

  get search(): string {
    const { search } = this.#parts;
    return search === "?" ? "" : search;
  }

  set search(value: string) {
    this.#parts.search = String(value) === "" ? "" : queryOf(String(value).replace(/^\?/, ""));
    this.#params = undefined;
  }

  get hash(): string {
    const { hash } = this.#parts;
    return hash === "#" ? "" : hash;
  }

  set hash(value: string) {
    this.#parts.hash = String(value) === "" ? "" : fragmentOf(String(value).replace(/^#/, ""));
  }

  get searchParams(): GuestURLSearchParams {
    const params: GuestURLSearchParams = this.#params ??= new GuestURLSearchParams(this.#parts.search, () => {
      const text = params.toString();
      this.#parts.search = text === "" ? "" : `?${text}`;
    });
    return params;
  }

  toString(): string {
    return this.href;
  }

  toJSON(): string {
    return this.href;
  }
}

function parse(given: string, base: Parts | undefined): Parts | undefined {
  // what the URL standard strips
  // deno-lint-ignore no-control-regex
  const text = given.replace(/^[\u0000-\u0020]+|[\u0000-\u0020]+$/g, "").replace(/[\t\n\r]/g, "");
  const at = text.indexOf("#");
  const hash = at < 0 ? "" : fragmentOf(text.slice(at + 1));
  const rest = at < 0 ? text : text.slice(0, at);
  const mark = rest.indexOf("?");
  const search = mark < 0 ? "" : queryOf(rest.slice(mark + 1));
  const front = (mark < 0 ? rest : rest.slice(0, mark)).replaceAll("\\", "/");
  const absolute = /^([a-zA-Z][a-zA-Z0-9+.-]*):(.*)$/.exec(front);
  if (absolute !== null) {
    const protocol = `${(absolute[1] as string).toLowerCase()}:`;
    if (DEFAULT_PORTS[protocol] === undefined) return undefined;
    const slashes = /^\/\/+/.exec(absolute[2] as string);
    return slashes === null ? undefined : withAuthority(protocol, (absolute[2] as string).slice(slashes[0].length), search, hash);
  }
  if (base === undefined) return undefined;
  if (front.startsWith("//")) return withAuthority(base.protocol, front.replace(/^\/+/, ""), search, hash);
  if (front === "") return { ...base, search: mark < 0 ? base.search : search, hash };
  return { ...base, pathname: pathOf(front, base.pathname), search, hash };
}

function withAuthority(protocol: string, text: string, search: string, hash: string): Parts | undefined {
  const end = text.indexOf("/");
  const authority = end < 0 ? text : text.slice(0, end);
  const sign = authority.lastIndexOf("@");
  const [, username = "", password = ""] = sign < 0 ? [] : /^([^:]*):?(.*)$/.exec(authority.slice(0, sign)) ?? [];
  const [, host = "", port = ""] = /^([^:]*)(?::([0-9]*))?$/.exec(authority.slice(sign + 1)) ?? [];
  const hostname = host.toLowerCase();
  if (!HOST.test(hostname) || !isHost(hostname) || Number(port) > 65_535) return undefined;
  if (/[^!$%&'()*+,\-.0-9A-Z_a-z~]/.test(username + password)) return undefined;
  const number = port === "" ? "" : String(Number(port));
  return { protocol, username, password, hostname, port: number === DEFAULT_PORTS[protocol] ? "" : number, pathname: pathOf(end < 0 ? "/" : text.slice(end), "/"), search, hash };
}

/** What ends in a number is an address, and there are many ways to write one. Punycode is checked by a whole URL only. */
function isHost(hostname: string): boolean {
  const last = hostname.replace(/\.$/, "").split(".").pop() ?? "";
  if (/^xn--/.test(hostname) || hostname.includes(".xn--")) return false;
  return /^(\d+|0x[0-9a-f]*)$/.test(last) ? QUAD.test(hostname) : true;
}

function pathOf(text: string, base: string): string {
  const path = text.replaceAll("\\", "/");
  const whole = path.startsWith("/") ? path : base.slice(0, base.lastIndexOf("/") + 1) + path;
  const kept: string[] = [];
  const parts = whole.split("/").slice(1);
  for (const [n, part] of parts.entries()) {
    const last = n === parts.length - 1;
    const plain = part.replace(/%2e/gi, ".");
    if (plain === "..") kept.pop();
    if (plain === "." || plain === "..") {
      if (last) kept.push("");
    } else kept.push(part);
  }
  return `/${kept.map((part) => escape(part, /[\u0000-\u0020"#<>?`{}^\u007f-\uffff]/)).join("/")}`;
}

function queryOf(text: string): string {
  return `?${escape(text, /[\u0000-\u0020"#<>'\u007f-\uffff]/)}`;
}

function fragmentOf(text: string): string {
  return `#${escape(text, /[\u0000-\u0020"<>`\u007f-\uffff]/)}`;
}

function escape(text: string, unsafe: RegExp): string {
  let out = "";
  for (const char of text) {
    if (!unsafe.test(char)) out += char;
    else for (const byte of new TextEncoder().encode(char)) out += percent(byte);
  }
  return out;
}
