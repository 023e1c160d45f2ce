/** What the commands on places share: coordinates, lengths and units, read from arguments and written to replies. */
import { parseDouble } from "../base/doubles.ts";
import { formatFixed, formatTrimmed } from "../base/fixed-decimals.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import {
  LATITUDE_MAX,
  LATITUDE_MIN,
  LONGITUDE_MAX,
  LONGITUDE_MIN,
  type Point,
} from "../types/geo.ts";

const NOT_A_FLOAT = "ERR value is not a valid float";
const UNKNOWN_UNIT = "ERR unsupported unit provided. please use M, KM, FT, MI";

/** Notation of a unit, for the rows. */
export const UNIT_SYNTAX = "unit:<m:M|km:KM|ft:FT|mi:MI>";

const COORDINATE_DECIMALS = 17;
const DISTANCE_DECIMALS = 4;

const line = Buffer.alloc(64);

/** Reads a longitude and the latitude behind it; else answers an error. */
export function pointOrReply(args: Args, index: number, out: Point, reply: Reply): boolean {
  const longitude = doubleOrReply(args, index, NOT_A_FLOAT, reply);
  if (Number.isNaN(longitude)) return false;
  const latitude = doubleOrReply(args, index + 1, NOT_A_FLOAT, reply);
  if (Number.isNaN(latitude)) return false;
  if (
    longitude < LONGITUDE_MIN ||
    longitude > LONGITUDE_MAX ||
    latitude < LATITUDE_MIN ||
    latitude > LATITUDE_MAX
  ) {
    const pair = `${formatFixed(longitude, 6)},${formatFixed(latitude, 6)}`;
    reply.error(`ERR invalid longitude,latitude pair ${pair}`);
    return false;
  }
  out.longitude = longitude;
  out.latitude = latitude;
  return true;
}

/** A number, or NaN after answering `message`. */
export function doubleOrReply(args: Args, index: number, message: string, reply: Reply): number {
  const value = parseDouble(args.bytes, args.start(index), args.end(index));
  if (Number.isNaN(value)) reply.error(message);
  return value;
}

/** Meters of a unit, or NaN after answering the error. */
export function unitOrReply(args: Args, index: number, reply: Reply): number {
  if (args.is(index, "M")) return 1;
  if (args.is(index, "KM")) return 1000;
  if (args.is(index, "FT")) return 0.3048;
  if (args.is(index, "MI")) return 1609.34;
  reply.error(UNKNOWN_UNIT);
  return NaN;
}

export function replyDistance(reply: Reply, length: number): void {
  reply.text(formatFixed(length, DISTANCE_DECIMALS));
}

export function replyPoint(reply: Reply, longitude: number, latitude: number): void {
  reply.array(2);
  replyCoordinate(reply, longitude);
  replyCoordinate(reply, latitude);
}

/** A coordinate in full: the double of RESP3, a bulk string in RESP2. */
function replyCoordinate(reply: Reply, value: number): void {
  const text = formatTrimmed(value, COORDINATE_DECIMALS);
  if (reply.version === 3) reply.raw(line, 0, line.write(`,${text}\r\n`, "latin1"));
  else reply.text(text);
}
