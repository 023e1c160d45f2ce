/**
 * A place in a set: walks over all members, or stands at one chosen by chance.
 *
 *   walk.begin(value);
 *   while (walk.next()) use(walk.member);
 *
 * This is how other types read sets without knowing how they are laid out. One object is used again and again; it holds no
 * more than a few entries of a dict. Other blocks may be allocated and freed between two steps; the set that is walked must
 * stay as it is. A `member` is good until the next step, and as long as its set is there.
 */
import { int64, INT64_DIGITS_MAX, writeInt64 } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Intset } from "../structures/intset.ts";
import { ENCODING_HASHTABLE, ENCODING_INTSET, ENCODING_LISTPACK } from "./kinds.ts";
import type { Kit } from "./kit.ts";
import type { SetEntries } from "./set-entries.ts";
import type { Value } from "./value.ts";

/** Entries of a dict that a walk takes at once. */
const BATCH = 32;

export class SetWalk {
  /** The dict's entry of the member, NULL_REF in a set of another encoding. */
  entry: Ref = NULL_REF;
  /** The member is an integer that an intset holds, in `low` and `high`. */
  isInteger = false;
  low = 0;
  high = 0;
  /** Index of the member in an intset, or its position in a listpack. */
  pos = 0;
  readonly #kit: Kit;
  readonly #intset: Intset;
  readonly #entries: SetEntries;
  readonly #digits: Buffer = Buffer.alloc(INT64_DIGITS_MAX);
  readonly #member: Slice = new Slice();
  /** Whether `#member` was filled since the last step. */
  #isRead = false;
  #hash = 0;
  #isHashed = false;
  #encoding = 0;
  #block: Ref = NULL_REF;
  #count = 0;
  /** Where the walk over a dict goes on, -1 after its last bucket. */
  #bucket = 0;
  /** Some entries of a dict, of which `#batchAt` were handed out. */
  readonly #batch: Ref[] = [];
  #batchAt = 0;
  /** The dicts that have to have a member as well. */
  readonly #others: Ref[] = [];
  /** For each entry of the batch one of another dict that may be the same. */
  readonly #found: Ref[] = [];
  readonly #random32 = (): number => this.#kit.random.int32();

  constructor(kit: Kit, intset: Intset, entries: SetEntries) {
    this.#kit = kit;
    this.#intset = intset;
    this.#entries = entries;
  }

  /** Goes before the first member. */
  begin(value: Value): void {
    this.#open(value);
    this.pos = this.#encoding === ENCODING_INTSET ? -1 : 0;
    this.#bucket = 0;
    this.#batch.length = 0;
    this.#batchAt = 0;
    this.#others.length = 0;
  }

  /** Keeps a walk over a dict that has just begun to the members that another dict has as well. */
  keepTo(dict: Ref): void {
    this.#others.push(dict);
  }

  /** Goes to the next member; returns false behind the last. */
  next(): boolean {
    this.#isRead = false;
    this.#isHashed = false;
    if (this.#encoding === ENCODING_HASHTABLE) return this.#nextEntry();
    if (this.#encoding === ENCODING_INTSET) {
      this.pos++;
      return this.pos < this.#count && this.#readInteger();
    }
    const { listpack } = this.#kit;
    this.pos = this.pos === 0 ? listpack.first(this.#block) : listpack.next(this.#block, this.pos);
    return this.pos !== 0;
  }

  /** Goes to a member by chance. The set must not be empty. */
  random(value: Value): void {
    this.#open(value);
    this.#isRead = false;
    this.#isHashed = false;
    const { random, dict, listpack } = this.#kit;
    if (this.#encoding === ENCODING_HASHTABLE) {
      this.entry = dict.walk.sample(this.#block, this.#random32);
    } else if (this.#encoding === ENCODING_INTSET) {
      this.pos = random.below(this.#count);
      this.#readInteger();
    } else {
      this.pos = listpack.at(this.#block, random.below(listpack.count(this.#block)));
    }
  }

  /** The bytes of the member. */
  get member(): Slice {
    const member = this.#member;
    if (this.#isRead) return member;
    this.#isRead = true;
    if (this.entry !== NULL_REF) this.#entries.read(this.entry, member);
    else if (this.#encoding === ENCODING_LISTPACK) {
      this.#kit.listpack.readApart(this.#block, this.pos, member, this.#digits, 0);
    } else member.set(this.#digits, 0, writeInt64(this.#digits, 0, this.low, this.high));
    return member;
  }

  /** The member's hash, by which every dict of the server knows it. */
  get hash(): number {
    if (this.#isHashed) return this.#hash;
    this.#isHashed = true;
    if (this.entry !== NULL_REF) {
      this.#hash = this.#kit.dict.hashOf(this.entry);
    } else {
      const { bytes, start, end } = this.member;
      this.#hash = this.#kit.hash(bytes, start, end);
    }
    return this.#hash;
  }

  #open(value: Value): void {
    this.#encoding = value.encoding;
    this.#block = value.block;
    this.entry = NULL_REF;
    this.isInteger = value.encoding === ENCODING_INTSET;
    if (this.isInteger) this.#count = this.#intset.count(value.block);
  }

  #nextEntry(): boolean {
    const batch = this.#batch;
    while (this.#batchAt === batch.length) {
      if (this.#bucket === -1) {
        this.entry = NULL_REF;
        return false;
      }
      batch.length = 0;
      this.#batchAt = 0;
      this.#bucket = this.#kit.dict.walk.collect(this.#block, this.#bucket, BATCH, batch);
      for (const other of this.#others) this.#keepCommon(other);
    }
    this.entry = batch[this.#batchAt++]!;
    return true;
  }

  /** Takes the entries out of the batch whose member another dict does not have. */
  #keepCommon(other: Ref): void {
    const { dict } = this.#kit;
    const batch = this.#batch;
    const found = this.#found;
    dict.firstOfEach(other, batch, found);
    let kept = 0;
    for (let i = 0; i < batch.length; i++) {
      const entry = batch[i]!;
      let same = found[i]!;
      while (same !== NULL_REF && !this.#entries.same(same, entry)) {
        same = dict.next(same, dict.hashOf(entry));
      }
      if (same !== NULL_REF) batch[kept++] = entry;
    }
    batch.length = kept;
  }

  #readInteger(): boolean {
    this.#intset.read(this.#block, this.pos);
    this.low = int64.low;
    this.high = int64.high;
    return true;
  }
}
