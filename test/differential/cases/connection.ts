/** Commands about connections: HELLO, AUTH, SELECT, CLIENT and the like. */
import type { RespValue } from "../../support/resp-value.ts";
import { show } from "../../support/resp-value.ts";
import type { Case } from "../case.ts";

/** Two replies to HELLO: the same but for the version and the client's id. */
function sameHello(ours: RespValue, theirs: RespValue): boolean {
  const plain = (value: RespValue): string =>
    show(value)
      .replace(/"\d+\.\d+\.\d+"/, "VERSION")
      .replace(/"id"(:|,) :\d+/, "ID");
  return plain(ours) === plain(theirs);
}

/** Both are lines about clients, the first with all fields of the second and the same values where they can be compared. */
function sameClientLines(ours: RespValue, theirs: RespValue): boolean {
  if (show(ours) === show(theirs)) return true;
  const parsed = [ours, theirs].map((value) => {
    if (value.type !== "bulk" && value.type !== "verbatim") return null;
    const format = value.type === "verbatim" ? value.format : "";
    return { format, lines: value.text.split("\n").map((line) => line.split(" ")) };
  });
  const [a, b] = parsed;
  if (!a || !b || a.format !== b.format || a.lines.length !== b.lines.length) return false;
  return b.lines.every((fields, index) => {
    const own = new Map(a.lines[index]!.map((field) => field.split("=") as [string, string]));
    return fields.every((field) => {
      const [name, value] = field.split("=") as [string, string];
      if (!own.has(name)) return false;
      return !COMPARED.has(name) || own.get(name) === value;
    });
  });
}

const COMPARED: ReadonlySet<string> = new Set(
  "name flags db sub psub ssub multi argv-mem multi-mem oll omem events cmd user redir resp".split(
    " ",
  ),
);

