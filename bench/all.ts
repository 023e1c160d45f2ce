/**
 * All microbenchmarks: `bun run bench`, or those whose names match: `bun run bench dict`. They show a change on a hot path
 * without sockets and other processes; what counts in the end is `bun run bench:compare`.
 */
import { run } from "mitata";

await import("./base/hash.bench.ts");
await import("./base/numbers.bench.ts");
await import("./memory/arena.bench.ts");
await import("./structures/dict.bench.ts");
await import("./structures/wheel.bench.ts");
await import("./protocol/requests.bench.ts");
await import("./protocol/reply.bench.ts");
await import("./commands/walk.bench.ts");

const pattern = process.argv[2];
await run(pattern === undefined ? {} : { filter: new RegExp(pattern, "i") });
