/**
 * The patterns of SORT's BY and GET: "*" stands for the element, what comes out is the name of a key, and "->field" at the end
 * takes a field of the hash that the key holds. "#" is the element itself.
 */
import { copyBytes } from "../base/bytes.ts";
import type { Slice } from "../base/slice.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import { TYPE_HASH, TYPE_STRING } from "../types/kinds.ts";
import { Value } from "../types/value.ts";
import type { Session } from "./session.ts";

const STAR = 0x2a;
const HASH_SIGN = 0x23;

const hash = new Value();

export class SortPattern {
  /** Names no key, whatever the element. */
  readonly isConstant: boolean;
  readonly #isElement: boolean;
  readonly #bytes: Buffer;
  readonly #starAt: number;
  /** Where the key's name ends and "->" begins, or the end. */
  readonly #keyEnd: number;
  #key: Buffer = Buffer.alloc(64);

  constructor(args: Args, index: number) {
    this.#bytes = args.copy(index);
    this.#starAt = this.#bytes.indexOf(STAR);
    this.isConstant = this.#starAt === -1;
    this.#isElement = this.#bytes.length === 1 && this.#bytes[0] === HASH_SIGN;
    const arrow = this.isConstant ? -1 : this.#bytes.indexOf("->", this.#starAt + 1);
    // An arrow with nothing behind it belongs to the name.
    const hasField = arrow !== -1 && arrow + 2 < this.#bytes.length;
    this.#keyEnd = hasField ? arrow : this.#bytes.length;
  }

  /** Points `out` at what the pattern gives for an element; good until memory changes. Returns false if there is nothing. */
  read(session: Session, element: Slice, out: Slice): boolean {
    if (this.#isElement) {
      out.set(element.bytes, element.start, element.end);
      return true;
    }
    if (this.isConstant) return false;
    const { db, engine } = session;
    const { store } = engine.keyspace;
    const entry = db.read(this.#key, 0, this.#makeKey(element));
    if (entry === NULL_REF) return false;
    const type = store.entries.type(entry);
    const pattern = this.#bytes;
    if (this.#keyEnd === pattern.length) {
      if (type !== TYPE_STRING) return false;
      db.readString(entry, out);
      return true;
    }
    if (type !== TYPE_HASH) return false;
    db.load(entry, hash);
    return store.hashes.get(hash, pattern, this.#keyEnd + 2, pattern.length, out);
  }

  /** Writes the name of the key to `#key` and returns its length. */
  #makeKey(element: Slice): number {
    const pattern = this.#bytes;
    const star = this.#starAt;
    const length = this.#keyEnd - 1 + element.length;
    if (this.#key.length < length) this.#key = Buffer.alloc(length * 2);
    pattern.copy(this.#key, 0, 0, star);
    copyBytes(this.#key, star, element.bytes, element.start, element.end);
    pattern.copy(this.#key, star + element.length, star + 1, this.#keyEnd);
    return length;
  }
}
