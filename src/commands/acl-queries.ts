/** ACL: the subcommands that change nothing about users. */
import { secretHex } from "../base/random.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { DenialEntry } from "../security/denial-log.ts";
import { ALLOWED } from "../security/inquiry.ts";
import type { Category } from "./acl-categories.ts";
import { CATEGORIES } from "./acl-categories.ts";
import { catalogueOf } from "./catalogue.ts";
import { positionOrReply } from "./guards.ts";
import { denialDetail, permissionOf } from "./permission.ts";
import type { Session } from "./session.ts";

const PASSWORD_BITS = 256;
const PASSWORD_BITS_MAX = 4096;
const LOG_ENTRIES = 10;
/** Characters of an unknown category's name that the error shows. */
const SHOWN_MAX = 128;
/** Index of the command that DRYRUN tries. */
const TRIED = 3;

export function listCategories(session: Session, args: Args, reply: Reply): void {
  if (args.count > 3) return wrongCount(args, reply);
  if (args.count === 2) {
    reply.array(CATEGORIES.length);
    for (const name of CATEGORIES) reply.text(name);
    return;
  }
  const name = args.text(2);
  const index = CATEGORIES.indexOf(name.toLowerCase() as Category);
  if (index === -1) return reply.error(`ERR Unknown category '${name.slice(0, SHOWN_MAX)}'`);
  const found = catalogueOf(session.engine.table).commands.filter(
    ({ categories }) => (categories & (1 << index)) !== 0,
  );
  reply.array(found.length);
  for (const { fullName } of found) reply.text(fullName);
}

export function whoAmI(session: Session, _args: Args, reply: Reply): void {
  const { user } = session;
  if (user === null) reply.null();
  else reply.text(user.name);
}

export function makePassword(_session: Session, args: Args, reply: Reply): void {
  if (args.count > 3) return wrongCount(args, reply);
  let bits = PASSWORD_BITS;
  if (args.count === 3) {
    bits = positionOrReply(args, 2, reply);
    if (Number.isNaN(bits)) return;
    if (bits <= 0 || bits > PASSWORD_BITS_MAX) {
      return reply.error(
        "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to " +
          PASSWORD_BITS_MAX,
      );
    }
  }
  reply.text(secretHex(Math.ceil(bits / 4)));
}

export function showDenials(session: Session, args: Args, reply: Reply): void {
  if (args.count > 3) return wrongCount(args, reply);
  const { access, clock } = session.engine;
  let count = LOG_ENTRIES;
  if (args.count === 3) {
    if (args.is(2, "RESET")) {
      access.denials.clear();
      return reply.ok();
    }
    count = positionOrReply(args, 2, reply);
    if (Number.isNaN(count)) return;
  }
  const shown = access.denials.entries.slice(0, Math.max(0, count));
  reply.array(shown.length);
  for (const entry of shown) writeDenial(entry, clock.nowMs, reply);
}

function writeDenial(entry: DenialEntry, nowMs: number, reply: Reply): void {
  reply.map(10);
  reply.text("count");
  reply.integer(entry.count);
  for (const [name, value] of [
    ["reason", entry.reason],
    ["context", entry.context],
    ["object", entry.object],
    ["username", entry.userName],
  ] as const) {
    reply.text(name);
    reply.text(value);
  }
  reply.text("age-seconds");
  reply.double((nowMs - entry.updatedMs) / 1000);
  reply.text("client-info");
  reply.text(entry.client);
  reply.text("entry-id");
  reply.integer(entry.id);
  reply.text("timestamp-created");
  reply.integer(entry.createdMs);
  reply.text("timestamp-last-updated");
  reply.integer(entry.updatedMs);
}

/** Whether a user could run a command line, which is not run. */
export function tryCommand(session: Session, args: Args, reply: Reply): void {
  const { access, table } = session.engine;
  const user = access.users.find(args.text(2));
  if (user === null) return reply.error(`ERR User '${args.text(2).split("\0", 1)[0]}' not found`);
  const name = args.text(TRIED);
  const given = args.count - TRIED;
  const top = name.includes("|") ? null : table.byName(name);
  const hasPart = top !== null && top.subcommands !== null && given > 1;
  const command = hasPart ? top.subcommands!.get(args.text(TRIED + 1).toUpperCase()) : top;
  if (command === null || command === undefined) {
    return reply.error(`ERR Command '${name.split("\0", 1)[0]}' not found`);
  }
  const { arity } = command;
  if (arity > 0 ? given !== arity : given < -arity) {
    return reply.error(`ERR wrong number of arguments for '${command.fullName}' command`);
  }
  const denied = permissionOf(user, command, args, TRIED);
  if (denied === ALLOWED) return reply.ok();
  // If the command itself is denied, nobody asks for the argument.
  reply.text(denialDetail(denied, user.name, command, args.text(user.deniedAt)));
}

function wrongCount(args: Args, reply: Reply): void {
  const wrong = `unknown subcommand or wrong number of arguments for '${args.text(1)}'`;
  reply.error(`ERR ${wrong}. Try ACL HELP.`);
}
