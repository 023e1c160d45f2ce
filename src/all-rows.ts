/** The rows of all command families, wherever they live. */
import { latencyRows } from "./commands/latency.ts";
import { slowLogRows } from "./commands/slow-log-commands.ts";
import { monitorRows } from "./commands/monitors.ts";
import { pubsubRows } from "./commands/pubsub.ts";
import { aclRows } from "./commands/acl.ts";
import { commandInfoRows } from "./commands/command-info.ts";
import { clientRows } from "./commands/client.ts";
import { infoRows } from "./commands/info.ts";
import { serverRows } from "./commands/server.ts";
import { configRows } from "./commands/config.ts";
import { connectionRows } from "./commands/connection.ts";
import { aofRows } from "./persistence/aof-commands.ts";
import { bitfieldRows } from "./commands/bitfield.ts";
import { bitmapRows } from "./commands/bitmaps.ts";
import { bitopRows } from "./commands/bitop.ts";
import { functionRows } from "./commands/functions.ts";
import { geoRows } from "./commands/geo.ts";
import { geoSearchRows } from "./commands/geo-search-rows.ts";
import { hashRows } from "./commands/hashes.ts";
import { hashExpiryRows } from "./commands/hashes-expiry.ts";
import { hashNumberRows } from "./commands/hashes-numbers.ts";
import { hashWholeRows } from "./commands/hashes-whole.ts";
import { hyperloglogRows } from "./commands/hyperloglogs.ts";
import { blockingListRows } from "./commands/blocking-lists.ts";
import { blockingSortedSetRows } from "./commands/blocking-sorted-sets.ts";
import type { CommandRow } from "./commands/row.ts";
import { debugRows } from "./commands/debug.ts";
import { expiryRows } from "./commands/expiry.ts";
import { keyRows } from "./commands/keys.ts";
import { lcsRows } from "./commands/lcs.ts";
import { listRows } from "./commands/lists.ts";
import { listChangeRows } from "./commands/lists-change.ts";
import { listFindRows } from "./commands/lists-find.ts";
import { listMoveRows } from "./commands/lists-move.ts";
import { memberExpiryRows } from "./commands/member-expiry.ts";
import { memoryRows } from "./commands/memory.ts";
import { objectRows } from "./commands/object.ts";
import { scanRows } from "./commands/scan.ts";
import { scriptRows } from "./commands/scripts.ts";
import { setAlgebraRows } from "./commands/sets-algebra.ts";
import { setRandomRows } from "./commands/sets-random.ts";
import { setRows } from "./commands/sets.ts";
import { sortedSetAlgebraRows } from "./commands/sorted-set-algebra.ts";
import { sortedSetPopRows } from "./commands/sorted-set-pops.ts";
import { sortedSetRangeRows } from "./commands/sorted-set-ranges.ts";
import { sortedSetRows } from "./commands/sorted-sets.ts";
import { streamClaimRows } from "./commands/stream-claim.ts";
import { streamDeleteRows } from "./commands/stream-delete.ts";
import { streamInfoRows } from "./commands/stream-info.ts";
import { streamGroupRows } from "./commands/stream-groups.ts";
import { streamPendingRows } from "./commands/stream-pending.ts";
import { streamReadRows } from "./commands/stream-read.ts";
import { streamRangeRows } from "./commands/stream-ranges.ts";
import { streamRows } from "./commands/streams.ts";
import { sortRows } from "./commands/sort.ts";
import { stringDigestRows } from "./commands/string-digest.ts";
import { stringIncrexRows } from "./commands/string-increx.ts";
import { stringManyRows } from "./commands/string-many.ts";
import { stringNumberRows } from "./commands/string-numbers.ts";
import { stringRangeRows } from "./commands/string-ranges.ts";
import { stringRows } from "./commands/strings.ts";
import { transactionRows } from "./commands/transactions.ts";
import { waitRows } from "./commands/wait.ts";
import { dumpRows } from "./persistence/dump.ts";
import { migrateRows } from "./persistence/migrate.ts";
import { saveRows } from "./persistence/save.ts";
import { waitAofRows } from "./persistence/wait-aof.ts";

export const ALL_ROWS: readonly CommandRow[] = [
  ...aofRows,
  ...configRows,
  ...stringRows,
  ...stringNumberRows,
  ...stringIncrexRows,
  ...stringRangeRows,
  ...stringManyRows,
  ...stringDigestRows,
  ...lcsRows,
  ...bitmapRows,
  ...bitfieldRows,
  ...bitopRows,
  ...hyperloglogRows,
  ...hashRows,
  ...hashNumberRows,
  ...hashWholeRows,
  ...hashExpiryRows,
  ...memberExpiryRows,
  ...setRows,
  ...setRandomRows,
  ...setAlgebraRows,
  ...listRows,
  ...listChangeRows,
  ...listFindRows,
  ...listMoveRows,
  ...blockingListRows,
  ...sortedSetRows,
  ...sortedSetRangeRows,
  ...sortedSetPopRows,
  ...sortedSetAlgebraRows,
  ...blockingSortedSetRows,
  ...geoRows,
  ...geoSearchRows,
  ...streamRows,
  ...streamDeleteRows,
  ...streamRangeRows,
  ...streamReadRows,
  ...streamGroupRows,
  ...streamPendingRows,
  ...streamClaimRows,
  ...streamInfoRows,
  ...sortRows,
  ...scriptRows,
  ...functionRows,
  ...connectionRows,
  ...transactionRows,
  ...aclRows,
  ...clientRows,
  ...pubsubRows,
  ...monitorRows,
  ...slowLogRows,
  ...latencyRows,
  ...serverRows,
  ...infoRows,
  ...scanRows,
  ...objectRows,
  ...memoryRows,
  ...keyRows,
  ...expiryRows,
  ...dumpRows,
  ...saveRows,
  ...migrateRows,
  ...waitRows,
  ...waitAofRows,
  ...debugRows,
  ...commandInfoRows,
];
