import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { URL as GuestURL, URLSearchParams as GuestURLSearchParams } from "whatwg-url-minimum";
import { GuestRequest, GuestResponse } from "../../adapters/cloudflare/guest/body.ts";
import { GuestHeaders } from "../../adapters/cloudflare/guest/headers.ts";
import { makeSubtle } from "../../adapters/cloudflare/guest/digest.ts";
import { GuestDOMException } from "../../adapters/cloudflare/guest/dom_exception.ts";

const PARTS = ["href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"] as const;

describe("a guest's URL", () => {
  const urls = [
    "https://example.com", "http://EXAMPLE.com:80/a/../b/./c", "https://u:p@h.example:8443/x?y=1&z#frag", "https://a.b/ä ö?q=ü 1#é", "HTTP://a/%2e%2E/x", "https:\\\\a\\b", "https://a//b//c",
    "https://a/?", "https://a/#", "https://127.0.0.1:8080/", "https://a:443/", "https://a/b?c=\"<>'", "https://a/b#`<\"", "  https://a/\n\tb ", "https://a./x", "https://a/{}`", "https://a/😀?😀", "https://a/b/..", "https://a/b/.", "https:///a/b",
    "ftp://a/", "data:,x y", "mailto:a@b", "file:///a/b/../c", "https://ä.example/", "https://Bücher.example/ß", "https://[::1]:80/", "https://[0:0::1]/", "https://1/", "https://0x7f.1/", "https:a", "blob:https://a/b", "javascript:1", "https://xn--bcher-kva.example/", "https://☃.net/",
  ];
  for (const url of urls) {
    it(`reads ${JSON.stringify(url)} as the runtime does`, () => {
      const ours = new GuestURL(url), theirs = new URL(url);
      for (const part of PARTS) assertEquals(ours[part], theirs[part], part);
      assertEquals([...ours.searchParams], [...theirs.searchParams]);
    });
  }

  for (const relative of ["", "x", "./x/y", "../x", "../../../x", "/x?y", "?q", "#h", "//other.example/z", "x#h?q", "a/b/../c", "."]) {
    it(`resolves ${JSON.stringify(relative)} as the runtime does`, () => {
      const base = "https://example.com/a/b/c?d#e";
      assertEquals(new GuestURL(relative, base).href, new URL(relative, base).href);
    });
  }

  for (const url of ["", "x", "/x", "https://", "https://a:99999/", "https://a b/", "https://a:b/", "https://[1::2::3]/", "https://1.2.3.4.5/", "https://%00/", "https://a%zz/", "//a"]) {
    it(`refuses ${JSON.stringify(url)} as the runtime does`, () => {
      assertThrows(() => new URL(url), TypeError);
      assertThrows(() => new GuestURL(url), TypeError);
      assertEquals([GuestURL.canParse(url), GuestURL.parse(url)], [false, null]);
    });
  }

  it("changes with its search params, and they with it", () => {
    for (const url of [new GuestURL("https://a/?x=1"), new URL("https://a/?x=1")]) {
      url.searchParams.append("y", "a b&ü");
      url.searchParams.delete("x");
      assertEquals(url.href, "https://a/?y=a+b%26%C3%BC");
      url.search = "q=2";
      url.hash = "z";
      url.pathname = "p/../ä";
      assertEquals([url.searchParams.get("q"), url.href, JSON.stringify(url)], ["2", "https://a/%C3%A4?q=2#z", '"https://a/%C3%A4?q=2#z"']);
    }
  });
});

describe("a guest's URLSearchParams", () => {
  for (const text of ["", "?a=1&a=2&b", "a=%zz&b=%41%", "a+b=c%20d", "=x&&&y=", "ü=%C3%BC", "a=b=c", "%F0%9F%98%80=1"]) {
    it(`reads and writes ${JSON.stringify(text)} as the runtime does`, () => {
      const ours = new GuestURLSearchParams(text), theirs = new URLSearchParams(text);
      assertEquals([[...ours], ours.toString()], [[...theirs], theirs.toString()]);
    });
  }
  it("is changed as the runtime's", () => {
    const of = <P extends GuestURLSearchParams | URLSearchParams>(params: P) => {
      params.append("b", "3");
      params.set("a", "9");
      params.sort();
      params.delete("c");
      return [[...params], params.get("b"), params.getAll("b"), params.has("c"), [...params.keys()], [...params.values()], params.size];
    };
    assertEquals(of(new GuestURLSearchParams({ b: "1", a: "2", c: "x" })), of(new URLSearchParams({ b: "1", a: "2", c: "x" })));
    assertEquals([...new GuestURLSearchParams([["a", "1"], ["a", "2"]])], [["a", "1"], ["a", "2"]]);
  });
});

