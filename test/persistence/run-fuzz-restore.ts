/** The long run of the fuzzer of RESTORE: `bun run fuzz:restore [--seed N] [--payloads N]`, 200 thousand unless told otherwise. */
import { fuzzRestore } from "./fuzz-restore.ts";

function option(name: string, fallback: number): number {
  const at = process.argv.indexOf(`--${name}`);
  const value = at === -1 ? fallback : Number(process.argv[at + 1]);
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} takes a number`);
  return value;
}

const seed = option("seed", crypto.getRandomValues(new Uint32Array(1))[0]!);
const count = option("payloads", 200_000);
console.log(`seed ${seed}, ${count} payloads`);
const result = fuzzRestore(seed, count, (done) => {
  if (done % 10_000 === 0) console.log(`${done} payloads`);
});
console.log(result);
