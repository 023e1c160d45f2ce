/**
 * Publish and subscribe: who listens to which channels, and the way of a message to all of them.
 *
 * There are three kinds of subscriptions: to a channel, to all channels that a pattern matches, and to a shard channel, which has
 * a name space of its own. Those who have subscribed to one name are its audience. A message is written once for each version of
 * the protocol, and all subscribers hold the same bytes until these leave (`Session.push`).
 */
import { copyBytes } from "../base/bytes.ts";
import { matchesGlob } from "../base/glob.ts";
import { INT64_DIGITS_MAX, writeInteger } from "../base/numbers.ts";
import type { Session } from "./session.ts";

/** A kind of subscription, with the first words of what subscribers get. */
export interface Kind {
  /** Place of the kind in lists of all three. */
  readonly index: number;
  readonly joined: string;
  readonly left: string;
  readonly message: string;
  /** Counted together with the others of which this is true. */
  readonly counted: boolean;
}

export const CHANNEL: Kind = {
  index: 0,
  joined: "subscribe",
  left: "unsubscribe",
  message: "message",
  counted: true,
};
export const PATTERN: Kind = {
  index: 1,
  joined: "psubscribe",
  left: "punsubscribe",
  message: "pmessage",
  counted: true,
};
export const SHARD: Kind = {
  index: 2,
  joined: "ssubscribe",
  left: "sunsubscribe",
  message: "smessage",
  counted: false,
};

const KINDS: readonly Kind[] = [CHANNEL, PATTERN, SHARD];

const CR = 13;
const LF = 10;
const DOLLAR = 0x24;
const RESP2_ARRAY = 0x2a;
const RESP3_PUSH = 0x3e;
/** "$", digits, CR LF, and the CR LF behind the string. */
const BULK_EXTRA: number = INT64_DIGITS_MAX + 5;

/** Those who have subscribed to one name. */
export interface Audience {
  readonly kind: Kind;
  readonly name: Buffer;
  /** The name, one character a byte. */
  readonly text: string;
  readonly sessions: Set<Session>;
}

/** What one session has subscribed to. */
export class Subscriptions {
  /** By the index of the kind, in the order in which they came. */
  readonly audiences: readonly Set<Audience>[] = KINDS.map(() => new Set());

  /** Subscriptions that are counted together with those of the kind. */
  count(kind: Kind): number {
    const [channels, patterns, shards] = this.audiences;
    return kind.counted ? channels!.size + patterns!.size : shards!.size;
  }

  get isEmpty(): boolean {
    return this.audiences.every(({ size }) => size === 0);
  }
}

export class Channels {
  /** Sessions with subscriptions. */
  readonly sessions: Set<Session> = new Set();
  /** By the index of the kind, and by name. */
  readonly #audiences: readonly Map<string, Audience>[] = KINDS.map(() => new Map());

  /** The audiences of a kind. */
  of(kind: Kind): ReadonlyMap<string, Audience> {
    return this.#audiences[kind.index]!;
  }

  /** Somebody listens to channels, or to patterns of them. */
  get hasListeners(): boolean {
    return this.of(CHANNEL).size + this.of(PATTERN).size > 0;
  }

  /** Subscribes a session; nothing happens if it has subscribed already. */
  subscribe(session: Session, kind: Kind, name: Buffer): void {
    const text = name.toString("latin1");
    const audiences = this.#audiences[kind.index]!;
    let audience = audiences.get(text);
    if (audience === undefined) {
      audience = { kind, name, text, sessions: new Set() };
      audiences.set(text, audience);
    }
    audience.sessions.add(session);
    const subscriptions = session.subscriptions ?? new Subscriptions();
    subscriptions.audiences[kind.index]!.add(audience);
    session.subscriptions = subscriptions;
    this.sessions.add(session);
  }

