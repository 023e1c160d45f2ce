/** What of persistence is loaded late: at the start nothing has to be saved, and often there is nothing to load. */
import { late } from "../base/late.ts";
import type { loadLog, loadLogAtOnce } from "./aof-load.ts";
import type { AofRewrite } from "./aof-rewrite.ts";
import type { packLibraries, unpackLibraries } from "./function-payload.ts";
import type { RdbInput } from "./rdb-input.ts";
import type { RdbLoader } from "./rdb-loader.ts";
import type { startSnapshot } from "./snapshot.ts";

/** Reads a log. */
export const logLoading = late<{ loadLog: typeof loadLog; loadLogAtOnce: typeof loadLogAtOnce }>(
  () => require("./aof-load.ts"),
);

/** Reads a snapshot. */
export const snapshotLoading = late<{ RdbInput: typeof RdbInput; RdbLoader: typeof RdbLoader }>(
  () => ({
    RdbInput: require("./rdb-input.ts").RdbInput,
    RdbLoader: require("./rdb-loader.ts").RdbLoader,
  }),
);

/** Writes a snapshot. */
export const snapshots = late<{ startSnapshot: typeof startSnapshot }>(() =>
  require("./snapshot.ts"),
);

/** Writes a log anew. */
export const rewriting = late<{ AofRewrite: typeof AofRewrite }>(() => require("./aof-rewrite.ts"));

/** Libraries as FUNCTION DUMP and RESTORE have them. */
export const functionPayload = late<{
  packLibraries: typeof packLibraries;
  unpackLibraries: typeof unpackLibraries;
}>(() => require("./function-payload.ts"));
