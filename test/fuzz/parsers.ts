/**
 * The long run of the parser fuzzer: `bun run fuzz [--seed N] [--frames N] [--redis N]`. Five million frames unless told
 * otherwise, then fifty thousand inputs beside redis-server where that is installed.
 */
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { compareWithRedis } from "./compare-redis.ts";
import { fuzzParsers } from "./fuzz-parsers.ts";

function option(name: string, fallback: number): number {
  const at = process.argv.indexOf(`--${name}`);
  const value = at === -1 ? fallback : Number(process.argv[at + 1]);
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} takes a number`);
  return value;
}

const seed = option("seed", crypto.getRandomValues(new Uint32Array(1))[0]!);
const count = option("frames", 5_000_000);
const redisCount = option("redis", 50_000);
console.log(`seed ${seed}, ${count} frames`);
const rssBefore = process.memoryUsage.rss();
const start = performance.now();
const result = fuzzParsers(seed, count, (done) => {
  const grown = (process.memoryUsage.rss() - rssBefore) / 1048576;
  if (grown > 512) throw new Error(`the fuzzer has grown by ${grown} MiB after ${done} frames`);
  console.log(`${done} frames, ${grown.toFixed(0)} MiB grown`);
});
console.log({ ...result, seconds: Math.round((performance.now() - start) / 1000) });
if (redisMissing === null && redisCount > 0) {
  const redis = await startRedis();
  try {
    console.log(await compareWithRedis(redis.port, seed, redisCount));
  } finally {
    await redis.stop();
  }
}
