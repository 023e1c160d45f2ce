/** What is known of how keys are used: OBJECT FREQ and IDLETIME under the policies that ask for it, and RESTORE with it. */
import type { Case } from "../case.ts";
import { lines } from "../lines.ts";

/** With this factor every use counts, so replies do not depend on chance. Values are no small integers: Redis shares those between keys. */
const COUNTED = "CONFIG SET maxmemory-policy allkeys-lfu lfu-log-factor 0 lfu-decay-time 1";
const cleanup = ["CONFIG SET maxmemory-policy noeviction lfu-log-factor 10 lfu-decay-time 1"];

/** The string "v" as a payload of version 10. */
const PAYLOAD = '"\\x00\\x01v\\n\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"';
const BAD = '"\\x00\\x01v\\n\\x00"';

export const cases: readonly Case[] = [
  {
    name: "OBJECT FREQ counts uses under an LFU policy",
    steps: [
      COUNTED,
      ...lines(`
        SET a v; OBJECT FREQ a; GET a; GET a; OBJECT FREQ a; SET a w; OBJECT FREQ a; STRLEN a
        APPEND a x; OBJECT FREQ a; EXISTS a; TOUCH a; OBJECT FREQ a; TYPE a; OBJECT ENCODING a
        OBJECT FREQ a; EXPIRE a 100; PERSIST a; OBJECT FREQ a; RPUSH l 1 2 3; LRANGE l 0 -1; OBJECT FREQ l
        HSET h f v; HGET h f; OBJECT FREQ h; COPY h g; OBJECT FREQ g; OBJECT FREQ h; RENAME h i; OBJECT FREQ i
        OBJECT IDLETIME a; OBJECT IDLETIME nokey; OBJECT FREQ nokey
        MSET a v b 123456; OBJECT FREQ a; OBJECT FREQ b; SETRANGE a 3 x; OBJECT FREQ a; INCR b; OBJECT FREQ b
      `),
    ],
    cleanup,
  },
  {
    name: "RESTORE takes over FREQ or IDLETIME as the policy asks for it",
    steps: [
      COUNTED,
      ...lines(`
        RESTORE a 0 ${PAYLOAD} FREQ 77; OBJECT FREQ a; RESTORE b 0 ${PAYLOAD} IDLETIME 1000; OBJECT FREQ b
        RESTORE a 0 ${PAYLOAD} REPLACE FREQ 255; OBJECT FREQ a; GET a; OBJECT FREQ a
        RESTORE a 0 ${PAYLOAD} REPLACE; OBJECT FREQ a; RESTORE a 0 ${PAYLOAD} REPLACE FREQ 0; OBJECT FREQ a
        RESTORE a 0 ${PAYLOAD} REPLACE FREQ 256; RESTORE a 0 ${PAYLOAD} FREQ 1 IDLETIME 1; OBJECT FREQ a
        RESTORE a 0 ${PAYLOAD}; OBJECT FREQ a; RESTORE a 0 ${BAD} REPLACE; OBJECT FREQ a; RESTORE a 0 ${BAD}; OBJECT FREQ a
        CONFIG SET maxmemory-policy allkeys-lru
        RESTORE c 0 ${PAYLOAD} FREQ 77; OBJECT FREQ c; OBJECT IDLETIME c
        RESTORE c 0 ${PAYLOAD} REPLACE IDLETIME 1000; OBJECT IDLETIME c
        RESTORE c 0 ${PAYLOAD} REPLACE IDLETIME 100000000; OBJECT IDLETIME c
      `),
    ],
    cleanup,
  },
  {
    name: "DEBUG RELOAD keeps what the policy asks for",
    steps: [
      COUNTED,
      ...lines(`
        RESTORE a 0 ${PAYLOAD} FREQ 77; SET b v; DEBUG RELOAD; OBJECT FREQ a; OBJECT FREQ b
        CONFIG SET maxmemory-policy volatile-lru
        RESTORE c 0 ${PAYLOAD} IDLETIME 500; DEBUG RELOAD; OBJECT IDLETIME c
        CONFIG SET maxmemory-policy volatile-ttl
        RESTORE c 0 ${PAYLOAD} REPLACE IDLETIME 500; DEBUG RELOAD; OBJECT IDLETIME c
      `),
    ],
    cleanup,
  },
];
