/** The cases of the families that change keys once more: the events that keys report must be those of redis-server. */
import { afterAll, beforeAll, describe, test } from "bun:test";
import { redisMissing } from "../support/redis-server.ts";
import type { Case } from "./case.ts";
import { Differential } from "./runner.ts";

const wanted = process.env.HUTCH_CASES ?? "";
const folder = new URL("cases/", import.meta.url).pathname;
const FAMILIES: readonly string[] = [
  ...["bitmaps", "blocking", "expiry", "geo", "hashes", "hyperloglogs", "keys", "lists", "sets"],
  ...["sort", "sorted-sets", "streams", "streams-groups", "strings"],
];

/** Events that are not compared: [start of "family: case", events, why]. */
const EXCEPTED: readonly (readonly [name: string, events: RegExp, reason: string])[] = [
  [
    "bitmaps: wrong numbers of arguments",
    / keymiss /,
    "redis-server looks for the key before it counts arguments",
  ],
  ["lists: a rank whose opposite", / keymiss /, "7.0 takes the rank, later versions refuse it"],
  [
    "streams-groups: random",
    / (keymiss|xgroup-createconsumer|xgroup-delconsumer) /,
    "a consumer that only is there since 7.2 may be deleted as well",
  ],
  [
    "streams-groups: ",
    / (keymiss|xgroup-createconsumer) /,
    "who works in a group writes; since 7.2 a consumer comes into being though there is nothing for it",
  ],
];

describe.skipIf(redisMissing !== null)("the same events as redis-server", () => {
  let differential: Differential;
  beforeAll(async () => {
    differential = await Differential.start();
    await differential.compareEvents();
  });
  afterAll(async () => {
    await differential.stop();
  });

  for (const family of FAMILIES) {
    const { cases } = require(`${folder}${family}.ts`) as { cases: readonly Case[] };
    for (const one of cases) {
      const name = `${family}: ${one.name}`;
      if (!name.includes(wanted) || one.protocols?.includes(2) === false) continue;
      const except = EXCEPTED.find(([start]) => name.startsWith(start))?.[1];
      // Events do not depend on the protocol.
      test(name, () => differential.check({ ...one, protocols: [2] }, except));
    }
  }
});
