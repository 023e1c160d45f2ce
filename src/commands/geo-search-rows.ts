/** The rows of the commands that search around a place. */
import {
  AROUND_MEMBER,
  AROUND_POINT,
  NO_STORE,
  search,
  SEARCH,
  SEARCH_STORE,
} from "./geo-search.ts";
import type { Args } from "../protocol/args.ts";
import { UNIT_SYNTAX } from "./geo-values.ts";
import type { CommandRow, Handler, KeySpec } from "./row.ts";
import { oneKey } from "./row.ts";

function handlerOf(kind: number): Handler {
  return (session, args, reply) => search(session, args, kind, reply);
}

/** The key that is searched, and the ones that follow STORE and STOREDIST if there are such words. */
function keysWithStore(from: number): readonly KeySpec[] {
  return [
    ...oneKey("RO access"),
    ...["STORE", "STOREDIST"].map((keyword): KeySpec => {
      return {
        flags: "OW update",
        begin: { keyword, from },
        find: { last: 0, step: 1 },
        locate: (args, command) => destination(args, command + from, keyword),
      };
    }),
  ];
}

/** The last one counts, as when the command runs. @param from index of the first option */
function destination(args: Args, from: number, keyword: string): number {
  let at = 0;
  for (let i = from; i < args.count - 1; i++) {
    if (args.is(i, keyword)) at = i + 1;
    if (args.is(i, "COUNT") || args.is(i, "STORE") || args.is(i, "STOREDIST")) i++;
  }
  return at;
}

const AREA_SYNTAX =
  "from:<FROMMEMBER member:string|FROMLONLAT fromlonlat:(longitude:double latitude:double)> " +
  `by:<circle:(BYRADIUS radius:double ${UNIT_SYNTAX})|` +
  `box:(BYBOX width:double height:double ${UNIT_SYNTAX})>`;
const ORDER_SYNTAX = "[order:<asc:ASC|desc:DESC>]";
const WITH_SYNTAX = "[withcoord:WITHCOORD] [withdist:WITHDIST] [withhash:WITHHASH]";
const COUNT_SYNTAX = "[count-block:(COUNT count:integer [any:ANY])]";
const COUNT_SINCE_SYNTAX = "[count-block:(COUNT count:integer [any:ANY@6.2.0])]";
const STORE_SYNTAX = "[STORE storekey:key#1/key] [STOREDIST storedistkey:key#2/key]";
const POINT_SYNTAX = `key:key longitude:double latitude:double radius:double ${UNIT_SYNTAX}`;
const MEMBER_SYNTAX = `key:key member:string radius:double ${UNIT_SYNTAX}`;

const COMPLEXITY =
  "O(N+log(M)) where N is the number of members in the cells of the grid around the area and M those in the set.";
const ANY_ADDED = ["6.2.0", "The option `ANY` of `COUNT`."] as const;
const UPPER_CASE = ["7.0.0", "Takes units in upper case."] as const;

export const geoSearchRows: readonly CommandRow[] = [
  {
    name: "geosearch",
    arity: -7,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "6.2.0",
    group: "geo",
    summary: "Returns the members in a circle or a box around a place.",
    complexity: COMPLEXITY,
    syntax: `key:key ${AREA_SYNTAX} ${ORDER_SYNTAX} ${COUNT_SYNTAX} ${WITH_SYNTAX}`,
    history: [UPPER_CASE],
    handler: handlerOf(SEARCH | NO_STORE),
  },
  {
    name: "geosearchstore",
    arity: -8,
    flags: "write denyoom",
    keys: [
      { flags: "OW update", begin: 1, find: { last: 0, step: 1 } },
      { flags: "RO access", begin: 2, find: { last: 0, step: 1 } },
    ],
    since: "6.2.0",
    group: "geo",
    summary: "Stores the members in a circle or a box around a place in another key.",
    complexity: COMPLEXITY,
    syntax:
      `destination:key source:key#1 ${AREA_SYNTAX} ${ORDER_SYNTAX} ${COUNT_SYNTAX} ` +
      "[storedist:STOREDIST]",
    history: [UPPER_CASE],
    handler: handlerOf(SEARCH | SEARCH_STORE),
  },
  {
    name: "georadius",
    arity: -6,
    flags: "write denyoom movablekeys",
    keys: keysWithStore(6),
    since: "3.2.0",
    group: "geo",
    summary: "Returns or stores the members within a distance of a place.",
    complexity: COMPLEXITY,
    deprecated: {
      since: "6.2.0",
      replacedBy: "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
    },
    syntax: `${POINT_SYNTAX} ${WITH_SYNTAX} ${COUNT_SINCE_SYNTAX} ${ORDER_SYNTAX} ${STORE_SYNTAX}`,
    history: [ANY_ADDED, UPPER_CASE],
    handler: handlerOf(AROUND_POINT),
  },
  {
    name: "georadius_ro",
    arity: -6,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "3.2.10",
    group: "geo",
    summary: "Returns the members within a distance of a place.",
    complexity: COMPLEXITY,
    deprecated: { since: "6.2.0", replacedBy: "`GEOSEARCH` with the `BYRADIUS` argument" },
    syntax: `${POINT_SYNTAX} ${WITH_SYNTAX} ${COUNT_SINCE_SYNTAX} ${ORDER_SYNTAX}`,
    history: [ANY_ADDED],
    handler: handlerOf(AROUND_POINT | NO_STORE),
  },
  {
    name: "georadiusbymember",
    arity: -5,
    flags: "write denyoom movablekeys",
    keys: keysWithStore(5),
    since: "3.2.0",
    group: "geo",
    summary: "Returns or stores the members within a distance of a member.",
    complexity: COMPLEXITY,
    deprecated: {
      since: "6.2.0",
      replacedBy: "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
    },
    syntax: `${MEMBER_SYNTAX} ${WITH_SYNTAX} ${COUNT_SYNTAX} ${ORDER_SYNTAX} ${STORE_SYNTAX}`,
    history: [UPPER_CASE],
    handler: handlerOf(AROUND_MEMBER),
  },
  {
    name: "georadiusbymember_ro",
    arity: -5,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "3.2.10",
    group: "geo",
    summary: "Returns the members within a distance of a member.",
    complexity: COMPLEXITY,
    deprecated: {
      since: "6.2.0",
      replacedBy: "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
    },
    syntax: `${MEMBER_SYNTAX} ${WITH_SYNTAX} ${COUNT_SYNTAX} ${ORDER_SYNTAX}`,
    handler: handlerOf(AROUND_MEMBER | NO_STORE),
  },
];
