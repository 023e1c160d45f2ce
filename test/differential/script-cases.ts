/** Cases that are scripts: each is run by EVAL, with two keys and two arguments, on a database that holds one value of a few types. */
import type { Case, Step } from "./case.ts";

/** Scripts of one case: when one differs, the report is not long. */
const SCRIPTS_PER_CASE = 40;

const DATA: readonly Step[] = [
  "SET k v",
  "RPUSH l 1 2 3",
  "HSET h a 1",
  "SADD s m",
  "ZADD z 1.5 m",
];

export function scriptCases(name: string, scripts: readonly string[]): Case[] {
  const cases: Case[] = [];
  for (let from = 0; from < scripts.length; from += SCRIPTS_PER_CASE) {
    const some = scripts.slice(from, from + SCRIPTS_PER_CASE);
    const runs = some.map((script): Step => ["EVAL", script, "2", "k", "l", "first", "second"]);
    cases.push({ name: `${name}, from ${from}`, steps: [...DATA, ...runs] });
  }
  return cases;
}
