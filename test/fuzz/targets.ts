/** All targets of `bun run fuzz`. */
import type { Target } from "./target.ts";
import { acl } from "./targets/acl.ts";
import { commands } from "./targets/commands.ts";
import { config } from "./targets/config.ts";
import { logs, snapshots } from "./targets/files.ts";
import { lua } from "./targets/lua.ts";
import { oracle } from "./targets/oracle.ts";
import { patterns } from "./targets/patterns.ts";
import { requests } from "./targets/requests.ts";
import { restore } from "./targets/restore.ts";

export const TARGETS: readonly Target[] = [
  ...[requests, restore, snapshots, logs, lua, acl, config, patterns],
  ...[commands, oracle],
];
