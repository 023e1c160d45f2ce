/**
 * Digests of data, as DEBUG DIGEST of Redis computes them: 20 bytes that are equal for equal data, whatever the order in
 * which keys were added and however values are laid out. Two servers can be compared by them.
 *
 *   mix(d, x)    d = SHA1(d xor SHA1(x))     order matters
 *   add(d, x)    d = d xor SHA1(x)           order does not matter
 *
 *   value        mix type, mix content, add "!!expire!!" if the key expires
 *   all data     for each database that holds keys: mix its number, then add, for each key, the digest of key and value
 */
import { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import { TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_STRING } from "../types/kinds.ts";
import { Value } from "../types/value.ts";
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";

const SIZE = 20;
const EXPIRES = Buffer.from("!!expire!!");

const hasher = new Bun.CryptoHasher("sha1");
/** The hash that was computed last, in a buffer as large as the hasher asks for. */
const hash = Buffer.alloc(64);
const word = Buffer.alloc(4);
const slice = new Slice();
const collection = new Value();

/** Digest of all databases. */
export function digestOfKeyspace(keyspace: Keyspace): Buffer {
  const digest = Buffer.alloc(SIZE);
  const ofKey = Buffer.alloc(SIZE);
  for (const database of keyspace.databases) {
    if (database.size === 0) continue;
    mixInteger(digest, database.index);
    const visit = (entry: Ref): void => {
      if (database.hasExpired(entry)) return;
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
  const type = keyspace.store.entries.type(entry);
  mixInteger(digest, type);
  if (type === TYPE_STRING) {
    database.readString(entry, slice);
    mix(digest, slice.bytes.subarray(slice.start, slice.end));
  } else if (type === TYPE_LIST) {
    mixElements(keyspace, database, entry, digest);
  } else if (type === TYPE_SET) {
    addMembers(keyspace, database, entry, digest);
  } else if (type === TYPE_HASH) {
    addFields(keyspace, database, entry, digest);
  }
  if (keyspace.store.entries.expires(entry)) add(digest, EXPIRES);
}

function mixElements(keyspace: Keyspace, database: Database, entry: Ref, digest: Buffer): void {
  const { lists } = keyspace.store;
  database.load(entry, collection);
  for (let more = lists.seek(collection, 0); more; more = lists.step(true)) {
    lists.read(slice);
    mix(digest, slice.bytes.subarray(slice.start, slice.end));
  }
}

function addMembers(keyspace: Keyspace, database: Database, entry: Ref, digest: Buffer): void {
  const { walk } = keyspace.store.sets;
  database.load(entry, collection);
  walk.begin(collection);
  while (walk.next()) {
    const { bytes, start, end } = walk.member;
    add(digest, bytes.subarray(start, end));
  }
}

/** A field counts together with its value, whatever the order of the fields. */
function addFields(keyspace: Keyspace, database: Database, entry: Ref, digest: Buffer): void {
  const ofField = Buffer.alloc(SIZE);
  database.load(entry, collection);
  keyspace.store.hashes.forEach(collection, (field, content) => {
    ofField.fill(0);
    mix(ofField, field.bytes.subarray(field.start, field.end));
    mix(ofField, content.bytes.subarray(content.start, content.end));
    add(digest, ofField);
  });
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