  /** Ends a subscription, if there is one. @param text the name, one character a byte */
  unsubscribe(session: Session, kind: Kind, text: string): void {
    const audiences = this.#audiences[kind.index]!;
    const audience = audiences.get(text);
    const { subscriptions } = session;
    if (audience === undefined || subscriptions === null) return;
    audience.sessions.delete(session);
    if (audience.sessions.size === 0) audiences.delete(text);
    subscriptions.audiences[kind.index]!.delete(audience);
    if (!subscriptions.isEmpty) return;
    session.subscriptions = null;
    this.sessions.delete(session);
  }

  /** Ends all subscriptions of a session: it is gone, or begins anew. */
  forget(session: Session): void {
    for (const { index } of KINDS) {
      for (const audience of session.subscriptions?.audiences[index] ?? []) {
        this.unsubscribe(session, audience.kind, audience.text);
      }
    }
  }

  /** Sends content[from, to) to all who listen to the channel name[start, end). Returns how many messages that are. */
  publish(
    name: Buffer,
    start: number,
    end: number,
    content: Buffer,
    from: number,
    to: number,
  ): number {
    const audience = this.of(CHANNEL).get(name.toString("latin1", start, end));
    let count = audience === undefined ? 0 : send(audience, null, 0, 0, content, from, to);
    for (const pattern of this.of(PATTERN).values()) {
      const glob = pattern.name;
      if (!matchesGlob(glob, 0, glob.length, name, start, end)) continue;
      count += send(pattern, name, start, end, content, from, to);
    }
    return count;
  }

  /** Likewise to a shard channel. */
  publishToShard(
    name: Buffer,
    start: number,
    end: number,
    content: Buffer,
    from: number,
    to: number,
  ): number {
    const audience = this.of(SHARD).get(name.toString("latin1", start, end));
    return audience === undefined ? 0 : send(audience, null, 0, 0, content, from, to);
  }
}

/** Sends a message to an audience. @param channel of a pattern's audience: the channel, channel[start, end) */
function send(
  { kind, name, sessions }: Audience,
  channel: Buffer | null,
  start: number,
  end: number,
  content: Buffer,
  from: number,
  to: number,
): number {
  let forResp2: Buffer | null = null;
  let forResp3: Buffer | null = null;
  for (const session of sessions) {
    if (session.version === 3) {
      forResp3 ??= write(RESP3_PUSH, kind, name, channel, start, end, content, from, to);
      session.push(forResp3);
    } else {
      forResp2 ??= write(RESP2_ARRAY, kind, name, channel, start, end, content, from, to);
      session.push(forResp2);
    }
  }
  return sessions.size;
}

function write(
  type: number,
  { message }: Kind,
  name: Buffer,
  channel: Buffer | null,
  start: number,
  end: number,
  content: Buffer,
  from: number,
  to: number,
): Buffer {
  const parts = channel === null ? 3 : 4;
  const size = message.length + name.length + (end - start) + (to - from);
  const out = Buffer.allocUnsafe(size + (parts + 1) * BULK_EXTRA);
  let pos = writeHeader(out, 0, type, parts);
  pos = writeHeader(out, pos, DOLLAR, message.length);
  pos = endLine(out, pos + out.write(message, pos, "latin1"));
  pos = writeBulk(out, pos, name, 0, name.length);
  if (channel !== null) pos = writeBulk(out, pos, channel, start, end);
  pos = writeBulk(out, pos, content, from, to);
  return out.subarray(0, pos);
}

function writeBulk(out: Buffer, at: number, bytes: Buffer, start: number, end: number): number {
  const pos = writeHeader(out, at, DOLLAR, end - start);
  copyBytes(out, pos, bytes, start, end);
  return endLine(out, pos + end - start);
}

function writeHeader(out: Buffer, pos: number, type: number, value: number): number {
  out[pos] = type;
  return endLine(out, writeInteger(out, pos + 1, value));
}

function endLine(out: Buffer, pos: number): number {
  out[pos] = CR;
  out[pos + 1] = LF;
  return pos + 2;
}
