import { expect, test } from "bun:test";
import { rounds, seed } from "../support/seed.ts";
import { fuzzFiles } from "./fuzz-files.ts";
import { fuzzRestore } from "./fuzz-restore.ts";

test(
  "damaged payloads are refused or become values that commands can work on, and nothing is lost of memory",
  () => {
    console.log(`fuzz of RESTORE: HUTCH_SEED=${seed}`);
    const { accepted, refused, slowestMs } = fuzzRestore(seed, 2000 * rounds);
    // Both kinds must be there, or nothing is tested.
    expect(accepted).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(100);
    expect(slowestMs).toBeLessThan(1000);
  },
  { timeout: 60_000 * rounds },
);

test(
  "damaged files are refused or their keys are sound, and nothing is lost of memory (S6)",
  () => {
    console.log(`fuzz of files: HUTCH_SEED=${seed}`);
    const { loaded, refused, slowestMs } = fuzzFiles(seed, 200 * rounds);
    expect(loaded).toBeGreaterThan(10);
    expect(refused).toBeGreaterThan(10);
    expect(slowestMs).toBeLessThan(2000);
  },
  { timeout: 60_000 * rounds },
);