describe("a guest's Headers", () => {
  it("hold what they are given, in the standard's order", () => {
    const headers = new GuestHeaders({ Gone: "x" });
    headers.append("X-B", " 2 ");
    headers.append("x-b", "3");
    headers.append("Set-Cookie", "a=1");
    headers.append("set-cookie", "b=2");
    headers.set("A", "1");
    headers.delete("Gone");
    assertEquals([...headers], [["a", "1"], ["set-cookie", "a=1"], ["set-cookie", "b=2"], ["x-b", "2, 3"]]);
    assertEquals([headers.get("X-b"), headers.getSetCookie(), headers.has("gone"), headers.get("none")], ["2, 3", ["a=1", "b=2"], false, null]);
  });
  for (const [name, value] of [["a b", "x"], ["", "x"], ["a", "x\ny"], ["a", "x\u0000"], ["ä", "x"]] as const) {
    it(`refuse ${JSON.stringify([name, value])}`, () => {
      assertThrows(() => new GuestHeaders([[name, value]]), TypeError);
    });
  }
});

describe("a guest's Request and Response", () => {
  it("have the bodies, types and copies of the standard", async () => {
    const text = new GuestResponse("ü"), bytes = new GuestResponse(new Uint8Array([1, 2, 3]).subarray(1)), form = new GuestResponse(new GuestURLSearchParams("a=b"));
    const copy = text.clone(), json = GuestResponse.json({ a: 1 }, { status: 201 });
    assertEquals([await text.text(), text.bodyUsed, text.headers.get("content-type"), await copy.text()], ["ü", true, "text/plain;charset=UTF-8", "ü"]);
    assertEquals([[...new Uint8Array(await bytes.arrayBuffer())], bytes.headers.get("content-type")], [[2, 3], null]);
    assertEquals([await form.text(), form.headers.get("content-type")], ["a=b", "application/x-www-form-urlencoded;charset=UTF-8"]);
    assertEquals([json.status, json.ok, json.headers.get("content-type"), await json.json()], [201, true, "application/json", { a: 1 }]);
    assertEquals([new GuestResponse(null, { status: 204, statusText: "None" }).statusText, new GuestResponse().status], ["None", 200]);
    assertEquals(GuestResponse.redirect("https://a/b", 303).headers.get("location"), "https://a/b");
    const request = new GuestRequest("https://a/b", { method: "post", body: "x", headers: { a: "b" } });
    const again = new GuestRequest(request, { headers: { c: "d" } });
    assertEquals([request.method, again.url, again.headers.get("a"), again.headers.get("c"), await again.text()], ["POST", "https://a/b", null, "d", "x"]);
  });

  it("refuse what the standard refuses, and what is not there", async () => {
    assertThrows(() => new GuestResponse("x", { status: 204 }), TypeError);
    assertThrows(() => new GuestResponse("x", { status: 99 }), RangeError);
    assertThrows(() => new GuestRequest("https://a/", { body: "x" }), TypeError);
    assertThrows(() => new GuestRequest("/relative"), TypeError);
    assertThrows(() => new GuestRequest("https://user:word@a/"), TypeError, "credentials");
    assertThrows(() => new GuestRequest("https://a/", { method: "TRACE" }), TypeError);
    assertThrows(() => new GuestRequest("https://a/", { redirect: "elsewhere" }), TypeError);
    await assertRejects(() => new GuestResponse("x").formData(), TypeError, "there is no FormData");
    await assertRejects(() => new GuestResponse("x").blob(), TypeError, "there is no Blob");
    const read = new GuestResponse("x");
    await read.text();
    await assertRejects(() => read.text(), TypeError, "has been read");
    assertThrows(() => read.clone(), TypeError);
    const moved = new GuestRequest("https://a/", { method: "POST", body: "x" });
    assertEquals(await new GuestRequest(moved).text(), "x");
    assertEquals(moved.bodyUsed, true);
    await assertRejects(() => moved.text(), TypeError);
  });

  it("give their body as a stream, and take one", async () => {
    const bytes = (text: string) => new TextEncoder().encode(text);
    const texts = (...all: string[]) => new ReadableStream({ start: (to) => (all.forEach((text) => to.enqueue(bytes(text))), to.close()) });
    const response = new GuestResponse("ab");
    const body = response.body as ReadableStream<Uint8Array>;
    assertEquals([response.bodyUsed, response.body === body], [false, true]);
    const reader = body.getReader();
    await assertRejects(() => response.text(), TypeError, "locked");
    assertEquals([await reader.read(), (await reader.read()).done, response.bodyUsed], [{ value: bytes("ab"), done: false }, true, true]);
    assertEquals(new GuestResponse().body, null);
    const streamed = new GuestResponse(texts("a", "b", "c"));
    const copy = streamed.clone();
    assertEquals([await streamed.text(), await copy.text(), await new GuestRequest("https://a/", { method: "PUT", body: texts("x", "y") }).text()], ["abc", "abc", "xy"]);
    const locked = texts("x");
    locked.getReader();
    assertThrows(() => new GuestResponse(locked), TypeError, "locked");
  });

  it("read no more of a stream than they may, and nothing of what is not bytes", async () => {
    let cancelled: unknown, given = 0;
    const endless = (chunk: unknown) => new ReadableStream({ pull: (to) => (given++, to.enqueue(chunk)), cancel: (reason) => void (cancelled = reason) });
    await assertRejects(() => new GuestResponse(endless(new Uint8Array(1000))).bytes(10_000), RangeError, "more than 10000 bytes");
    assert(given <= 12 && cancelled instanceof RangeError, `${given}`);
    await assertRejects(() => new GuestResponse(endless("text")).bytes(), TypeError, "no Uint8Array");
    await assertRejects(() => new GuestResponse("12345").bytes(4), RangeError);
  });
});

