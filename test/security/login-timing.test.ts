/**
 * What the time of a failed login tells (S20): nothing of where a password is wrong, nor of whether the user exists. Only with
 * HUTCH_ROUNDS (`npm run test:long`): it takes a quiet machine.
 */
import { expect, test } from "bun:test";
import { nanoseconds } from "../../src/base/clock.ts";
import { execute } from "../../src/commands/execute.ts";
import { Args } from "../../src/protocol/args.ts";
import { rounds } from "../support/seed.ts";
import { TestEngine } from "../support/test-engine.ts";

const PASSWORD = "x".repeat(64);
const ATTEMPTS = 20_000;
const BLOCK = 50;
/** Above this the means differ with a certainty that is not chance. */
const T_MAX = 4.5;

/** What is tried: a name and a password of the right length. */
const CASES = {
  "wrong first byte": ["alice", `y${PASSWORD.slice(1)}`],
  "wrong last byte": ["alice", `${PASSWORD.slice(1)}y`],
  "unknown user": ["nobody", PASSWORD],
} as const;

test.skipIf(rounds === 1)("a failed login takes as long whatever is wrong (S20)", () => {
  const { session, engine } = new TestEngine();
  engine.access.users.set("alice", ["on", `>${PASSWORD}`]);
  const attempts = Object.values(CASES).map((line) => {
    const times: number[] = [];
    return { args: argsOf(["AUTH", ...line]), times };
  });
  const measure = (keep: boolean): void => {
    for (let i = 0; i < ATTEMPTS / BLOCK; i++) {
      // In turns, so that whatever else the machine does meets all alike.
      const inOrder = i % 2 === 0 ? attempts : attempts.toReversed();
      for (const { args, times } of inOrder) {
        const block: number[] = [];
        for (let j = 0; j < BLOCK; j++) {
          const startNs = nanoseconds();
          execute(session, args);
          block.push(nanoseconds() - startNs);
          session.reply.clear();
        }
        if (keep) times.push(block.toSorted((a, b) => a - b)[BLOCK / 2]!);
      }
    }
  };
  measure(false);
  measure(true);
  expect(engine.stats.denied.auth).toBe(2 * 3 * ATTEMPTS);
  const [first, last, unknown] = attempts.map(({ times }) => times);
  const found = {
    "first and last byte": welch(first!, last!),
    "unknown user": welch(first!, unknown!),
  };
  console.log(`t of failed logins: ${JSON.stringify(found)}`);
  for (const t of Object.values(found)) expect(Math.abs(t)).toBeLessThan(T_MAX);
});

function argsOf(words: readonly string[]): Args {
  const args = new Args();
  args.fill(words);
  return args;
}

/** Welch's t of two samples. */
function welch(a: readonly number[], b: readonly number[]): number {
  const [one, other] = [a, b].map((values) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return { mean, error: squares / (values.length - 1) / values.length };
  });
  return (one!.mean - other!.mean) / Math.sqrt(one!.error + other!.error);
}
