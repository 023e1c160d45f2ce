/** The rows of all command families. */
import { commandInfoRows } from "./command-info.ts";
import { clientRows } from "./client.ts";
import { infoRows } from "./info.ts";
import { serverRows } from "./server.ts";
import { configRows } from "./config.ts";
import { connectionRows } from "./connection.ts";
import { bitfieldRows } from "./bitfield.ts";
import { bitmapRows } from "./bitmaps.ts";
import { bitopRows } from "./bitop.ts";
import { geoRows } from "./geo.ts";
import { geoSearchRows } from "./geo-search-rows.ts";
import { hashRows } from "./hashes.ts";
import { hashNumberRows } from "./hashes-numbers.ts";
import { hashWholeRows } from "./hashes-whole.ts";
import { hyperloglogRows } from "./hyperloglogs.ts";
import { blockingListRows } from "./blocking-lists.ts";
import { blockingSortedSetRows } from "./blocking-sorted-sets.ts";
import type { CommandRow } from "./row.ts";
import { debugRows } from "./debug.ts";
import { expiryRows } from "./expiry.ts";
import { keyRows } from "./keys.ts";
import { lcsRows } from "./lcs.ts";
import { listRows } from "./lists.ts";
import { listChangeRows } from "./lists-change.ts";
import { listFindRows } from "./lists-find.ts";
import { listMoveRows } from "./lists-move.ts";
import { memoryRows } from "./memory.ts";
import { objectRows } from "./object.ts";
import { scanRows } from "./scan.ts";
import { setAlgebraRows } from "./sets-algebra.ts";
import { setRandomRows } from "./sets-random.ts";
import { setRows } from "./sets.ts";
import { sortedSetAlgebraRows } from "./sorted-set-algebra.ts";
import { sortedSetPopRows } from "./sorted-set-pops.ts";
import { sortedSetRangeRows } from "./sorted-set-ranges.ts";
import { sortedSetRows } from "./sorted-sets.ts";
import { streamClaimRows } from "./stream-claim.ts";
import { streamInfoRows } from "./stream-info.ts";
import { streamGroupRows } from "./stream-groups.ts";
import { streamPendingRows } from "./stream-pending.ts";
import { streamReadRows } from "./stream-read.ts";
import { streamRangeRows } from "./stream-ranges.ts";
import { streamRows } from "./streams.ts";
import { sortRows } from "./sort.ts";
import { stringDigestRows } from "./string-digest.ts";
import { stringIncrexRows } from "./string-increx.ts";
import { stringManyRows } from "./string-many.ts";
import { stringNumberRows } from "./string-numbers.ts";
import { stringRangeRows } from "./string-ranges.ts";
import { stringRows } from "./strings.ts";

export const ALL_ROWS: readonly CommandRow[] = [
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
  ...streamRangeRows,
  ...streamReadRows,
  ...streamGroupRows,
  ...streamPendingRows,
  ...streamClaimRows,
  ...streamInfoRows,
  ...sortRows,
  ...connectionRows,
  ...clientRows,
  ...serverRows,
  ...infoRows,
  ...scanRows,
  ...objectRows,
  ...memoryRows,
  ...keyRows,
  ...expiryRows,
  ...debugRows,
  ...commandInfoRows,
];
