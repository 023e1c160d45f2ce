/**
 * Publish and subscribe: who listens to which channels, and the way of a message to all of them.
 *
 * There are three kinds of subscriptions: to a channel, to all channels that a pattern matches, and to a shard channel, which has
 * a name space of its own. Those who have subscribed to one name are its audience. A message is written once for each version of
 * the protocol, into a batch of the audience, and all subscribers send the bytes of that (`MessageBatch`).
 */
import { copyBytes, equalBytes } from "../base/bytes.ts";
import { matchesGlob } from "../base/glob.ts";
import type { HashSeed } from "../base/hash.ts";
import type { Named } from "../base/name-map.ts";
import { NameMap } from "../base/name-map.ts";
import { INT64_DIGITS_MAX, writeInteger } from "../base/numbers.ts";
import type { Deliveries } from "./deliveries.ts";
import { BATCH_SIZE_MAX, MessageBatch } from "./push-queue.ts";
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
const LINE_END = Buffer.from("\r\n");
/** "$", digits, CR LF, and the CR LF behind the string. */
const BULK_EXTRA: number = INT64_DIGITS_MAX + 5;

/** What is published to those of an audience who speak one version of the protocol. */
interface Edition {
  /** The first parts of each message. */
  readonly head: Buffer;
  readonly batch: MessageBatch;
}

/** Those who have subscribed to one name. */
export class Audience implements Named {
  readonly kind: Kind;
  readonly name: Buffer;
  readonly sessions: Set<Session> = new Set();
  /** By version of the protocol. */
  readonly #editions: (Edition | undefined)[] = [];

  constructor(kind: Kind, name: Buffer) {
    this.kind = kind;
    this.name = name;
  }

  /**
   * Sends the message content[from, to) to all. Returns to how many.
   * @param channel of a pattern: the channel channel[start, end); else null
   */
  send(
    epoch: number,
    channel: Buffer | null,
    start: number,
    end: number,
    content: Buffer,
    from: number,
    to: number,
  ): number {
    if (this.#following(epoch) < this.sessions.size) {
      for (const session of this.sessions)
        session.follow(this.#edition(session.version, epoch).batch);
    }
    for (const edition of this.#editions) {
      if (edition === undefined || edition.batch.epoch !== epoch) continue;
      if (edition.batch.followers === 0) continue;
      append(edition, channel, start, end, content, from, to);
    }
    return this.sessions.size;
  }

  /** How many are about to get what is appended to the batches as they are. */
  #following(epoch: number): number {
    let count = 0;
    for (const edition of this.#editions) {
      if (edition === undefined || edition.batch.epoch !== epoch) continue;
      if (edition.batch.length < BATCH_SIZE_MAX) count += edition.batch.followers;
    }
    return count;
  }

  #edition(version: number, epoch: number): Edition {
    const edition = this.#editions[version];
    if (edition !== undefined) {
      const { batch } = edition;
      if (batch.epoch !== epoch) batch.reuse(epoch);
      if (batch.length < BATCH_SIZE_MAX) return edition;
    }
    const head =
      edition?.head ?? headOf(version === 3 ? RESP3_PUSH : RESP2_ARRAY, this.kind, this.name);
    const fresh: Edition = { head, batch: new MessageBatch(epoch) };
    this.#editions[version] = fresh;
    return fresh;
  }
}

function append(
  { head, batch }: Edition,
  channel: Buffer | null,
  start: number,
  end: number,
  content: Buffer,
  from: number,
  to: number,
): void {
  batch.ensure(head.length + (end - start) + (to - from) + 2 * BULK_EXTRA);
  copyBytes(batch.bytes, batch.length, head, 0, head.length);
  batch.length += head.length;
  if (channel !== null) appendBulk(batch, channel, start, end);
  appendBulk(batch, content, from, to);
}

/** Bytes of an audience beside its name. */
const AUDIENCE_SIZE = 800;

function sizeOf({ name }: Audience): number {
  return AUDIENCE_SIZE + name.length;
}

/** What one session has subscribed to. */
export class Subscriptions {
  /** Bytes of the names, and of what stands with each. */
  memory = 0;
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
  readonly #deliveries: Deliveries;
  /** The audience of the channel that was published to last. */
  #last: Audience | null = null;
  /** By the index of the kind, and by name. */
  readonly #audiences: readonly NameMap<Audience>[];

