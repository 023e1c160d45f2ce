/** Places on the earth: the same scores, distances, coordinates and search results in both servers. */
import type { Random } from "../../../src/base/random.ts";
import type { RespValue } from "../../support/resp-value.ts";
import { show } from "../../support/resp-value.ts";
import { pick, seeded } from "../../support/seed.ts";
import type { Case, Step } from "../case.ts";

/** Distances may differ in their last digit, a tenth of a millimetre: C's sine and JavaScript's round differently now and then. */
function nearlyEqual(ours: RespValue, theirs: RespValue): boolean {
  const [left, right] = [ours, theirs].map((reply) => show(reply).split(/"(\d+\.\d{4})"/));
  return (
    left!.length === right!.length &&
    left!.every((part, i) => {
      return (
        part === right![i] || (i % 2 === 1 && Math.abs(Number(part) - Number(right![i])) < 2e-4)
      );
    })
  );
}

const SICILY: readonly Step[] = [
  "GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania",
  'GEOADD s 12.758489 38.788135 edge1 17.241510 38.788135 "edge 2\\x00"',
];

const CORNERS: readonly Step[] = ["-180", "-0", "0", "180", "179.9999999", "-179.9999999"].flatMap(
  (longitude) =>
    ["-85.05112878", "-85.05112877", "0", "85.05112878", "85.05112877", "45"].map((latitude) => [
      ...["GEOADD", "c", longitude, latitude, `${longitude},${latitude}`],
    ]),
);

const NUMBERS: readonly string[] = [
  ...[
    "0",
    "-0",
    "1",
    "-1",
    "1.5",
    "180",
    "-180",
    "180.0000001",
    "85.05112878",
    "85.05112879",
    "90",
  ],
  ...["1e-5", "1e21", "1e308", "-1e308", "inf", "-inf", "nan", "0x10", "", " 1", "x", "5e-324"],
];

const UNITS: readonly string[] = ["m", "km", "ft", "mi", "M", "Km", "yd", ""];

const WRONG: readonly string[] = [
  "GEOADD k 1 1 a",
  "GEOADD k NX XX 1 1 a",
  "GEODIST k a b",
  "GEODIST k a b km m",
  "GEODIST k a b yd",
  "GEOHASH k a",
  "GEOHASH k",
  "GEOPOS k a",
  "GEOPOS k",
  "GEOSEARCH k FROMLONLAT 1 1 BYRADIUS 1 m",
  "GEOSEARCH k FROMMEMBER a BYRADIUS 1 m",
  "GEOSEARCH k FROMMEMBER a BYBOX 1 1 m ANY",
  "GEOSEARCH k FROMMEMBER a BYBOX 1 1 m COUNT 0",
  "GEOSEARCHSTORE d k FROMMEMBER a BYBOX 1 1 m",
  "GEOSEARCHSTORE k s FROMLONLAT 15 37 BYBOX 10000 10000 km",
  "GEORADIUS k 1 1 1 m",
  "GEORADIUS k 1 1 1 m STORE d",
  "GEORADIUS_RO k 1 1 1 m",
  "GEORADIUSBYMEMBER k a 1 m",
  "GEORADIUSBYMEMBER k a x y",
  "GEORADIUSBYMEMBER k a 1 m STOREDIST d",
  "GEORADIUSBYMEMBER_RO k a 1 m",
];

