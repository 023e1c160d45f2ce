/**
 * All microbenchmarks: `bun run bench`, or those of the files whose names match: `bun run bench dict walk`. They show a
 * change on a hot path without sockets and other processes; what counts in the end is `bun run bench:compare`.
 */
import { run } from "mitata";

const FILES: Readonly<Record<string, () => Promise<unknown>>> = {
  "base/hash": () => import("./base/hash.bench.ts"),
  "base/numbers": () => import("./base/numbers.bench.ts"),
  "memory/arena": () => import("./memory/arena.bench.ts"),
  "structures/dict": () => import("./structures/dict.bench.ts"),
  "structures/wheel": () => import("./structures/wheel.bench.ts"),
  "protocol/requests": () => import("./protocol/requests.bench.ts"),
  "protocol/reply": () => import("./protocol/reply.bench.ts"),
  "keyspace/eviction": () => import("./keyspace/eviction.bench.ts"),
  "keyspace/compaction": () => import("./keyspace/compaction.bench.ts"),
  "commands/walk": () => import("./commands/walk.bench.ts"),
};

const wanted = process.argv.slice(2);
const names = Object.keys(FILES).filter(
  (name) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
);
if (names.length === 0) {
  process.stderr.write(`No benchmark matches; there are ${Object.keys(FILES).join(", ")}\n`);
  process.exit(1);
}
for (const name of names) await FILES[name]!();
await run();
