/** Users by themselves: rules and their text, what is allowed, passwords, the log of refusals. */
import { describe, expect, test } from "bun:test";
import { DenialLog } from "../../src/security/denial-log.ts";
import type { Inquiry } from "../../src/security/inquiry.ts";
import {
  ALLOWED,
  DENIED_CHANNEL,
  DENIED_COMMAND,
  DENIED_KEY,
  READS,
  WRITES,
} from "../../src/security/inquiry.ts";
import { matchesPassword, passwordOf, passwordOfHash } from "../../src/security/password.ts";
import { Pattern } from "../../src/security/pattern.ts";
import { joinSelectors, readUsers, usersOfLines } from "../../src/security/rule-text.ts";
import type { User } from "../../src/security/user.ts";
import { Users } from "../../src/security/users.ts";
import { Args } from "../../src/protocol/args.ts";
import { matchesGlob } from "../../src/base/glob.ts";
import { seeded } from "../support/seed.ts";
import { catalogue } from "./catalogue.ts";

function users(): Users {
  return new Users({ catalogue, allChannels: false });
}

/** A user with these rules. */
function userOf(...rules: string[]): User {
  const all = users();
  expect(all.set("alice", rules)).toBeNull();
  return all.find("alice")!;
}

/** Asks for a command of the catalogue with these arguments; `keys` are argument indexes with what is done, `channels` as well. */
function ask(
  user: User,
  name: string,
  words: readonly string[],
  keys: readonly (readonly [number, number])[] = [],
  channels: readonly [number, number, boolean] | null = null,
): number {
  const line = new Args();
  line.fill([name, ...words].map((word) => Buffer.from(word, "latin1")));
  const command = catalogue.find(name)!;
  const inquiry: Inquiry = {
    commandId: command.id,
    isFree: false,
    line,
    firstArgument: 1,
    keys: () =>
      keys.length === 0
        ? null
        : {
            count: keys.length,
            positions: keys.map(([at]) => at),
            access: keys.map(([, access]) => access),
          },
    channels: () =>
      channels === null ? null : { first: channels[0], end: channels[1], patterns: channels[2] },
  };
  return user.check(inquiry);
}

describe("rules", () => {
  test("of commands", () => {
    const user = userOf("+@read", "-config|get", "+select|1");
    expect(ask(user, "get", ["k"])).toBe(ALLOWED);
    expect(ask(user, "set", ["k"])).toBe(DENIED_COMMAND);
    expect(ask(user, "config|get", ["get", "x"])).toBe(DENIED_COMMAND);
    expect(ask(user, "select", ["1"])).toBe(ALLOWED);
    expect(ask(user, "select", ["0"])).toBe(DENIED_COMMAND);
    expect(ask(user, "select", [])).toBe(DENIED_COMMAND);
    expect(user.describe()).toBe(
      "user alice off sanitize-payload resetchannels -@all +@read -config|get +select|1",
    );
  });

  test("of a whole command take the place of those about its parts", () => {
    expect(userOf("+config|get", "+get", "+config", "-config").describe()).toEndWith(
      "-@all +get -config",
    );
    expect(userOf("+select|1", "+select|2", "-select").describe()).toEndWith("-@all -select");
    expect(ask(userOf("+select|1", "-select"), "select", ["1"])).toBe(DENIED_COMMAND);
    expect(ask(userOf("+@all", "-config", "+config|get"), "config|get", [])).toBe(ALLOWED);
    expect(userOf("+get", "+@all", "-set").describe()).toEndWith("+@all -set");
  });

  test("of keys, for reading and for writing", () => {
    const user = userOf("+@all", "~a*", "%R~r*", "%W~w*");
    const access = (key: string, how: number) => ask(user, "get", [key], [[1, how]]);
    expect(access("a", READS | WRITES)).toBe(ALLOWED);
    expect(access("r", READS)).toBe(ALLOWED);
    expect(access("r", WRITES)).toBe(DENIED_KEY);
    expect(access("w", WRITES)).toBe(ALLOWED);
    expect(access("w", READS | WRITES)).toBe(DENIED_KEY);
    // Whether a key exists is no secret to those who may use it somehow.
    expect(access("w", 0)).toBe(ALLOWED);
    expect(access("x", 0)).toBe(DENIED_KEY);
    expect(
      ask(
        user,
        "get",
        ["a", "x"],
        [
          [1, READS],
          [2, READS],
        ],
      ),
    ).toBe(DENIED_KEY);
    expect(user.deniedAt).toBe(2);
    expect(userOf("%R~k", "%W~k").describe()).toContain(" ~k ");
  });

  test("of channels; a pattern of channels must be allowed by name", () => {
    const user = userOf("+@all", "~*", "&news.*");
    expect(ask(user, "get", ["news.1"], [], [1, 2, false])).toBe(ALLOWED);
    expect(ask(user, "get", ["other"], [], [1, 2, false])).toBe(DENIED_CHANNEL);
    expect(ask(user, "get", ["news.*"], [], [1, 2, true])).toBe(ALLOWED);
    expect(ask(user, "get", ["news.1"], [], [1, 2, true])).toBe(DENIED_CHANNEL);
  });

  test("of a selector allow together or not at all", () => {
    const user = userOf("+get", "~a", "(+set ~b)", "(", "+select", ")");
    expect(user.selectors).toHaveLength(3);
    expect(ask(user, "set", ["b"], [[1, WRITES]])).toBe(ALLOWED);
    expect(ask(user, "set", ["a"], [[1, WRITES]])).toBe(DENIED_KEY);
    expect(ask(user, "get", ["b"], [[1, READS]])).toBe(DENIED_KEY);
    expect(ask(user, "config", [])).toBe(DENIED_COMMAND);
    expect(userOf("(+set ~b)", "clearselectors").selectors).toHaveLength(1);
  });

  test("that allow everything are noticed, and those that take something away again", () => {
    expect(userOf("+@all", "~*").unrestricted).toBe(false);
    expect(userOf("+@all", "~*", "&*").unrestricted).toBe(true);
    expect(userOf("(+@all ~* &*)").unrestricted).toBe(true);
    expect(userOf("+@all", "~*", "&*", "-get").unrestricted).toBe(false);
    // What does not exist yet is not allowed by all that does.
    expect(userOf("+@all", "~*", "&*", "-get", "+get").unrestricted).toBe(false);
    expect(users().default.unrestricted).toBe(true);
  });

  test("are applied all or none", () => {
    const all = users();
    expect(all.set("alice", ["on", "+get", "nonsense"])).toBe(
      "Error in ACL SETUSER modifier 'nonsense': Syntax error",
    );
    expect(all.find("alice")).toBeNull();
    expect(all.set("alice", ["on", "+get"])).toBeNull();
    expect(all.set("alice", ["off", "-get", "+nonsense"])).not.toBeNull();
    expect(all.find("alice")!.describe()).toBe(
      "user alice on sanitize-payload resetchannels -@all +get",
    );
  });
});