const MALFORMED: readonly string[] = [
  ...["GEOADD", "GEOADD s 1 1", "GEOADD s 1 1 a 2", "GEOADD s 1 1 a 2 2", "GEOADD s NX CH XX CH"],
  ...[
    "GEOADD s nx ch nx ch",
    "GEOADD s XX 1 1 new",
    "GEOADD s 1 x a",
    "GEOADD s x 1 a",
    "GEODIST s a",
  ],
  ...["GEOADD s 1 1 a 200 1 b", "GEOADD s 1 1 NX", "GEOADD s CH NX 1 1 a", "GEODIST s a b c d e"],
  ...["GEOSEARCH s FROMMEMBER", "GEOSEARCH s FROMLONLAT 1 1 FROMMEMBER Palermo BYRADIUS 1 m"],
  ...[
    "GEOSEARCH s FROMMEMBER Palermo FROMLONLAT 1 1 BYRADIUS 1 m",
    "GEOSEARCH s ASC ASC ASC ASC ASC",
  ],
  ...[
    "GEOSEARCH s FROMMEMBER Palermo FROMMEMBER Catania BYRADIUS 1 m",
    "gEOsearch s BYRADIUS 1 m ASC ASC",
  ],
  ...["GEOSEARCH s FROMMEMBER Palermo ASC ASC ASC", "GEOSEARCH s FROMMEMBER none BYRADIUS 1 m"],
  ...[
    "GEOSEARCH s FROMMEMBER Palermo BYRADIUS 1 m BYBOX 1 1 m",
    "GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 1",
  ],
  ...[
    "GEOSEARCH s FROMMEMBER Palermo BYBOX 1 1 m BYRADIUS 1 m",
    "GEOSEARCH s FROMLONLAT 15 37 BYBOX 1 1",
  ],
  ...[
    "GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 300 km ANY",
    "GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 300 km COUNT",
  ],
  ...[
    "GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 300 km STOREDIST",
    "GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 300 km x",
  ],
  ...[
    "GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 300 km STORE d",
    "GEOSEARCH none ASC ASC ASC ASC ASC ASC",
  ],
  ...[
    "GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 1 km WITHDIST",
    "GEOSEARCHSTORE d s ASC ASC ASC ASC ASC",
  ],
  ...["GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 1 km WITHHASH STOREDIST"],
  ...[
    "GEORADIUS s 15 37 200 km STORE",
    "GEORADIUS s 15 37 200 km STORE d WITHCOORD",
    "GEORADIUS s 15 37 200",
  ],
  ...["GEORADIUS_RO s 15 37 200 km STORE d", "GEORADIUSBYMEMBER_RO s Palermo 200 km STOREDIST d"],
  ...[
    "GEORADIUSBYMEMBER s none 200 km",
    "GEORADIUSBYMEMBER none none x y",
    "GEORADIUSBYMEMBER none a 1 m ANY",
  ],
  ...[
    "GEORADIUS none 15 37 x km",
    "GEORADIUS s 15 37 200 km FROMMEMBER Palermo",
    "GEORADIUS s 15 37 1 km ANY",
  ],
];

const RANGES: readonly string[] = [
  "",
  "ASC",
  "DESC",
  "COUNT 1",
  "COUNT 2 DESC",
  "COUNT 3 ANY",
  "ASC COUNT 2 ANY",
];
const WITH: readonly string[] = [
  "",
  "WITHDIST",
  "WITHHASH WITHCOORD",
  "withcoord WITHDIST withhash",
];
const AREAS: readonly string[] = [
  ...["BYRADIUS 200 km", "BYRADIUS 0 m", "BYRADIUS 190 mi", "BYRADIUS 1e5 ft", "BYBOX 400 400 km"],
  ...["BYBOX 400 1 km", "BYBOX 1e3 1 mi", "BYBOX 0 0 m", "BYRADIUS 30000 km", "BYBOX 1e5 1e5 km"],
  ...["BYRADIUS inf m", "BYBOX inf inf m"],
];

function place(random: Random, wide: boolean): readonly [string, string] {
  const scale = wide ? 1 : 0.001;
  const longitude = (random.below(360000) / 1000 - 180) * scale;
  const latitude = (random.below(170000) / 1000 - 85) * scale;
  return [`${longitude}`, `${latitude}`];
}

