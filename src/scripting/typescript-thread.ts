/**
 * The thread in which the realms of TypeScript libraries live: one realm a library, made with `node:vm`. It does what the server
 * asks for over the channel (`typescript-channel.ts`), one thing at a time, and is ended from outside when it takes too long or too
 * much memory.
 */
import type { Context } from "node:vm";
import { createContext, runInContext } from "node:vm";
import { parentPort } from "node:worker_threads";
import type { RealmInside } from "./typescript-prelude.ts";
import { realmPrelude } from "./typescript-prelude.ts";
import * as turns from "./typescript-channel.ts";
import { RealmChannel } from "./typescript-channel.ts";

/** Longest sleep: the thread notices that it was ended when it wakes up. */
const SLEEP_MS = 1000;
/** Loading is a matter of definitions. */
const LOAD_MS = 1000;

/** By number. */
const realms = new Map<string, RealmInside>();

function serve(channel: RealmChannel): never {
  for (;;) {
    const { state } = channel;
    if (state !== turns.REQUEST) {
      channel.waitWhile(state, SLEEP_MS);
      continue;
    }
    const answer = perform(channel);
    if (channel.send(turns.DONE, 0, answer)) continue;
    channel.send(turns.DONE, 0, "-ERR the reply of the function is too long\r\n");
  }
}

function perform(channel: RealmChannel): string {
  const message = channel.message();
  const [realm, rest] = cut(message);
  if (channel.kind === turns.KIND_UNLOAD) {
    realms.delete(realm);
    return "";
  }
  if (channel.kind === turns.KIND_LOAD) return load(channel, realm, rest);
  const [name, input] = cut(rest);
  return realms.get(realm)?.run(name, input) ?? "-ERR the library is not loaded\r\n";
}

/** Makes a realm with the library in it. @returns "+" and what it has registered, or "-" and why it can't be loaded */
function load(channel: RealmChannel, realm: string, code: string): string {
  const context = createContext(Object.create(null) as Context);
  const exchange = (request: string): string => {
    if (!channel.send(turns.CALL, 0, request)) return "-ERR the command is too long\r\n";
    while (channel.state === turns.CALL) channel.waitWhile(turns.CALL, SLEEP_MS);
    return channel.message();
  };
  const make = runInContext(`"use strict"; (${realmPrelude})`, context) as typeof realmPrelude;
  const inside = make(exchange);
  try {
    const text = Buffer.from(code, "latin1").toString();
    runInContext(`"use strict";${text}`, context, { filename: "library", timeout: LOAD_MS });
  } catch (error) {
    return `-${describe(error)}`;
  }
  realms.set(realm, inside);
  return `+${inside.loaded()}`;
}

/** What a library threw, which may be anything: looking at it runs its code. */
function describe(error: unknown): string {
  try {
    const { message } = error as Error;
    return Buffer.from(typeof message === "string" ? message : String(error)).toString("latin1");
  } catch {
    return "the library failed";
  }
}

/** The part before the first line feed, and the part behind it. */
function cut(text: string): [string, string] {
  const end = text.indexOf("\n");
  return end === -1 ? [text, ""] : [text.slice(0, end), text.slice(end + 1)];
}

parentPort!.on("message", (memory: SharedArrayBuffer) => serve(new RealmChannel(memory)));
