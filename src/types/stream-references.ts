/**
 * What consumer groups have to do with the deletion of entries. A group refers to an entry that is pending in it, and to one
 * that it was not yet given. A policy says what deleting an entry means for those references:
 *
 *   KEEP_REFERENCES     they stay; what is pending then names an entry that is gone
 *   DELETE_REFERENCES   the entry is pending nowhere any more
 *   ONLY_ACKNOWLEDGED   an entry that a group refers to is not deleted
 */
import { StreamId } from "../structures/stream-id.ts";
import type { StreamGroup, StreamGroups } from "./stream-groups.ts";
import type { Streams, Trim } from "./stream.ts";
import type { Value } from "./value.ts";

export const KEEP_REFERENCES = 0;
export const DELETE_REFERENCES = 1;
export const ONLY_ACKNOWLEDGED = 2;
export type ReferencePolicy = 0 | 1 | 2;

/** Hears what happens to entries one by one, not to those that a trim takes from the beginning. */
export interface ReferenceWatcher {
  /** The entry was deleted. */
  deleted(entry: StreamId): void;
  /** The entry is not pending in the group any more. */
  released(group: StreamGroup, entry: StreamId): void;
}

const from = new StreamId();
const max = new StreamId();
const id = new StreamId();
const nodeId = new StreamId();
const otherId = new StreamId();
max.setMax();

/** Whether a group refers to the entry. */
export function isReferenced(groups: StreamGroups, stream: Value, entry: StreamId): boolean {
  return isUnread(groups, stream, entry) || isPending(groups, stream, entry);
}

/** The entry is pending nowhere any more. Returns whether it was somewhere. */
export function dropReferences(
  groups: StreamGroups,
  stream: Value,
  entry: StreamId,
  watcher: ReferenceWatcher | null,
): boolean {
  let found = false;
  for (const group of groups.of(stream.block)) {
    if (!groups.removePending(group, entry)) continue;
    found = true;
    watcher?.released(group, entry);
  }
  return found;
}

/** Removes entries from the beginning, as the policy allows. Returns how many. */
export function trimStream(
  streams: Streams,
  stream: Value,
  trim: Trim,
  policy: ReferencePolicy,
  watcher: ReferenceWatcher | null,
): number {
  if (policy === ONLY_ACKNOWLEDGED) return trimAcknowledged(streams, stream, trim, watcher);
  const deleted = streams.trim(stream, trim);
  if (policy === DELETE_REFERENCES && deleted > 0) dropDangling(streams, stream, watcher);
  return deleted;
}

/** Removes the entries that no group refers to, one by one, and passes over the others. */
function trimAcknowledged(
  streams: Streams,
  stream: Value,
  trim: Trim,
  watcher: ReferenceWatcher | null,
): number {
  const { groups, walk } = streams;
  let deleted = 0;
  let inNode = false;
  from.setMin();
  for (let more = true; more; more = from.increment()) {
    if (trim.maxLength >= 0 && streams.length(stream) <= trim.maxLength) break;
    walk.begin(streams.nodes(stream), from, max, false);
    if (!walk.next()) break;
    id.copy(walk.id);
    from.copy(id);
    walk.nodeId(otherId);
    if (!inNode || nodeId.compare(otherId) !== 0) {
      inNode = true;
      nodeId.copy(otherId);
      const live = walk.liveInNode();
      if (trim.limit > 0 && deleted + live > trim.limit) break;
      if (trim.approximate && !streams.isNodeOutside(stream, walk, trim)) break;
    }
    if (trim.maxLength < 0 && id.compare(trim.minId) >= 0) break;
    // What one group has still to read, it has all of what follows.
    if (isUnread(groups, stream, id)) break;
    if (isPending(groups, stream, id)) continue;
    streams.delete(stream, id);
    watcher?.deleted(id);
    deleted++;
  }
  return deleted;
}

/** Takes away what is pending of entries before the first one. */
function dropDangling(streams: Streams, stream: Value, watcher: ReferenceWatcher | null): void {
  const { groups } = streams;
  if (streams.length(stream) > 0) streams.edgeId(stream, false, from);
  else from.setMax();
  for (const group of groups.of(stream.block)) {
    while (groups.pendingOf(group) > 0) {
      groups.edge(group, false, id);
      if (id.compare(from) >= 0) break;
      groups.removePending(group, id);
      watcher?.released(group, id);
    }
  }
}

function isUnread(groups: StreamGroups, stream: Value, entry: StreamId): boolean {
  for (const group of groups.of(stream.block)) if (entry.compare(group.lastId) > 0) return true;
  return false;
}

function isPending(groups: StreamGroups, stream: Value, entry: StreamId): boolean {
  for (const group of groups.of(stream.block)) if (groups.findPending(group, entry)) return true;
  return false;
}