describe("a guest's crypto.subtle", () => {
  const subtle = makeSubtle() as SubtleCrypto;
  for (const name of ["SHA-1", "SHA-256", "SHA-384", "SHA-512"]) {
    for (const length of [0, 1, 63, 64, 65, 1000]) {
      it(`digests ${length} bytes by ${name} as the runtime does`, async () => {
        const bytes = Uint8Array.from({ length }, (_, n) => n * 7 & 255);
        assertEquals(new Uint8Array(await subtle.digest(name.toLowerCase(), bytes)), new Uint8Array(await crypto.subtle.digest(name, bytes)));
        assertEquals(new Uint8Array(await subtle.digest({ name }, bytes.buffer)), new Uint8Array(await crypto.subtle.digest({ name }, bytes.buffer)));
      });
    }
  }
  it("digests by MD5, as workers do", async () => {
    assertEquals([...new Uint8Array(await subtle.digest("MD5", new TextEncoder().encode("abc")))].map((byte) => byte.toString(16).padStart(2, "0")).join(""), "900150983cd24fb0d6963f7d28e17f72");
  });
  it("refuses by name what is not there", async () => {
    for (const refused of [() => subtle.digest("SHA-3", new Uint8Array()), () => subtle.importKey("raw", new Uint8Array(), "AES-GCM", false, [])]) {
      const error = await refused().then(() => undefined, (error) => error as Error);
      assertEquals(error?.name, "NotSupportedError");
    }
    await assertRejects(() => subtle.digest("SHA-1", "text" as never), TypeError);
  });
});

describe("a guest's DOMException", () => {
  for (const args of [[], ["text"], ["text", "AbortError"], ["text", "Own"]] as [string?, string?][]) {
    it(`made of ${JSON.stringify(args)} says what the runtime's says`, () => {
      const ours = new GuestDOMException(...args), theirs = new DOMException(...args);
      assertEquals([ours.name, ours.message, ours.code, ours instanceof Error, String(ours)], [theirs.name, theirs.message, theirs.code, true, String(theirs)]);
    });
  }
});
