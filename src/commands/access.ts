/**
 * Access control of a server: its users, the log of refusals, and what becomes of sessions when users change. Who may run a command is
 * asked in `permission.ts`.
 */
import type { Options } from "../base/options.ts";
import { channelsAfterLoss } from "../security/channel-losses.ts";
import { DenialLog } from "../security/denial-log.ts";
import type { Pattern } from "../security/pattern.ts";
import { allowsChannel } from "../security/selector.ts";
import type { User, UserContext } from "../security/user.ts";
import type { UserWatcher } from "../security/users.ts";
import { Users } from "../security/users.ts";
import { catalogueOf } from "./catalogue.ts";
import { PATTERN } from "./channels.ts";
import type { Engine } from "./engine.ts";
import type { Session } from "./session.ts";

export class Access implements UserWatcher {
  readonly users: Users;
  readonly denials: DenialLog = new DenialLog();
  readonly #engine: Engine;
  /** The session whose command changes users right now. */
  #caller: Session | null = null;

  constructor(engine: Engine, options: Options) {
    this.#engine = engine;
    const context: UserContext & { allChannels: boolean } = {
      catalogue: catalogueOf(engine.table),
      allChannels: false,
    };
    this.users = new Users(context);
    options.onChange("acl-pubsub-default", (value) => {
      context.allChannels = value === "allchannels";
    });
    options.onChange("acllog-max-len", (length) => {
      this.denials.lengthMax = Number(length);
    });
    options.onChange("requirepass", (password) => this.users.setDefaultPassword(password));
    this.users.watcher = this;
  }

  /** Sessions begin logged in, as the default user. */
  get isOpen(): boolean {
    const { enabled, noPassword } = this.users.default;
    return enabled && noPassword;
  }

  /** Changes users for a session, which gets the reply whatever becomes of its user. */
  changeFor<T>(session: Session, change: (users: Users) => T): T {
    this.#caller = session;
    try {
      return change(this.users);
    } finally {
      this.#caller = null;
    }
  }

  /** What a config file has to say of users; nothing if there is but the default one with the password of `requirepass`, if any. */
  configLines(): string[] {
    const { all } = this.users;
    const { options } = this.#engine;
    if (options.text("aclfile") !== "") return [];
    const isPlain = all.length === 1 && this.users.isPlain(options.text("requirepass"));
    return isPlain ? [] : all.map((user) => user.describe());
  }

  // ---- what becomes of sessions ----

  changed(user: User, before: User): void {
    const channels = channelsAfterLoss(before, user);
    for (const session of this.#sessionsOf(user)) {
      // Its commands take the longer way or the shorter one from now on.
      session.userChanged();
      if (channels !== null && !keepsSubscriptions(session, channels)) this.#close(session);
    }
  }

  deleted(user: User): void {
    for (const session of this.#sessionsOf(user)) this.#close(session);
  }

  #sessionsOf(user: User): Session[] {
    return [...this.#engine.sessions.values()].filter((session) => session.user === user);
  }

  #close(session: Session): void {
    // Whatever it may still do, it does as nobody.
    session.user = this.users.default;
    session.authenticated = false;
    if (session === this.#caller) {
      session.peer?.closeAfterReplies();
      return;
    }
    this.#engine.removeSession(session);
    session.peer?.close();
  }
}

/** Whether the session could have made all of its subscriptions with these channels. */
function keepsSubscriptions(session: Session, channels: readonly Pattern[]): boolean {
  const audiences = session.subscriptions?.audiences ?? [];
  return audiences.every((some) =>
    [...some].every(({ name, kind }) =>
      allowsChannel(channels, name, 0, name.length, kind === PATTERN),
    ),
  );
}
