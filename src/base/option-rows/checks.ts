/** The rules of single options that no type covers. */
import { parseDouble } from "../doubles.ts";
import { parseBytes, parseLoose } from "../option-values.ts";
import type { Parsed } from "../options.ts";

/** A single empty word stands for no words at all. */
function given(words: readonly string[]): readonly string[] {
  return words.length === 1 && words[0] === "" ? [] : words;
}

/** `save`: pairs of seconds and changes. */
export function checkSave(words: readonly string[]): Parsed {
  const error = "Invalid save parameters";
  const numbers = given(words).map(parseLoose);
  if (numbers.length % 2 !== 0) return { error };
  // Seconds stand first in each pair and are at least 1; NaN fails both comparisons.
  const valid = numbers.every((number, index) => number >= (index % 2 === 0 ? 1 : 0));
  return valid ? { value: numbers.join(" ") } : { error };
}

const BIND_ADDRESSES_MAX = 16;

export function checkBind(words: readonly string[]): Parsed {
  if (words.length > BIND_ADDRESSES_MAX) return { error: "Too many bind addresses specified." };
  return { value: given(words).join(" ") };
}

const CLIENT_CLASSES: ReadonlyMap<string, number> = new Map([
  ["normal", 0],
  ["slave", 1],
  ["replica", 1],
  ["pubsub", 2],
]);
const LIMIT_WORDS = 4;

/** `client-output-buffer-limit`: any of three classes, each with a hard limit, a soft limit and its seconds. */
export function checkOutputLimit(words: readonly string[], current: string): Parsed {
  // As in Redis, even a single empty word is no multiple of four, and yet CONFIG SET takes it as no change.
  const list = given(words);
  if (list.length % LIMIT_WORDS !== 0) {
    return { error: "Wrong number of arguments in buffer limit configuration." };
  }
  const merged = current.split(" ");
  for (let at = 0; at < list.length; at += LIMIT_WORDS) {
    const place = CLIENT_CLASSES.get(list[at]!.toLowerCase());
    if (place === undefined) {
      return { error: "Invalid client class specified in buffer limit configuration." };
    }
    const hard = parseBytes(list[at + 1]!);
    const soft = parseBytes(list[at + 2]!);
    const seconds = parseLoose(list[at + 3]!);
    if (hard === null || soft === null || !(seconds >= 0)) {
      return {
        error: "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
      };
    }
    merged.splice(place * LIMIT_WORDS + 1, 3, String(hard), String(soft), String(seconds));
  }
  return { value: merged.join(" ") };
}

export function checkOomScores(words: readonly string[]): Parsed {
  if (words.length !== 3) return { error: "wrong number of arguments" };
  const numbers = words.map(parseLoose);
  if (numbers.every((number) => number >= -2000 && number <= 2000)) {
    return { value: numbers.join(" ") };
  }
  return { error: "Invalid oom-score-adj-values, elements must be between -2000 and 2000." };
}

/** `oom-score-adj`: "relative" is the newer word for "yes". */
export function checkOomScore([value]: readonly string[]): Parsed {
  return { value: value === "relative" ? "yes" : value! };
}

/** Housekeeping beats a second: more a hint than a demand, so what is out of range is moved into it. */
export function checkHz([value]: readonly string[]): Parsed {
  return { value: String(Math.min(500, Math.max(1, Number(value)))) };
}

const BACKLOG_MIN = 16384n;

/** `repl-backlog-size`: less than Redis's smallest backlog becomes that. */
export function checkBacklog([value]: readonly string[]): Parsed {
  return { value: BigInt(value!) < BACKLOG_MIN ? String(BACKLOG_MIN) : value! };
}

/** The event classes that "A" stands for. */
const ALL_EVENTS = "g$lshzxetd";
/** All classes in the order in which they are shown. */
const SHOWN_EVENTS = `${ALL_EVENTS}nKEm`;

export function checkEvents([value]: readonly string[]): Parsed {
  const classes = new Set(value!.replaceAll("A", ALL_EVENTS));
  for (const letter of classes) {
    if (SHOWN_EVENTS.includes(letter)) continue;
    return { error: "Invalid event class character. Use 'Ag$lshzxeKEtmdn'." };
  }
  const shown = [...SHOWN_EVENTS].filter((letter) => classes.has(letter)).join("");
  // Redis does not show "n" beside "A", and so loses it when it rewrites the config file.
  return { value: shown.replace(ALL_EVENTS, "A") };
}

