/**
 * What the databases of one server share: the memory they lie in, the seed of their hash, the clock, and the counters
 * that INFO shows.
 */
import { late } from "../base/late.ts";
import { reportExpired, reportMembersExpired } from "./expiry-events.ts";
import { joinObservers, KEY_MISS, NEW } from "./key-events.ts";
import type { KeyObserver } from "./key-events.ts";
import type { Clock } from "../base/clock.ts";
import type { HashSeed } from "../base/hash.ts";
import type { Slice } from "../base/slice.ts";
import type { Random } from "../base/random.ts";
import type { Ref } from "../memory/arena.ts";
import { Arena } from "../memory/arena.ts";
import { Blobs } from "../memory/blobs.ts";
import { Dict } from "../structures/dict.ts";
import type { Collection, MemberCollection } from "../types/collection.ts";
import {
  ENCODING_TIMED,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_ZSET,
} from "../types/kinds.ts";
import { Hashes } from "../types/hash.ts";
import { Kit } from "../types/kit.ts";
import { SortedSets } from "../types/sorted-set.ts";
import { Lists } from "../types/list.ts";
import type { SetAlgebra } from "../types/set-algebra.ts";
import { Sets } from "../types/set.ts";
import type { Streams } from "../types/stream.ts";
import { Value } from "../types/value.ts";
import type { Database } from "./database.ts";
import { Entries } from "./entry.ts";
import type { EntryGuard } from "./entry-guard.ts";
import type { KeyWatcher } from "./key-watcher.ts";
import { Lookahead } from "./lookahead.ts";
import { MemberLookahead } from "./member-lookahead.ts";
import { UseFrequency } from "./use-frequency.ts";

// What many servers never need.
const streaming = late<{ Streams: typeof Streams }>(() => require("../types/stream.ts"));
const algebra = late<{ SetAlgebra: typeof SetAlgebra }>(() => require("../types/set-algebra.ts"));

/** The clock of uses counts seconds in 24 bits. */
const ACCESS_MASK = 0xffffff;

const wrapped = new Value();

export class Store {
  readonly clock: Clock;
  readonly random: Random;
  readonly arena: Arena;
  readonly blobs: Blobs;
  readonly dict: Dict;
  readonly entries: Entries;
  /** What the types are made with. */
  readonly kit: Kit;
  readonly lists: Lists;
  readonly hashes: Hashes;
  readonly sortedSets: SortedSets;
  readonly sets: Sets;
  #setAlgebra: SetAlgebra | null = null;
  #streams: Streams | null = null;
  /** By type code; a string is no collection. That of streams is there once one has been asked for. */
  readonly collections: (Collection | undefined)[] = [];
  /** By type code: those whose members may expire. */
  readonly memberCollections: readonly (MemberCollection | undefined)[];
  readonly seed: HashSeed;
  /** Hashes keys; knows those of the commands that come next. */
  readonly lookahead: Lookahead;

  /** Knows the members that they are about. */
  readonly members: MemberLookahead;

  /** Told of all that happens to keys; null while nobody listens. See `observe`. */
  observer: KeyObserver | null = null;
  #observers: readonly KeyObserver[] = [];
  /** Told of keys that come and go. */
  watcher: KeyWatcher | null = null;
  /** Sees entries before they change. */
  guard: EntryGuard | null = null;
  /** Told of every key that is about to be deleted because its time has come. */
  onExpire: ((database: Database, entry: Ref) => void) | null = null;
  /**
   * False while a log is loaded: keys live on then after their time has come, until the log says that they were deleted, since
   * what it did to them while they lived must find them.
   */
  expires = true;
  /** Keys with members that expire, of all databases. */
  timedKeys = 0;
  /** Told of every member that is about to be removed because its time has come, while others of its key stay. */
  onMemberExpire: ((database: Database, entry: Ref, member: Slice) => void) | null = null;
  /** Told of every key that is about to be deleted to make room. */
  onEvict: ((database: Database, entry: Ref) => void) | null = null;
  /** Changes since the start; every successful write adds to it. */
  changes = 0;
  /** Lookups by a read command that found a live key. */
  hits = 0;
  /** Lookups by a read command that found none. */
  misses = 0;
  /** Keys deleted because their time had come. */
  expired = 0;
  /** Fields and members removed because their time had come. */
  expiredMembers = 0;
  /** What new entries get as 24 bits about their use: the clock in seconds, or with an LFU policy a frequency. */
  access = 0;
  /** The same for entries that are used; -1 with an LFU policy: then it depends on the entry, see `count`. */
  touched = 0;
  readonly frequency: UseFrequency;
  /** Entries tell how often they are used, and not when last: an LFU policy. */
  countsUses = false;
  /** False while CLIENT NO-TOUCH or a command like OBJECT reads without counting as a use. */
  touch = true;

