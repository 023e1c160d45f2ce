/**
 * Keyspace notifications: what happens to keys, as messages. `notify-keyspace-events` names the classes of events, and with K and
 * E the channels: `__keyspace@<database>__:<key>` with the event as the message, `__keyevent@<database>__:<event>` with the key.
 * While it names none, keys are not observed.
 */
import type { Options } from "../base/options.ts";
import type { Database } from "../keyspace/database.ts";
import type { KeyEvent, KeyObserver } from "../keyspace/key-events.ts";
import {
  CLASS_EVICTED,
  CLASS_EXPIRED,
  CLASS_GENERIC,
  CLASS_HASH,
  CLASS_KEY_MISS,
  CLASS_LIST,
  CLASS_MODULE,
  CLASS_NEW,
  CLASS_SET,
  CLASS_STREAM,
  CLASS_STRING,
  CLASS_ZSET,
} from "../keyspace/key-events.ts";
import type { Store } from "../keyspace/store.ts";
import type { Channels } from "./channels.ts";

const ALL: number =
  CLASS_GENERIC |
  CLASS_STRING |
  CLASS_LIST |
  CLASS_SET |
  CLASS_HASH |
  CLASS_ZSET |
  CLASS_EXPIRED |
  CLASS_EVICTED |
  CLASS_STREAM |
  CLASS_MODULE;

/** The classes by their letters in the option. */
const CLASSES: Readonly<Record<string, number>> = {
  A: ALL,
  g: CLASS_GENERIC,
  $: CLASS_STRING,
  l: CLASS_LIST,
  s: CLASS_SET,
  h: CLASS_HASH,
  z: CLASS_ZSET,
  x: CLASS_EXPIRED,
  e: CLASS_EVICTED,
  t: CLASS_STREAM,
  d: CLASS_MODULE,
  m: CLASS_KEY_MISS,
  n: CLASS_NEW,
};

/** First size of the buffer for names of channels. */
const NAME_SIZE = 256;

export class KeyNotifications implements KeyObserver {
  readonly #channels: Channels;
  /** Names of events as bytes. */
  readonly #names: Map<KeyEvent, Buffer> = new Map();
  #classes = 0;
  #toKeyChannel = false;
  #toEventChannel = false;
  #observes = false;
  /** The name of a channel is put together here. */
  #name: Buffer = Buffer.allocUnsafeSlow(NAME_SIZE);

  constructor(options: Options, store: Store, channels: Channels) {
    this.#channels = channels;
    options.onChange("notify-keyspace-events", (letters) => this.#choose(letters, store));
  }

  happened(event: KeyEvent, database: Database, key: Buffer, start: number, end: number): void {
    if ((event.kind & this.#classes) === 0 || !this.#channels.hasListeners) return;
    const name = this.#nameOf(event);
    if (this.#toKeyChannel) {
      const size = this.#join(`__keyspace@${database.index}__:`, key, start, end);
      this.#channels.publish(this.#name, 0, size, name, 0, name.length);
    }
    if (this.#toEventChannel) {
      const size = this.#join(`__keyevent@${database.index}__:`, name, 0, name.length);
      this.#channels.publish(this.#name, 0, size, key, start, end);
    }
  }

  /** Nobody is notified of databases that are emptied or exchanged. */
  emptied(): void {}
  swapped(): void {}

  #choose(letters: string, store: Store): void {
    this.#classes = 0;
    for (const letter of letters) this.#classes |= CLASSES[letter] ?? 0;
    this.#toKeyChannel = letters.includes("K");
    this.#toEventChannel = letters.includes("E");
    const observes = this.#classes !== 0 && (this.#toKeyChannel || this.#toEventChannel);
    if (observes === this.#observes) return;
    this.#observes = observes;
    if (observes) store.observe(this);
    else store.unobserve(this);
  }

  #nameOf(event: KeyEvent): Buffer {
    let name = this.#names.get(event);
    if (name === undefined) {
      name = Buffer.from(event.name, "latin1");
      this.#names.set(event, name);
    }
    return name;
  }

  /** Puts a channel's name together and returns its length. */
  #join(prefix: string, bytes: Buffer, start: number, end: number): number {
    const size = prefix.length + end - start;
    if (size > this.#name.length) this.#name = Buffer.allocUnsafeSlow(size);
    else if (this.#name.length > NAME_SIZE && size <= NAME_SIZE) {
      // A very long key is no reason to keep as much memory for ever.
      this.#name = Buffer.allocUnsafeSlow(NAME_SIZE);
    }
    this.#name.write(prefix, 0, "latin1");
    bytes.copy(this.#name, prefix.length, start, end);
    return size;
  }
}