export function checkPercentiles(words: readonly string[]): Parsed {
  const shown: string[] = [];
  for (const word of given(words)) {
    const bytes = Buffer.from(word, "latin1");
    const number = parseDouble(bytes, 0, bytes.length);
    if (Number.isNaN(number)) {
      return { error: "Invalid latency-tracking-info-percentiles parameters" };
    }
    if (number < 0 || number > 100) {
      return {
        error: "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]",
      };
    }
    shown.push(String(Number(number.toFixed(6))));
  }
  return { value: shown.join(" ") };
}

const SHUTDOWN_WORDS = ["default", "save", "nosave", "now", "force"];

/** `shutdown-on-sigterm`: some of SHUTDOWN's words. */
export function checkShutdown(words: readonly string[]): Parsed {
  const chosen = words.map((word) => word.toLowerCase());
  if (!chosen.every((word) => SHUTDOWN_WORDS.includes(word))) {
    return {
      error: `argument(s) must be one of the following: ${SHUTDOWN_WORDS.join(", ")}`,
    };
  }
  if (chosen.includes("save") && chosen.includes("nosave")) {
    return { error: "shutdown options SAVE and NOSAVE can't be used simultaneously" };
  }
  const kept = SHUTDOWN_WORDS.slice(1).filter((word) => chosen.includes(word));
  return { value: kept.length === 0 ? "default" : kept.join(" ") };
}

/** Variables of `proc-title-template` that are never empty, and those that may be. */
const TITLE_VARIABLES: ReadonlySet<string> = new Set([
  "listen-addr",
  "server-mode",
  "port",
  "tls-port",
]);
const TITLE_VARIABLES_EMPTY: ReadonlySet<string> = new Set(["title", "unixsocket", "config-file"]);

export function checkTitle([value]: readonly string[]): Parsed {
  const error = "template format is invalid or contains unknown variables";
  const template = value!;
  let shown = false;
  for (let at = 0; at < template.length; at++) {
    if (template[at] !== "{" || template[at + 1] === "{") {
      shown ||= template[at] !== " ";
      if (template[at] === "{") at++;
      continue;
    }
    const end = template.indexOf("}", at);
    const variable = end < 0 ? "" : template.slice(at + 1, end);
    if (TITLE_VARIABLES.has(variable)) shown = true;
    else if (!TITLE_VARIABLES_EMPTY.has(variable)) return { error };
    at = end;
  }
  return shown ? { value: template } : { error };
}

const HOST_NAME_MAX = 256;

export function checkHostName([value]: readonly string[]): Parsed {
  if (value!.length >= HOST_NAME_MAX) {
    return { error: `Hostnames must be less than ${HOST_NAME_MAX} characters` };
  }
  if (/^[A-Za-z0-9.-]*$/.test(value!)) return { value: value! };
  return { error: "Hostnames may only contain alphanumeric characters, hyphens or dots" };
}

export function checkNodeName([value]: readonly string[]): Parsed {
  if (value!.length >= HOST_NAME_MAX) {
    return { error: `Announced human node name must be less than ${HOST_NAME_MAX} characters` };
  }
  // Printable ASCII without blanks, quotes or what else would break the line of a nodes file.
  if (/^[A-Za-z0-9.-]*$/.test(value!)) return { value: value! };
  return { error: "Announced human node name contained invalid character" };
}

function baseName(option: string, kind: string, mayBeEmpty: boolean) {
  return ([value]: readonly string[]): Parsed => {
    if (value === "" && !mayBeEmpty) return { error: `${option} can't be empty` };
    if (/[/\\\0]/.test(value!)) return { error: `${option} can't be a path, just a ${kind}` };
    return { value: value! };
  };
}

export const checkDumpName = baseName("dbfilename", "filename", true);
export const checkLogName = baseName("appendfilename", "filename", false);
export const checkLogFolder = baseName("appenddirname", "dirname", false);

/** `replicaof`: a host and a port, or "no one". */
export function checkReplicaOf(words: readonly string[]): Parsed {
  if (words.length !== 2) return { error: "wrong number of arguments" };
  const [host, port] = words;
  if (host!.toLowerCase() === "no" && port!.toLowerCase() === "one") return { value: "" };
  const number = parseLoose(port!);
  if (!(number >= 0 && number <= 65535)) return { error: "Invalid master port" };
  return { error: "replication is not supported" };
}

/** Accepts only the default of an option whose other values would promise what is not there. */
export function refuse(kept: string, error: string) {
  return ([value]: readonly string[]): Parsed => (value === kept ? { value: kept } : { error });
}