export const cases: readonly Case[] = [
  {
    name: "PING and ECHO",
    steps: [
      "PING",
      "PING hello",
      "PING a b",
      "ECHO hello",
      "ECHO",
      "ECHO a b",
      'PING "\\x00\\xff"',
    ],
  },
  {
    name: "SELECT takes the number of a database",
    steps: [
      ...[
        "0",
        "15",
        "16",
        "-1",
        "x",
        "",
        "01",
        "1.0",
        "2147483648",
        "9223372036854775808",
        " 1",
      ].map((index) => ["SELECT", index]),
      "SELECT",
      "SELECT 1 2",
    ],
  },
  {
    name: "HELLO",
    compare: sameHello,
    steps: [
      "HELLO",
      "HELLO 3",
      "HELLO 2",
      "HELLO 2 AUTH default x SETNAME me",
      "CLIENT GETNAME",
      ...["1", "4", "x", "", "03", "-1", "9223372036854775808", "+3", "3.0"].map((version) => [
        "HELLO",
        version,
      ]),
      "HELLO 3 FOO",
      "HELLO 3 AUTH",
      "HELLO 3 AUTH a",
      "HELLO 3 SETNAME",
      "HELLO 3 AUTH nobody x",
      "HELLO 3 AUTH nobody x SETNAME",
      'HELLO 3 SETNAME "a b"',
      "hello 3 setname You auth default x",
      "CLIENT GETNAME",
    ],
  },
  {
    name: "AUTH without a password set",
    steps: ["AUTH x", "AUTH default x", "AUTH nobody x", "AUTH a b c", "AUTH", "AUTH Default x"],
  },
  {
    name: "a password is demanded from the connections that come after it is set",
    cleanup: [["AUTH", "pw"], 'CONFIG SET requirepass ""'],
    data: false,
    protocols: [2],
    steps: [
      "CONFIG SET requirepass pw",
      "PING",
      { run: "PING", on: "b" },
      { run: "GET", on: "b" },
      { run: "NOSUCH x", on: "b" },
      { run: "CLIENT ID", on: "b" },
      { run: "CLIENT NOSUCH", on: "b" },
      { run: "HELLO 2", on: "b", compare: "error-class" },
      { run: "HELLO 4", on: "b" },
      { run: "AUTH x", on: "b" },
      { run: "AUTH nobody pw", on: "b" },
      { run: "AUTH pw", on: "b" },
      { run: "PING", on: "b" },
      { run: "AUTH x", on: "b" },
      { run: "PING", on: "b" },
      { run: "RESET", on: "b" },
      { run: "PING", on: "b" },
      { run: "HELLO 2 AUTH default pw", on: "b", compare: sameHello },
      { run: "PING", on: "b" },
      'CONFIG SET requirepass ""',
    ],
  },
  {
    name: "RESET",
    steps: [
      "SELECT 5",
      "CLIENT SETNAME me",
      "RESET",
      "CLIENT GETNAME",
      { run: "CLIENT INFO", compare: sameClientLines },
      "GET x",
      "RESET x",
    ],
  },
  {
    name: "CLIENT SETNAME and GETNAME",
    steps: [
      "CLIENT GETNAME",
      ...["me", "!~", "a b", "a\nb", "\x7f", "\x80", "a\tb", "", "__proto__"].flatMap((name) => [
        ["CLIENT", "SETNAME", name],
        "CLIENT GETNAME",
      ]),
      "CLIENT SETNAME",
      "CLIENT SETNAME a b",
      "CLIENT GETNAME x",
    ],
  },
  {
    name: "CLIENT INFO and LIST",
    compare: sameClientLines,
    steps: [
      "CLIENT INFO",
      "SELECT 7",
      "CLIENT SETNAME lister",
      "CLIENT NO-EVICT on",
      "CLIENT INFO",
      "CLIENT LIST TYPE replica",
      "CLIENT LIST TYPE master",
      "CLIENT LIST TYPE pubsub",
      "CLIENT LIST ID 0 999999999",
      { run: "CLIENT LIST TYPE x", compare: "exact" },
      { run: "CLIENT LIST TYPE", compare: "exact" },
      { run: "CLIENT LIST TYPE normal x", compare: "exact" },
      { run: "CLIENT LIST ID", compare: "exact" },
      { run: "CLIENT LIST ID x", compare: "exact" },
      { run: "CLIENT LIST ID 1 x", compare: "exact" },
      { run: "CLIENT LIST x", compare: "exact" },
      { run: "CLIENT INFO x", compare: "exact" },
      { run: "CLIENT ID", compare: "type" },
      { run: "CLIENT ID x", compare: "exact" },
    ],
  },
  {
    name: "CLIENT KILL",
    steps: [
      "CLIENT KILL",
      "CLIENT KILL x",
      "CLIENT KILL 127.0.0.1:1",
      "CLIENT KILL ID 0",
      "CLIENT KILL ID x",
      "CLIENT KILL ID -5",
      "CLIENT KILL ID 999999999",
      "CLIENT KILL ID 999999999 ID 999999998",
      "CLIENT KILL ADDR x",
      "CLIENT KILL LADDR x",
      "CLIENT KILL TYPE x",
      "CLIENT KILL TYPE slave",
      "CLIENT KILL TYPE REPLICA SKIPME no",
      "CLIENT KILL TYPE master",
      "CLIENT KILL TYPE pubsub",
      "CLIENT KILL USER nobody",
      'CLIENT KILL USER "a b"',
      "CLIENT KILL SKIPME x",
      "CLIENT KILL SKIPME yes ID 999999999",
      "CLIENT KILL ID 1 x",
      "CLIENT KILL x y",
      "CLIENT KILL x y z",
      "CLIENT KILL ADDR x LADDR y TYPE normal USER default SKIPME yes ID 999999999",
    ],
  },
  {
    name: "CLIENT REPLY",
    steps: [
      { run: "CLIENT REPLY SKIP", frames: 0 },
      { run: "PING", frames: 0 },
      "PING",
      { run: "CLIENT REPLY SKIP", frames: 0 },
      { run: "NOSUCH", frames: 0 },
      { run: "CLIENT REPLY SKIP", frames: 0 },
      { run: "CLIENT REPLY SKIP", frames: 0 },
      { run: "SET k v", frames: 0 },
      "GET k",
      { run: "CLIENT REPLY SKIP", frames: 0 },
      "CLIENT REPLY ON",
      { run: "CLIENT REPLY OFF", frames: 0 },
      { run: "PING", frames: 0 },
      { run: "CLIENT REPLY SKIP", frames: 0 },
      { run: "PING", frames: 0 },
      { run: "CLIENT REPLY x", frames: 0 },
      { run: "SET k w", frames: 0 },
      "CLIENT REPLY ON",
      "GET k",
      "CLIENT REPLY",
      "CLIENT REPLY x",
      "CLIENT REPLY ON x",
      { run: "CLIENT REPLY SKIP", frames: 0 },
      { run: "RESET", frames: 0 },
      { run: "CLIENT REPLY OFF", frames: 0 },
      "RESET",
    ],
  },
  {
    name: "CLIENT PAUSE, its errors",
    steps: [
      "CLIENT PAUSE",
      "CLIENT PAUSE x",
      "CLIENT PAUSE -1",
      "CLIENT PAUSE 1.5",
      "CLIENT PAUSE 99999999999999999999",
      "CLIENT PAUSE 0",
      "CLIENT PAUSE 0 WRITE",
      "CLIENT PAUSE 0 x",
      "CLIENT PAUSE x x",
      "CLIENT PAUSE 0 all",
      "CLIENT PAUSE 0 WRITE x",
      "CLIENT UNPAUSE",
      "CLIENT UNPAUSE x",
    ],
  },
  {
    name: "a pause of writes lets reads pass",
    steps: [
      "SET k v",
      "CLIENT PAUSE 100000 WRITE",
      "GET k",
      { run: "GET k", on: "b" },
      { run: "SET k", on: "b" },
      "CLIENT UNPAUSE",
      { run: "SET k w", on: "b" },
    ],
  },
  {
    name: "CLIENT NO-EVICT",
    steps: ["CLIENT NO-EVICT on", "CLIENT NO-EVICT OFF", "CLIENT NO-EVICT x", "CLIENT NO-EVICT"],
  },
  {
    name: "CLIENT and its subcommands, wrongly called",
    steps: [
      "CLIENT",
      "CLIENT x",
      "CLIENT HELP x",
      'CLIENT ""',
      "CLIENT __proto__",
      'CLIENT "a\\nb"',
    ],
  },
  {
    name: "unknown commands are named in the error",
    steps: [
      "foo",
      "foo a b c",
      ["foo", "x".repeat(127), "b", "c"],
      ["foo", "x".repeat(124), "b", "c"],
      ["foo", "x".repeat(200)],
      ["f".repeat(300), "x"],
      ["foo\0bar", "a\0b"],
      ["foo", "\r\n", "a\rb\n"],
      ["", "x"],
      ["CLIENT", "x".repeat(300)],
      ["CLIENT", "a\0b"],
    ],
  },
];