  /** @param seed of the hash of names */
  constructor(deliveries: Deliveries, seed: HashSeed) {
    this.#deliveries = deliveries;
    this.#audiences = KINDS.map(() => new NameMap(seed));
  }

  /** The audiences of a kind. */
  of(kind: Kind): NameMap<Audience> {
    return this.#audiences[kind.index]!;
  }

  /** Somebody listens to channels, or to patterns of them. */
  get hasListeners(): boolean {
    return this.of(CHANNEL).size + this.of(PATTERN).size > 0;
  }

  /** Subscribes a session; nothing happens if it has subscribed already. */
  subscribe(session: Session, kind: Kind, name: Buffer): void {
    const audiences = this.of(kind);
    let audience = audiences.get(name, 0, name.length);
    if (audience === undefined) {
      audience = new Audience(kind, name);
      audiences.add(audience);
    }
    audience.sessions.add(session);
    const subscriptions = session.subscriptions ?? new Subscriptions();
    const joined = subscriptions.audiences[kind.index]!;
    if (!joined.has(audience)) subscriptions.memory += sizeOf(audience);
    joined.add(audience);
    session.subscriptions = subscriptions;
    this.sessions.add(session);
  }

  /** Ends a subscription to name[start, end), if there is one. */
  unsubscribe(session: Session, kind: Kind, name: Buffer, start: number, end: number): void {
    const audiences = this.of(kind);
    const audience = audiences.get(name, start, end);
    const { subscriptions } = session;
    if (audience === undefined || subscriptions === null) return;
    audience.sessions.delete(session);
    session.leaveBatches();
    if (audience.sessions.size === 0) {
      audiences.delete(audience);
      if (audience === this.#last) this.#last = null;
    }
    if (subscriptions.audiences[kind.index]!.delete(audience)) {
      subscriptions.memory -= sizeOf(audience);
    }
    if (!subscriptions.isEmpty) return;
    session.subscriptions = null;
    this.sessions.delete(session);
  }

  /** Ends all subscriptions of a session: it is gone, or begins anew. */
  forget(session: Session): void {
    for (const { index } of KINDS) {
      for (const { kind, name } of session.subscriptions?.audiences[index] ?? []) {
        this.unsubscribe(session, kind, name, 0, name.length);
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
    const { epoch } = this.#deliveries;
    const audience = this.#audienceOf(name, start, end);
    let count = audience === null ? 0 : audience.send(epoch, null, 0, 0, content, from, to);
    const patterns = this.of(PATTERN);
    if (patterns.size === 0) return count;
    for (const pattern of patterns.values()) {
      const glob = pattern.name;
      if (!matchesGlob(glob, 0, glob.length, name, start, end)) continue;
      count += pattern.send(epoch, name, start, end, content, from, to);
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
    const audience = this.of(SHARD).get(name, start, end);
    const { epoch } = this.#deliveries;
    return audience === undefined ? 0 : audience.send(epoch, null, 0, 0, content, from, to);
  }

  /** The audience of a channel, or null. Most messages go where the one before went: its name is hashed once. */
  #audienceOf(name: Buffer, start: number, end: number): Audience | null {
    const last = this.#last;
    const length = end - start;
    if (last !== null && last.name.length === length) {
      if (equalBytes(last.name, 0, name, start, length)) return last;
    }
    const audience = this.of(CHANNEL).get(name, start, end);
    if (audience === undefined) return null;
    this.#last = audience;
    return audience;
  }
}

/** The message's first parts, up to the name of the channel or of the pattern. @param type of the whole */
function headOf(type: number, kind: Kind, name: Buffer): Buffer {
  const parts = kind === PATTERN ? 4 : 3;
  const head = `${String.fromCharCode(type)}${parts}\r\n$${kind.message.length}\r\n${kind.message}\r\n`;
  return Buffer.concat([Buffer.from(`${head}$${name.length}\r\n`, "latin1"), name, LINE_END]);
}

/** Appends bytes[start, end) as a bulk string; there is room for it. */
function appendBulk(batch: MessageBatch, bytes: Buffer, start: number, end: number): void {
  const out = batch.bytes;
  out[batch.length] = DOLLAR;
  let pos = writeInteger(out, batch.length + 1, end - start);
  out[pos] = CR;
  out[pos + 1] = LF;
  copyBytes(out, pos + 2, bytes, start, end);
  pos += 2 + end - start;
  out[pos] = CR;
  out[pos + 1] = LF;
  batch.length = pos + 2;
}
