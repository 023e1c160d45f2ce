/** The words of `hutch import`, and addresses. */
import { describe, expect, test } from "bun:test";
import { parseAddress, parseImport } from "../../src/cli/import-request.ts";

describe("an address", () => {
  test("is a host and a port, or a URL", () => {
    const plain = { user: "", password: "", database: null, tls: false };
    expect(parseAddress("db.example:7000")).toEqual({
      ...{ ...plain, host: "db.example", port: 7000, shown: "db.example:7000" },
    });
    expect(parseAddress("[::1]:7000")).toMatchObject({ host: "::1", shown: "[::1]:7000" });
    expect(parseAddress("redis://db.example")).toMatchObject({ host: "db.example", port: 6379 });
    expect(parseAddress("valkey://[::1]:7000/3")).toMatchObject({
      ...{ host: "::1", port: 7000, database: 3, shown: "[::1]:7000/3" },
    });
    expect(parseAddress("redis://me:s%40cret@db.example:7000")).toMatchObject({
      ...{ user: "me", password: "s@cret", shown: "db.example:7000" },
    });
  });

  test("says by its scheme whether it is reached by TLS", () => {
    for (const [scheme, tls] of [
      ["redis", false],
      ["rediss", true],
      ["valkey", false],
      ["valkeys", true],
    ] as const) {
      expect(parseAddress(`${scheme}://me:secret@db.example:7000/3`)).toMatchObject({
        ...{ host: "db.example", port: 7000, user: "me", password: "secret", database: 3, tls },
      });
    }
  });

  test("that can't be used is refused, and a path is none", () => {
    expect(parseAddress("http://db.example")).toContain("http:// is not supported");
    expect(parseAddress("redis://db.example/x")).toContain("no number of a database");
    expect(parseAddress("redis://db.example:99999")).toContain("the address of a server is");
    expect(parseAddress("db.example:99999")).toContain("is no address");
    expect(parseAddress("redis://:%zz@db.example")).toContain("no two digits");
    for (const path of ["dump.rdb", "/data/dump.rdb", "./a:b", "appendonlydir"]) {
      expect(parseAddress(path)).toBe(null);
    }
  });
});

describe("the words of an import", () => {
  test("name a server with defaults for the rest", () => {
    expect(parseImport(["a:1"], "secret")).toMatchObject({
      kind: "server",
      source: { host: "a", password: "secret" },
      target: { host: "127.0.0.1", port: 6379, password: "" },
      replaces: false,
      match: null,
      statePath: "hutch-import.state",
    });
    expect(parseImport(["redis://:own@a", "--replace", "--match", "x*"], "other")).toMatchObject({
      source: { password: "own" },
      replaces: true,
      match: "x*",
    });
  });

  test("ask for TLS, and say whom to trust", () => {
    expect(parseImport(["a:1", "--tls"], "")).toMatchObject({
      ...{ source: { tls: true }, target: { tls: false }, authoritiesPath: null, insecure: false },
    });
    expect(parseImport(["rediss://a", "--cacert", "ca.pem", "--insecure"], "")).toMatchObject({
      ...{ source: { tls: true }, authoritiesPath: "ca.pem", insecure: true },
    });
    expect(parseImport(["a:1", "--to", "rediss://b", "--insecure"], "")).toMatchObject({
      ...{ source: { tls: false }, target: { tls: true }, insecure: true },
    });
    expect(parseImport(["a:1", "--insecure"], "")).toContain("--insecure is for servers that");
    expect(parseImport(["dump.rdb", "--tls"], "")).toContain("--tls is for imports from a running");
  });

  test("name a file", () => {
    expect(parseImport(["dump.rdb"], "")).toEqual({
      kind: "file",
      path: "dump.rdb",
      directory: "./hutch-data",
    });
  });

  test("that make no sense are refused", () => {
    for (const [words, reason] of [
      [[], ""],
      [["a:1", "--to"], "--to needs a value"],
      [["a:1", "--too"], "unknown option --too"],
      [["a:1", "b:1"], "more than one source: a:1 and b:1"],
      [["dump.rdb", "--to", "b:1"], "--to is for imports from a running server"],
      [["a:1", "--to", "dump.rdb"], "dump.rdb is no address of a server"],
      [["a:1", "--dir", "x"], "--dir is for imports from a file; --to names a running server"],
      [
        ["a:1", "--to", "redis://b/1"],
        "keys go to the databases that they come from; --to names none",
      ],
    ] as const) {
      expect(parseImport(words, "")).toBe(reason);
    }
  });
});
