/** ACL: the subcommands that show and change users. */
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Selector } from "../security/selector.ts";
import { hasSpaces } from "../security/selector.ts";
import { DEFAULT_USER } from "../security/users.ts";
import type { Session } from "./session.ts";

export function setUser(session: Session, args: Args, reply: Reply): void {
  const name = args.text(2);
  if (hasSpaces(name)) {
    return reply.error("ERR Usernames can't contain spaces or null characters");
  }
  const rules = textsFrom(args, 3);
  const error = session.engine.access.changeFor(session, (users) => users.set(name, rules));
  if (error === null) reply.ok();
  else reply.error(`ERR ${error}`);
}

export function deleteUsers(session: Session, args: Args, reply: Reply): void {
  const names = textsFrom(args, 2);
  if (names.includes(DEFAULT_USER)) {
    return reply.error("ERR The 'default' user cannot be removed");
  }
  const deleted = session.engine.access.changeFor(
    session,
    (users) => names.filter((name) => users.delete(name)).length,
  );
  reply.integer(deleted);
}

export function getUser(session: Session, args: Args, reply: Reply): void {
  const user = session.engine.access.users.find(args.text(2));
  if (user === null) return reply.null();
  const [root, ...others] = user.selectors;
  const flags = user.flags();
  reply.map(6);
  reply.text("flags");
  reply.set(flags.length);
  for (const flag of flags) reply.text(flag);
  reply.text("passwords");
  reply.array(user.passwords.length);
  for (const { hex } of user.passwords) reply.text(hex);
  writeSelector(root!, reply);
  reply.text("selectors");
  reply.array(others.length);
  for (const selector of others) {
    reply.map(3);
    writeSelector(selector, reply);
  }
}

/** Three pairs of a map. */
function writeSelector(selector: Selector, reply: Reply): void {
  reply.text("commands");
  reply.text(selector.commands.describe());
  reply.text("keys");
  reply.text(selector.describeKeys());
  reply.text("channels");
  reply.text(selector.describeChannels());
}

export function listUsers(session: Session, _args: Args, reply: Reply): void {
  const { all } = session.engine.access.users;
  reply.array(all.length);
  for (const user of all) reply.text(user.describe());
}

export function nameUsers(session: Session, _args: Args, reply: Reply): void {
  const { all } = session.engine.access.users;
  reply.array(all.length);
  for (const { name } of all) reply.text(name);
}

export function loadUsers(session: Session, _args: Args, reply: Reply): void {
  const { engine } = session;
  const error = engine.access.changeFor(session, () => engine.hooks.loadUsers());
  if (error === null) reply.ok();
  else reply.error(error);
}

export function saveUsers(session: Session, _args: Args, reply: Reply): void {
  const error = session.engine.hooks.saveUsers();
  if (error === null) reply.ok();
  else reply.error(error);
}

function textsFrom(args: Args, first: number): string[] {
  return Array.from({ length: args.count - first }, (_, i) => args.text(first + i));
}