describe("the text of a user", () => {
  const WORDS = [
    ..."on off nopass resetpass >a <a >b ~* ~a:* %R~r %W~w resetkeys &* &c resetchannels".split(
      " ",
    ),
    ..."+@all -@all +get -get +set +config|get -config|get +config -config +select|0 +select|1".split(
      " ",
    ),
    ..."-select +@read -@read +@write -@write clearselectors skip-sanitize-payload reset".split(
      " ",
    ),
    "(~a +get)",
    "(%R~b -@all +@read &x)",
    "()",
  ];

  test("makes the same user again, whatever the rules were", () => {
    const random = seeded("texts of users");
    for (let round = 0; round < 3000; round++) {
      const all = users();
      for (let i = random.below(12); i >= 0; i--) {
        all.set("__proto__", [WORDS[random.below(WORDS.length)]!]);
      }
      const user = all.find("__proto__") ?? all.draft("__proto__");
      const text = user.describe();
      const read = readUsers(`${text}\n`, "file", all);
      if ("errors" in read) throw new Error(`${text}: ${read.errors}`);
      const again = read.users[0]!;
      expect(again.describe()).toBe(text);
      for (const { fullName } of catalogue.commands) {
        const argument = String(random.below(3));
        expect([text, ask(again, fullName, [argument])]).toEqual([
          text,
          ask(user, fullName, [argument]),
        ]);
      }
    }
  });

  test("holds no blank but those between its rules", () => {
    for (const blank of [" ", "\t", "\r", "\n", "\0"]) {
      for (const rule of [`~a${blank}b`, `&a${blank}b`, `+select|a${blank}b`, `+select|${blank}`]) {
        expect(users().set("alice", [rule])).toMatch(/Syntax error$/);
      }
    }
  });

  test("is refused as a whole if a line is wrong, and all that is wrong is said", () => {
    const read = readUsers(
      "user alice on\n\nuser bob +nosuch +@nosuch\r\nuser alice off\nbob\nuser\nuser x >p nonsense #1\nuser y (~a",
      "/f",
      users(),
    );
    expect("errors" in read && read.errors).toBe(
      "/f:3: Error in applying operation '+nosuch': Unknown command or category name in ACL. " +
        "/f:3: Error in applying operation '+@nosuch': Unknown command or category name in ACL. " +
        "WARNING: Duplicate user 'alice' found on line 4. " +
        "/f:5 should start with user keyword followed by the username. " +
        "/f:6 should start with user keyword followed by the username. " +
        "/f:7: Syntax error. " +
        "/f:8: Unmatched parenthesis in selector definition." +
        "WARNING: ACL errors detected, no change to the previously active ACL rules was performed",
    );
  });

  test("can't hold what could not be read back", () => {
    const all = users();
    for (const rule of ["~a b", "&a\tb", "~a\0", "(~a) +get)"]) {
      expect(all.set("alice", [rule])).toContain("Syntax error");
    }
  });

  test("of a config file is refused at the first wrong line", () => {
    const errorOf = (name: string, ...rules: string[]) => {
      const made = usersOfLines([{ name, rules }], users());
      return "error" in made ? made.error : null;
    };
    expect(errorOf("alice", "on", "(~a", "+get)")).toBeNull();
    expect(errorOf("a b")).toBe("Spaces not allowed in ACL usernames");
    expect(errorOf("alice", "+nosuch")).toBe(
      "Error loading ACL rule '+nosuch' for the user named 'alice': Unknown command or category name in ACL",
    );
    const line = { name: "alice", rules: [] };
    expect(usersOfLines([line, line], users())).toEqual({
      error:
        "Error in user declaration 'alice': Duplicate user found. A user can only be defined once in config files",
    });
    expect(joinSelectors(["(~a", "x"])).toEqual({ unmatched: "(~a" });
  });
});