/** Sets of either encoding, near one another or all over the world, and searches in them. */
function randomSteps(random: Random): readonly Step[] {
  const steps: Step[] = [];
  for (const [key, count, wide] of [
    ["few", 60, true],
    ["many", 700, true],
    ["near", 300, false],
  ] as const) {
    for (let i = 0; i < count; i += 10) {
      const data = Array.from({ length: 10 }, (_, j) => [...place(random, wide), `m${i + j}`]);
      steps.push(["GEOADD", key, ...data.flat()]);
    }
    steps.push(["OBJECT", "ENCODING", key]);
    for (let i = 0; i < 150; i++) {
      const [longitude, latitude] = place(random, wide);
      const from =
        random.below(3) === 0
          ? ["FROMMEMBER", `m${random.below(count)}`]
          : ["FROMLONLAT", longitude, latitude];
      const size = () => `${2 ** random.below(wide ? 26 : 18)}`;
      const by = random.below(2) === 0 ? ["BYRADIUS", size(), "m"] : ["BYBOX", size(), size(), "m"];
      const rest = pick(random, ["ASC", "DESC", "COUNT 5", "ASC COUNT 30", ""])
        .split(" ")
        .filter(Boolean);
      const line = ["GEOSEARCH", key, ...from, ...by, ...rest, "WITHDIST", "WITHCOORD", "WITHHASH"];
      steps.push(line);
      if (i % 10 === 0) steps.push(["GEOSEARCHSTORE", `to${i % 50}`, key, ...from, ...by, ...rest]);
      if (i % 10 === 5) {
        steps.push(
          ["GEODIST", key, `m${random.below(count)}`, `m${random.below(count)}`, "ft"],
          ["GEOHASH", key, `m${random.below(count)}`, `m${random.below(count)}`],
          ["GEOPOS", key, `m${random.below(count)}`, `m${random.below(count)}`],
        );
      }
    }
  }
  return steps;
}

