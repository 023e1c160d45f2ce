/**
 * The long run of the fuzzers of RESTORE and of files: `bun run fuzz:restore [--seed N] [--payloads N] [--files N]`, 200 thousand
 * payloads and 10 thousand files unless told otherwise.
 */
import { fuzzFiles } from "./fuzz-files.ts";
import { fuzzRestore } from "./fuzz-restore.ts";

function option(name: string, fallback: number): number {
  const at = process.argv.indexOf(`--${name}`);
  const value = at === -1 ? fallback : Number(process.argv[at + 1]);
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} takes a number`);
  return value;
}

const seed = option("seed", crypto.getRandomValues(new Uint32Array(1))[0]!);
const count = option("payloads", 200_000);
const files = option("files", 10_000);
console.log(`seed ${seed}, ${count} payloads, ${files} files`);
const result = fuzzRestore(seed, count, (done) => {
  if (done % 10_000 === 0) console.log(`${done} payloads`);
});
console.log(result);
const fileResult = fuzzFiles(seed, files, (done) => {
  if (done % 1000 === 0) console.log(`${done} files`);
});
console.log(fileResult);
