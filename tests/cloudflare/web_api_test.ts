import { describe, it } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { GuestRequest, GuestResponse } from "../../adapters/cloudflare/guest/body.ts";
import { GuestHeaders } from "../../adapters/cloudflare/guest/headers.ts";
import { GuestURLSearchParams } from "../../adapters/cloudflare/guest/search_params.ts";
import { GuestURL } from "../../adapters/cloudflare/guest/url.ts";

const PARTS = ["href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"] as const;

describe("a guest's URL", () => {
  const urls = [
    "https://example.com", "http://EXAMPLE.com:80/a/../b/./c", "https://u:p@h.example:8443/x?y=1&z#frag", "https://a.b/ä ö?q=ü 1#é", "HTTP://a/%2e%2E/x", "https:\\\\a\\b", "https://a//b//c",
    "https://a/?", "https://a/#", "https://127.0.0.1:8080/", "https://a:443/", "https://a/b?c=\"<>'", "https://a/b#`<\"", "  https://a/\n\tb ", "https://a./x", "https://a/{}`", "https://a/😀?😀", "https://a/b/..", "https://a/b/.", "https:///a/b",
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

  for (const url of ["", "x", "/x", "ftp://a/", "data:,x", "https://", "https://a:99999/", "https://a b/", "https://ä.example/", "https://xn--a/", "https://[::1]/", "https://1/", "https://0x7f.1/", "https://a:b/", "https:a"]) {
    it(`refuses ${JSON.stringify(url)}, which it does not know, or nobody does`, () => {
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
  for (const text of ["", "?a=1&a=2&b", "a=%zz&b=%41%", "a+b=c%20d", "=x&&&y=", "ü=%FF%C3%BC", "a=b=c", "%F0%9F%98%80=1"]) {
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
    assertThrows(() => new GuestRequest("https://a/", { method: "TRACE" }), TypeError);
    assertThrows(() => new GuestResponse(new Response("x").body as never), TypeError, "streams");
    assertThrows(() => new GuestResponse("x").body, TypeError, "streams");
    const read = new GuestResponse("x");
    await read.text();
    assert(await read.text().then(() => false, (error) => error instanceof TypeError));
    assertThrows(() => read.clone(), TypeError);
  });
});