export const cases: readonly Case[] = [
  {
    name: "places are added, moved and left alone",
    steps: [
      ...SICILY,
      ...[
        "GEOADD s 13.361389 38.115556 Palermo",
        "GEOADD s CH 13 38 Palermo 1 1 new",
        "ZSCORE s Palermo",
      ],
      ...[
        "GEOADD s NX 1 1 Palermo 2 2 newer",
        "GEOADD s xx ch 3 3 Palermo 4 4 newest",
        "GEOADD e XX 1 1 a",
      ],
      ...[
        "EXISTS e",
        "GEOADD s NX CH 5 5 a 6 6 a",
        "GEOPOS s a",
        "TYPE s",
        "ZRANGE s 0 -1 WITHSCORES",
      ],
    ],
  },
  {
    name: "distances, hashes and positions",
    steps: [
      ...SICILY,
      ...UNITS.flatMap((unit): Step[] => [
        ["GEODIST", "s", "Palermo", "Catania", unit],
        ["GEODIST", "s", "Palermo", "Palermo", unit],
        ["GEODIST", "none", "Palermo", "Palermo", unit],
      ]),
      ...["GEODIST s Palermo none", "GEODIST s none Palermo", "GEODIST s Palermo Catania"],
      ...["GEOHASH s Palermo none Catania", "GEOHASH s Palermo", "GEOHASH none a b"],
      ...["GEOPOS s Palermo none Catania", "GEOPOS s Palermo", "GEOPOS none a b"],
    ],
  },
  {
    name: "at the edges of the map",
    steps: [
      ...CORNERS,
      "ZRANGE c 0 -1 WITHSCORES",
      ...["-180", "0", "180"].flatMap((longitude) =>
        ["-85.05112878", "0", "85.05112878"].flatMap((latitude): Step[] => [
          ["GEOPOS", "c", `${longitude},${latitude}`],
          ["GEOHASH", "c", `${longitude},${latitude}`],
          ...["1", "1000000", "10000000"].map((radius) => [
            ...["GEOSEARCH", "c", "FROMLONLAT", longitude, latitude, "BYRADIUS", radius, "m"],
            ...["ASC", "WITHDIST", "WITHHASH", "WITHCOORD"],
          ]),
        ]),
      ),
    ],
  },
  {
    name: "members whose scores are no places",
    steps: [
      "ZADD z 1.9 a -1 b 4503599627370496 c 9007199254740991 d 1e15 e -0.5 f 0 g 1 h 9e18 i",
      "GEOPOS z a b c d e f g h i",
      "GEOHASH z a b c d e f g h i",
      "GEODIST z a c",
      "GEOSEARCH z FROMLONLAT 0 0 BYRADIUS 30000 km ASC WITHHASH WITHDIST WITHCOORD",
    ],
  },
  {
    name: "searches with every option",
    steps: [
      ...SICILY,
      ...AREAS.flatMap((by) =>
        RANGES.flatMap((range) =>
          WITH.flatMap((more): Step[] => [
            `GEOSEARCH s FROMLONLAT 15 37 ${by} ${range} ${more}`,
            `GEOSEARCH s ${range} ${by} ${more} FROMMEMBER Catania`,
          ]),
        ),
      ),
      ...RANGES.flatMap((range) =>
        WITH.flatMap((more): Step[] => [
          `GEORADIUS s 15 37 200 km ${more} ${range}`,
          `GEORADIUS_RO s 15 37 100 MI ${range} ${more}`,
          `GEORADIUSBYMEMBER s Palermo 200 km ${range} ${more}`,
          `GEORADIUSBYMEMBER_RO s Palermo 200 km ${more} ${range}`,
        ]),
      ),
      "GEOSEARCH none FROMMEMBER a BYRADIUS 1 m",
      "GEORADIUSBYMEMBER none a 1 m",
    ],
  },
  {
    name: "results are stored",
    steps: [
      ...SICILY,
      "SET d text",
      "GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 200 km",
      "GEOSEARCHSTORE e s FROMLONLAT 15 37 BYBOX 400 400 km STOREDIST COUNT 2",
      "GEOSEARCHSTORE f s FROMMEMBER Palermo BYRADIUS 500 km ASC COUNT 1 ANY",
      "SET gone 1",
      "GEOSEARCHSTORE gone s FROMLONLAT 100 37 BYRADIUS 1 km",
      "SET gone2 1",
      "GEOSEARCHSTORE gone2 none FROMLONLAT 100 37 BYRADIUS 1 km",
      "GEOSEARCHSTORE gone2 none FROMMEMBER a BYRADIUS 1 km",
      "GEORADIUS s 15 37 200 km STORE g",
      "GEORADIUS s 15 37 200 km STOREDIST h",
      "GEORADIUS s 15 37 200 km STORE i STOREDIST j",
      "GEORADIUS s 15 37 200 km STOREDIST l STORE m COUNT 1",
      "GEORADIUSBYMEMBER s Palermo 200 km STORE n",
      "GEORADIUSBYMEMBER s Palermo 200 mi STOREDIST o ASC",
      "COPY s self",
      "GEOSEARCHSTORE self self FROMLONLAT 15 37 BYRADIUS 100 km",
      "COMMAND GETKEYS GEORADIUS s 15 37 200 km STORE g",
      "COMMAND GETKEYS GEORADIUS s 15 37 200 km STOREDIST g",
      "COMMAND GETKEYS GEORADIUS s 15 37 200 km",
      "COMMAND GETKEYS GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 200 km",
    ],
  },
  {
    name: "wrong types and missing keys",
    steps: [...SICILY, ...WRONG, "SET k text", ...WRONG, "TYPE k"],
  },
  { name: "malformed lines", steps: [...SICILY, ...MALFORMED] },
  {
    name: "edge numbers",
    steps: [
      ...SICILY,
      ...NUMBERS.flatMap((number): Step[] => [
        ["GEOADD", "n", number, "1", "a"],
        ["GEOADD", "n", "1", number, "b"],
        ["GEOSEARCH", "s", "FROMLONLAT", number, "1", "BYRADIUS", "1", "m"],
        ["GEOSEARCH", "s", "FROMLONLAT", "15", "37", "BYRADIUS", number, "km"],
        ["GEOSEARCH", "s", "FROMLONLAT", "15", "37", "BYBOX", number, "400", "km", "ASC"],
        ["GEOSEARCH", "s", "FROMLONLAT", "15", "37", "BYBOX", "400", number, "km", "ASC"],
        ["GEOSEARCH", "s", "FROMLONLAT", "15", "37", "BYBOX", "400", "400", "km", "COUNT", number],
        ["GEORADIUS", "s", "15", number, "200", "km"],
        ["GEORADIUSBYMEMBER", "s", "Palermo", number, "km", "WITHDIST"],
        ["GEORADIUSBYMEMBER", "s", "Palermo", "200", "km", "COUNT", number, "ANY"],
      ]),
    ],
  },
  {
    name: "random places and searches",
    steps: randomSteps(seeded("geo")),
    protocols: [2],
    compare: nearlyEqual,
  },
];
