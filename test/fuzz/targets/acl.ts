/**
 * Rules of users: right ones and damaged ones, a rule a line. Refused ones change nothing. Of those that are taken, the text that
 * ACL LIST prints makes the same user again, by ACL SETUSER and by a file of users; and whatever the user may do can be asked.
 */
import type { Random } from "../../../src/base/random.ts";
import { readUsers } from "../../../src/security/rule-text.ts";
import { damage } from "../../persistence/damage.ts";
import { show } from "../../support/resp-value.ts";
import { pick } from "../../support/seed.ts";
import { TestEngine } from "../../support/test-engine.ts";
import type { Run, Target } from "../target.ts";

const WORDS: readonly string[] = [
  ..."on off nopass resetpass reset >pass <pass >two resetkeys allkeys ~* ~a:* %R~r* %W~w %RW~rw*".split(
    " ",
  ),
  ..."allchannels resetchannels &* &news.* +@all -@all +@read -@write +@dangerous +get -set +config|get".split(
    " ",
  ),
  ..."-config +select|0 +client|id allcommands nocommands clearselectors sanitize-payload".split(
    " ",
  ),
  ..."skip-sanitize-payload +@nosuch +nosuch|x #e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".split(
    " ",
  ),
  ..."(+get ( ) (~a ~b) (+@all (%R~x) ~ % & + - > < # !".split(" "),
  "~[a-z]*\\*?",
  "(~key* +get -set)",
  "%~x",
  "%X~x",
  "~__proto__",
  "+__proto__",
  "+@constructor",
];

/** Lines that users are asked about. */
const TRIED: readonly (readonly string[])[] = [
  ["GET", "a:1"],
  ["SET", "w", "x"],
  ["CONFIG", "GET", "x"],
  ["MSET", "a:1", "x", "rw1", "y"],
  ["PUBLISH", "news.1", "x"],
  ["EVAL", "return 1", "1", "a:1"],
];

export const acl: Target = {
  name: "acl",
  what: "rules of users, right and damaged: what is taken reads back as the same (S10, S19)",
  hangMs: 50,
  start: () => new AclRun(),
};

class AclRun implements Run {
  readonly #server: TestEngine = new TestEngine();

  make(random: Random): Buffer {
    const rules = Array.from({ length: 1 + random.below(6) }, () => pick(random, WORDS));
    const bytes = Buffer.from(rules.join("\n"), "latin1");
    return random.below(3) === 0 ? damage(random, bytes) : bytes;
  }

  check(bytes: Buffer): string {
    const server = this.#server;
    const rules = bytes.toString("latin1").split("\n");
    server.run("ACL", "SETUSER", "u", "reset", "+@read", "~before*");
    const before = this.#listed("u");
    const reply = show(server.run("ACL", "SETUSER", "u", ...rules));
    for (const line of TRIED) server.run("ACL", "DRYRUN", "u", ...line);
    const after = this.#listed("u");
    if (reply === "+OK") this.#readBack(after);
    else if (!/^-ERR (Error in ACL|Unmatched parenthesis)/.test(reply)) throw new Error(reply);
    else if (after !== before) throw new Error(`refused, and now ${after}`);
    server.run("ACL", "DELUSER", "u", "v");
    return reply === "+OK" ? "taken" : "refused";
  }

  /** The user's line without its beginning. */
  #listed(name: string): string {
    const list = this.#server.run("ACL", "LIST");
    if (list.type !== "array") throw new Error(show(list));
    const start = `user ${name} `;
    for (const item of list.items) {
      if ("text" in item && item.text.startsWith(start)) return item.text.slice(start.length);
    }
    throw new Error(`no user ${name}`);
  }

  #readBack(text: string): void {
    const words = text.split(" ");
    const reply = show(this.#server.run("ACL", "SETUSER", "v", "reset", ...words));
    if (reply !== "+OK") throw new Error(`"${text}" is refused: ${reply}`);
    const again = this.#listed("v");
    if (again !== text) throw new Error(`"${text}" reads back as "${again}"`);
    const file = readUsers(`user v ${text}\n`, "x", this.#server.engine.access.users);
    if ("errors" in file) throw new Error(`"${text}" in a file: ${file.errors}`);
    const described = file.users[0]?.describe();
    if (described !== `user v ${text}`) throw new Error(`"${text}" in a file is "${described}"`);
  }
}
