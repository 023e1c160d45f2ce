/**
 * Digests of data, as DEBUG DIGEST of Redis computes them: 20 bytes that are equal for equal data, whatever the order in
 * which keys were added and however values are laid out. Two servers can be compared by them.
 *
 *   mix(d, x)    d = SHA1(d xor SHA1(x))     order matters
 *   add(d, x)    d = d xor SHA1(x)           order does not matter
 *
 *   value        mix type, then the content, add "!!expire!!" if the key expires
 *     string     mix the bytes
 *     list       mix each element
 *     set        add each member, or, if it expires, the digest of: mix member, add "!!hexpire!!" (Redis has no such sets)
 *     zset       add, for each member, the digest of: mix member, mix score, add "!!hexpire!!" if it expires
 *     hash       add, for each field, the digest of: mix field, mix value, add "!!hexpire!!" if the field expires
 *     stream     for each entry: mix "ms.seq", then mix each field and its value
 *   all data     for each database that holds keys: mix its number, then add, for each key, the digest of key and value
 */
import { formatDouble17 } from "../base/doubles.ts";
import { toBigInt } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import { StreamId } from "../structures/stream-id.ts";
import {
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_STRING,
  TYPE_ZSET,
} from "../types/kinds.ts";
import { SortedSetCursor } from "../types/sorted-set-cursor.ts";
import { Value } from "../types/value.ts";
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";
import type { Store } from "./store.ts";

const SIZE = 20;
/** Redis's number for streams; those of the other types are ours. */
const STREAM_NUMBER = 6;
const EXPIRES = Buffer.from("!!expire!!");
/** Of a member that expires. */
const MEMBER_EXPIRES = Buffer.from("!!hexpire!!");

const hasher = new Bun.CryptoHasher("sha1");
/** The hash that was computed last, in a buffer as large as the hasher asks for. */
const hash = Buffer.alloc(64);
const word = Buffer.alloc(4);
const slice = new Slice();
const content = new Slice();
const collection = new Value();
const member = new SortedSetCursor();
/** Digest of one member with its score, or one field with its value. */
const ofPair = Buffer.alloc(SIZE);
const FIRST_ID = new StreamId();
const LAST_ID = new StreamId();
LAST_ID.setMax();

/** Digest of all databases. */
export function digestOfKeyspace(keyspace: Keyspace): Buffer {
  const digest = Buffer.alloc(SIZE);
  const ofKey = Buffer.alloc(SIZE);
  for (const database of keyspace.databases) {
    if (database.size === 0) continue;
    mixInteger(digest, database.index);
    const visit = (entry: Ref): void => {
      if (database.hasExpired(entry)) return;
      database.due.removeMembers(entry, Infinity);
      ofKey.fill(0);
      database.readKey(entry, slice);
      mix(ofKey, slice.bytes.subarray(slice.start, slice.end));
      mixValue(keyspace, database, entry, ofKey);
      add(digest, ofKey);
    };
    for (let cursor = database.scan(0, visit); cursor !== 0;) {
      cursor = database.scan(cursor, visit);
    }
  }
  return digest;
}

/** Digest of the value of one key, all zeros if there is none. @param entry of `database`, or NULL_REF */
export function digestOfValue(keyspace: Keyspace, database: Database, entry: Ref): Buffer {
  const digest = Buffer.alloc(SIZE);
  if (entry !== NULL_REF) mixValue(keyspace, database, entry, digest);
  return digest;
}

function mixValue(keyspace: Keyspace, database: Database, entry: Ref, digest: Buffer): void {
  const { store } = keyspace;
  const type = store.entries.type(entry);
  mixInteger(digest, type === TYPE_STREAM ? STREAM_NUMBER : type);
  if (type === TYPE_STRING) {
    database.readString(entry, slice);
    mixSlice(digest, slice);
  } else {
    database.load(entry, collection);
    if (type === TYPE_LIST) mixList(store, digest);
    else if (type === TYPE_SET) addMembers(store, digest);
    else if (type === TYPE_ZSET) addScoredMembers(store, digest);
    else if (type === TYPE_HASH) addFields(store, digest);
    else mixStream(store, digest);
  }
  if (store.entries.expires(entry)) add(digest, EXPIRES);
}

// ---- the value in `collection` ----

function mixList({ lists }: Store, digest: Buffer): void {
  for (let more = lists.seek(collection, 0); more; more = lists.step(true)) {
    lists.read(slice);
    mixSlice(digest, slice);
  }
}

function addMembers(store: Store, digest: Buffer): void {
  const { walk } = store.sets;
  walk.begin(collection);
  while (walk.next()) {
    const { bytes, start, end } = walk.member;
    if (expires(store, walk.member)) {
      ofPair.fill(0);
      mixSlice(ofPair, walk.member);
      add(ofPair, MEMBER_EXPIRES);
      add(digest, ofPair);
    } else {
      add(digest, bytes.subarray(start, end));
    }
  }
}

function addScoredMembers(store: Store, digest: Buffer): void {
  const { sortedSets } = store;
  for (sortedSets.seek(collection, 0, member); member.valid; sortedSets.next(member)) {
    ofPair.fill(0);
    sortedSets.readMember(member, slice);
    mixSlice(ofPair, slice);
    mix(ofPair, Buffer.from(formatDouble17(sortedSets.scoreAt(member))));
    if (expires(store, slice)) add(ofPair, MEMBER_EXPIRES);
    add(digest, ofPair);
  }
}

function addFields(store: Store, digest: Buffer): void {
  store.hashes.forEach(collection, (field, value) => {
    ofPair.fill(0);
    mixSlice(ofPair, field);
    mixSlice(ofPair, value);
    if (expires(store, field)) add(ofPair, MEMBER_EXPIRES);
    add(digest, ofPair);
  });
}

/** Whether a member of the collection has a time of its own. */
function expires({ kit }: Store, { bytes, start, end }: Slice): boolean {
  const { timed } = collection;
  return timed !== NULL_REF && kit.memberTimes.of(timed, bytes, start, end) !== -1;
}

function mixStream({ streams }: Store, digest: Buffer): void {
  const { walk } = streams;
  walk.begin(streams.nodes(collection), FIRST_ID, LAST_ID, false);
  while (walk.next()) {
    const { msLow, msHigh, seqLow, seqHigh } = walk.id;
    mix(digest, Buffer.from(`${unsigned(msLow, msHigh)}.${unsigned(seqLow, seqHigh)}`));
    for (let left = walk.fields; left > 0; left--) {
      walk.readPair(slice, content);
      mixSlice(digest, slice);
      mixSlice(digest, content);
    }
  }
}

function unsigned(low: number, high: number): bigint {
  return BigInt.asUintN(64, toBigInt(low, high));
}

// ---- the two operations ----

function mixSlice(digest: Buffer, { bytes, start, end }: Slice): void {
  mix(digest, bytes.subarray(start, end));
}

function add(digest: Buffer, data: Uint8Array): void {
  hasher.update(data);
  hasher.digest(hash);
  for (let i = 0; i < SIZE; i++) digest[i]! ^= hash[i]!;
}

function mix(digest: Buffer, data: Uint8Array): void {
  add(digest, data);
  hasher.update(digest);
  hasher.digest(hash);
  hash.copy(digest, 0, 0, SIZE);
}

function mixInteger(digest: Buffer, value: number): void {
  word.writeUInt32BE(value);
  mix(digest, word);
}