  /** @param verify runs the arena in verify mode, for tests */
  constructor(clock: Clock, random: Random, verify = false) {
    this.clock = clock;
    this.random = random;
    this.frequency = new UseFrequency(random);
    this.seed = { k0: random.secret(), k1: random.secret() };
    this.lookahead = new Lookahead(this.seed);
    this.members = new MemberLookahead(this);
    this.arena = new Arena(verify);
    this.blobs = new Blobs(this.arena);
    this.dict = new Dict(this.arena);
    this.entries = new Entries(this.arena);
    this.kit = new Kit(this, this.seed);
    this.lists = new Lists(this.kit);
    const { collections } = this;
    collections[TYPE_LIST] = this.lists;
    this.sortedSets = new SortedSets(this.kit);
    collections[TYPE_ZSET] = this.sortedSets;
    this.sets = new Sets(this.kit);
    collections[TYPE_SET] = this.sets;
    this.hashes = new Hashes(this.kit);
    collections[TYPE_HASH] = this.hashes;
    const memberCollections: (MemberCollection | undefined)[] = [];
    memberCollections[TYPE_HASH] = this.hashes;
    memberCollections[TYPE_SET] = this.sets;
    memberCollections[TYPE_ZSET] = this.sortedSets;
    this.memberCollections = memberCollections;
    this.refreshAccess();
  }

  get streams(): Streams {
    return this.#streams ?? this.#makeStreams();
  }

  get setAlgebra(): SetAlgebra {
    this.#setAlgebra ??= new (algebra().SetAlgebra)(this.sets);
    return this.#setAlgebra;
  }

  #makeStreams(): Streams {
    this.#streams = new (streaming().Streams)(this.kit);
    this.collections[TYPE_STREAM] = this.#streams;
    return this.#streams;
  }

  /** Tells somebody of all that happens to keys from now on. */
  observe(observer: KeyObserver): void {
    this.#observers = [...this.#observers, observer];
    this.observer = joinObservers(this.#observers);
  }

  /** Ends that. */
  unobserve(observer: KeyObserver): void {
    this.#observers = this.#observers.filter((one) => one !== observer);
    this.observer = joinObservers(this.#observers);
  }

  // ---- what those who watch are told ----

  /** A key holds a value that was not there. @param isNew nor held anything else */
  created(database: Database, key: Buffer, start: number, end: number, isNew = true): void {
    if (isNew && this.observer !== null) this.observer.happened(NEW, database, key, start, end);
    if (this.watcher !== null) this.watcher.created(database, key, start, end);
  }

  /** A command that reads found no key. */
  missed(database: Database, key: Buffer, start: number, end: number): void {
    this.misses++;
    if (this.observer !== null) this.observer.happened(KEY_MISS, database, key, start, end);
  }

  /** All keys of a database are gone. */
  emptied(database: Database): void {
    this.observer?.emptied(database);
    this.watcher?.emptied(database);
  }

  /** Two databases have exchanged their keys. */
  swapped(a: Database, b: Database): void {
    this.observer?.swapped(a, b);
    this.watcher?.swapped(a, b);
  }

  /** An entry is about to be deleted because its time has come, or that of all its members. */
  expiring(database: Database, entry: Ref): void {
    this.onExpire?.(database, entry);
    if (this.observer !== null) reportExpired(this.observer, this, database, entry);
  }

  /** Members of an entry have been removed because their time has come; others stay. */
  membersExpired(database: Database, entry: Ref): void {
    if (this.observer !== null) reportMembersExpired(this.observer, this, database, entry);
  }

  /** The encoding of an entry's value; where members of it expire, that of the collection inside the wrapper. */
  encodingOf(entry: Ref): number {
    const encoding = this.entries.encoding(entry);
    if (encoding !== ENCODING_TIMED) return encoding;
    wrapped.set(encoding, this.entries.block(entry));
    this.kit.memberTimes.unwrap(wrapped);
    return wrapped.encoding;
  }

  // ---- how keys are used ----

  /** Begins or ends an LFU policy. Entries that there are need time to adjust. */
  countUses(wanted: boolean): void {
    this.countsUses = wanted;
    this.refreshAccess();
  }

  /** Takes the time from the clock; once per turn. */
  refreshAccess(): void {
    const { nowMs } = this.clock;
    if (this.countsUses) {
      this.frequency.refresh(nowMs);
      this.access = this.frequency.initial;
      this.touched = -1;
    } else {
      this.access = Math.floor(nowMs / 1000) & ACCESS_MASK;
      this.touched = this.access;
    }
  }

  /** An entry is used, and uses are counted. */
  count(entry: Ref): void {
    const { entries } = this;
    entries.setAccess(entry, this.frequency.used(entries.access(entry)));
  }

  /** Seconds since the entry was used last; uses are not counted. */
  idleSeconds(entry: Ref): number {
    return (this.access - this.entries.access(entry)) & ACCESS_MASK;
  }

  /**
   * Takes over what another server knew of the use of an entry, if that is what is kept of entries.
   * @param idleSeconds since its last use, or -1 @param counter of its uses up to 255, or -1
   */
  setUse(entry: Ref, idleSeconds: number, counter: number): void {
    if (this.countsUses) {
      if (counter >= 0) this.entries.setAccess(entry, this.frequency.of(counter));
    } else if (idleSeconds >= 0) {
      // What the clock can't tell any more becomes half of the longest time, as in Redis.
      const halfAgo = (this.access + (ACCESS_MASK >> 1)) % ACCESS_MASK;
      const at = idleSeconds > this.access ? halfAgo : this.access - idleSeconds;
      this.entries.setAccess(entry, at);
    }
  }
}
