/** What those who listen are told when a key, or members of it, have outlived their time. */
import { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import { TYPE_HASH, TYPE_SET } from "../types/kinds.ts";
import type { Database } from "./database.ts";
import type { KeyObserver, MemberEvents } from "./key-events.ts";
import { DEL, EXPIRED, HASH_MEMBERS, SET_MEMBERS, ZSET_MEMBERS } from "./key-events.ts";
import type { Store } from "./store.ts";

const key = new Slice();

/** An entry is about to be deleted because its own time has come, or that of its last members. */
export function reportExpired(
  observer: KeyObserver,
  store: Store,
  database: Database,
  entry: Ref,
): void {
  const { nowMs } = store.clock;
  const isKey = store.entries.expires(entry) && database.expiryMs(entry) <= nowMs;
  if (!isKey)
    observer.happened(eventsOf(store, entry).expired, database, ...keyOf(database, entry));
  observer.happened(isKey ? EXPIRED : DEL, database, ...keyOf(database, entry));
}

/** Members of an entry have been removed because their time has come; others stay. */
export function reportMembersExpired(
  observer: KeyObserver,
  store: Store,
  database: Database,
  entry: Ref,
): void {
  observer.happened(eventsOf(store, entry).expired, database, ...keyOf(database, entry));
}

function keyOf(database: Database, entry: Ref): [Buffer, number, number] {
  database.readKey(entry, key);
  return [key.bytes, key.start, key.end];
}

function eventsOf(store: Store, entry: Ref): MemberEvents {
  const type = store.entries.type(entry);
  if (type === TYPE_HASH) return HASH_MEMBERS;
  return type === TYPE_SET ? SET_MEMBERS : ZSET_MEMBERS;
}