test("a pattern matches as a glob does, whatever its form", () => {
  const random = seeded("patterns of keys");
  const text = (size: number) =>
    Array.from({ length: random.below(size) }, () => "ab*?[\\]:"[random.below(8)]).join("");
  for (let round = 0; round < 20_000; round++) {
    const pattern = Buffer.from(text(6));
    const key = Buffer.from(text(8));
    expect(new Pattern(pattern.toString()).matches(key, 0, key.length)).toBe(
      matchesGlob(pattern, 0, pattern.length, key, 0, key.length),
    );
  }
});

describe("users", () => {
  test("keep their object while they exist, and are replaced together", () => {
    const all = users();
    all.set("alice", ["on", "nopass"]);
    all.set("bob", ["on"]);
    const alice = all.find("alice")!;
    const told: string[] = [];
    all.watcher = {
      changed: (user, before) => told.push(`${before.describe()} -> ${user.describe()}`),
      deleted: (user) => told.push(`deleted ${user.name}`),
    };
    const read = readUsers("user alice off\nuser carol on", "f", all);
    if ("errors" in read) throw new Error(read.errors);
    all.replace(read.users);
    expect(all.find("alice")).toBe(alice);
    expect(all.all.map(({ name }) => name)).toEqual(["alice", "carol", "default"]);
    expect(told).toContain("deleted bob");
    expect(told).toContain(
      "user alice on nopass sanitize-payload resetchannels -@all -> user alice off sanitize-payload resetchannels -@all",
    );
    expect(all.delete("default")).toBe(false);
  });

  test("log in by one of their passwords, if they are on", () => {
    const all = users();
    const may = (password: string) => all.authenticate("alice", Buffer.from(password)) !== null;
    expect(may("one")).toBe(false);
    all.set("alice", [">one", `#${passwordOf("two").hex}`]);
    expect(may("one")).toBe(false);
    all.set("alice", ["on"]);
    expect([may("one"), may("two"), may("three"), may("")]).toEqual([true, true, false, false]);
    all.set("alice", ["nopass"]);
    expect(may("three")).toBe(true);
    all.set("alice", [">three"]);
    expect([may("one"), may("three")]).toEqual([false, true]);
  });

  test("that do not exist have no password, not even an empty one", () => {
    expect(users().authenticate("nobody", Buffer.alloc(0))).toBeNull();
    expect(users().authenticate("", Buffer.alloc(0))).toBeNull();
    expect(matchesPassword(Buffer.alloc(0), [])).toBe(false);
    expect(matchesPassword(Buffer.alloc(0), [passwordOf("")])).toBe(true);
    expect(passwordOfHash("A".repeat(64))).toBeNull();
  });
});

test("the log of refusals counts like ones within a minute, and keeps so many", () => {
  const log = new DenialLog();
  log.lengthMax = 3;
  const add = (object: string, nowMs: number) =>
    log.add({ reason: "key", context: "toplevel", object, userName: "u" }, nowMs, () => `${nowMs}`);
  add("a", 1000);
  add("b", 2000);
  add("a", 3000);
  expect(log.entries.map(({ object, count, client }) => [object, count, client])).toEqual([
    ["a", 2, "3000"],
    ["b", 1, "2000"],
  ]);
  add("b", 62_001);
  expect(log.entries.map(({ object, count, id }) => [object, count, id])).toEqual([
    ["b", 1, 2],
    ["a", 2, 0],
    ["b", 1, 1],
  ]);
  add("c", 62_001);
  expect(log.entries).toHaveLength(3);
  log.lengthMax = 0;
  add("c", 62_001);
  expect(log.entries).toEqual([]);
});
