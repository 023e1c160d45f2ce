/**
 * Random schedules of clients that wait, push, run transactions, go away and are thrown out. Whatever happens: each request of a client that
 * is still there has exactly one reply, in order; no element is given to two clients, none disappears, and nobody gets
 * one of a key that he did not ask for; and nothing is left behind when nobody waits any more.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Random } from "../../src/base/random.ts";
import type { Instance } from "../../src/instance.ts";
import { startInProcess } from "../support/in-process.ts";
import { encodeCommand, RespClient } from "../support/resp-client.ts";
import type { RespValue } from "../support/resp-value.ts";
import { show } from "../support/resp-value.ts";
import { pick, rounds, seeded } from "../support/seed.ts";
import { until } from "../support/until.ts";

const SCHEDULES: number = 400 * rounds;
const CLIENTS = 5;
const STEPS = 30;
const KEYS = ["a", "b", "c"];

let hutch: Instance;
let admin: RespClient;

beforeAll(async () => {
  hutch = startInProcess();
  admin = await RespClient.connect(hutch.port);
});

afterAll(async () => {
  admin.close();
  await hutch.stop();
});

/** What a reply has to be. */
type Check = (value: RespValue) => void;

class Player {
  readonly client: RespClient;
  readonly id: number;
  readonly checks: Check[] = [];
  /** Thrown out, or gone by itself: replies may be missing. */
  gone = false;
  /** Rest of a command that was sent in part. */
  rest: Buffer = Buffer.alloc(0);

  constructor(client: RespClient, id: number) {
    this.client = client;
    this.id = id;
  }

  static async join(): Promise<Player> {
    const client = await RespClient.connect(hutch.port);
    const id = await client.call("CLIENT", "ID");
    return new Player(client, id.type === "integer" ? Number(id.value) : NaN);
  }

  /** Sends a command behind what is left of the one before, the last `held` bytes of it later. */
  send(command: readonly (string | number)[], check: Check, held = 0): void {
    const bytes = Buffer.concat([this.rest, encodeCommand(command)]);
    const cut = Math.max(0, bytes.length - held);
    this.rest = bytes.subarray(cut);
    this.client.write(bytes.subarray(0, cut));
    this.checks.push(check);
  }
}

class Schedule {
  readonly random: Random;
  readonly players: Player[];
  /** Elements that were pushed, wherever they are. */
  readonly pushed = new Set<string>();
  readonly popped = new Set<string>();
  /** Lists may be deleted, and clients go that were given an element: some elements disappear. */
  readonly lossy: boolean;
  #serial = 0;

  constructor(random: Random, players: Player[]) {
    this.random = random;
    this.players = players;
    this.lossy = random.below(2) === 0;
  }

  step(): void {
    const player = pick(this.random, this.players);
    if (player.gone) return;
    const held = this.random.below(3) === 0 ? this.random.below(40) : 0;
    const token = `token-${this.#serial++}`;
    const choice = this.random.below(23);
    if (choice < 9) {
      this.#wait(player, held);
    } else if (choice < 14) {
      this.#push(player, held);
    } else if (choice === 14) {
      player.send(["ECHO", token], (value) => expect(show(value)).toBe(`"${token}"`), held);
    } else if (choice === 15) {
      this.#disturb(player);
    } else if (choice < 18) {
      const other = pick(this.random, this.players);
      const how = pick(this.random, ["TIMEOUT", "ERROR"]);
      player.send(["CLIENT", "UNBLOCK", other.id, how], isInteger, held);
    } else if (choice === 18) {
      this.#end(pick(this.random, this.players), player);
    } else if (choice < 22) {
      this.#transact(player, held);
    } else {
      player.client.write(player.rest);
      player.rest = Buffer.alloc(0);
    }
  }

  /** A transaction of pushes and of commands that would wait elsewhere, which may depend on a key that others change. */
  #transact(player: Player, held: number): void {
    const isOk: Check = (value) => expect(show(value)).toBe("+OK");
    const isQueued: Check = (value) => expect(show(value)).toBe("+QUEUED");
    const end = pick(this.random, ["EXEC", "EXEC", "EXEC", "DISCARD"]);
    const watches = this.random.below(2) === 0;
    if (watches) player.send(["WATCH", pick(this.random, KEYS)], isOk);
    player.send(["MULTI"], isOk);
    const inner = new Player(player.client, player.id);
    const sent = player.send;
    const before = new Set(this.pushed);
    // What these send is queued, and their checks are for the elements of EXEC's answer.
    inner.send = (command, check): void => {
      sent.call(player, command, isQueued);
      inner.checks.push(check);
    };
    for (let left = 1 + this.random.below(4); left > 0; left--) {
      if (this.random.below(2) === 0) this.#push(inner, 0);
      else this.#wait(inner, 0);
    }
    const pushed = [...this.pushed].filter((element) => !before.has(element));
    const check: Check = (value) => {
      if (end === "EXEC" && value.type === "array") {
        expect(value.items).toHaveLength(inner.checks.length);
        for (const [index, one] of value.items.entries()) inner.checks[index]!(one);
        return;
      }
      expect(show(value)).toBe(end === "EXEC" && watches ? "null array" : "+OK");
      for (const element of pushed) this.pushed.delete(element);
    };
    player.send([end], check, held);
  }

  #wait(player: Player, held: number): void {
    const keys = Array.from({ length: 1 + this.random.below(3) }, () => pick(this.random, KEYS));
    const timeout = this.random.below(3) === 0 ? "0.002" : 0;
    const check: Check = (value) => this.#gotFrom(value, keys);
    const side = pick(this.random, ["LEFT", "RIGHT"]);
    const choice = this.random.below(5);
    if (choice < 2) {
      player.send([pick(this.random, ["BLPOP", "BRPOP"]), ...keys, timeout], check, held);
    } else if (choice < 4) {
      const count = 1 + this.random.below(3);
      player.send(["BLMPOP", timeout, keys.length, ...keys, side, "COUNT", count], check, held);
    } else {
      const target = pick(this.random, KEYS);
      player.send(["BLMOVE", keys[0]!, target, side, side, timeout], isElementOrNone, held);
    }
  }

  #push(player: Player, held: number): void {
    const elements = Array.from({ length: 1 + this.random.below(3) }, () => {
      const element = `element-${this.#serial++}`;
      this.pushed.add(element);
      return element;
    });
    const command = pick(this.random, ["LPUSH", "RPUSH"]);
    player.send([command, pick(this.random, KEYS), ...elements], isIntegerOrError, held);
  }

  #disturb(player: Player): void {
    if (!this.lossy) return;
    const key = pick(this.random, KEYS);
    const command = pick(this.random, [
      ["DEL", key],
      ["SET", key, "text"],
      ["RENAME", key, pick(this.random, KEYS)],
      ["FLUSHALL"],
      ["SWAPDB", 0, 1],
      ["PEXPIRE", key, 1],
    ]);
    player.send(command, () => {});
  }

  #end(victim: Player, by: Player): void {
    if (!this.lossy || victim.gone || victim === by) return;
    victim.gone = true;
    const choice = this.random.below(3);
    if (choice === 0) by.send(["CLIENT", "KILL", "ID", victim.id], isInteger);
    else if (choice === 1) victim.client.close();
    else victim.client.endWriting();
  }

  #gotFrom(value: RespValue, keys: readonly string[]): void {
    if (isNoElement(value)) return;
    if (value.type !== "array") throw new Error(`not the reply of a pop: ${show(value)}`);
    expect(value.items).toHaveLength(2);
    expect(keys).toContain(textOf(value.items[0]!));
    const [, content] = value.items;
    const elements = content!.type === "array" ? content!.items : [content!];
    expect(elements.length).toBeGreaterThan(0);
    for (const one of elements) this.take(textOf(one));
  }

  /** An element has left the lists. */
  take(element: string): void {
    expect(this.pushed.has(element)).toBe(true);
    expect(this.popped.has(element)).toBe(false);
    this.popped.add(element);
  }
}

function textOf(value: RespValue): string {
  if (value.type !== "bulk") throw new Error(`not a bulk string: ${show(value)}`);
  return value.text;
}

/** Nothing came in time, the waiting was ended, or a key holds something else. */
function isNoElement(value: RespValue): boolean {
  const text = show(value);
  return (
    /^null (array|bulk)$/.test(text) ||
    text.startsWith("-UNBLOCKED ") ||
    text.startsWith("-WRONGTYPE ")
  );
}

function isElementOrNone(value: RespValue): void {
  if (!isNoElement(value)) expect(textOf(value)).toStartWith("element-");
}

function isInteger(value: RespValue): void {
  expect(value.type).toBe("integer");
}

function isIntegerOrError(value: RespValue): void {
  if (value.type !== "integer") expect(show(value)).toStartWith("-WRONGTYPE ");
}

/** Ends all waiting, until every player that is still there has run all that it sent. */
async function settle(players: readonly Player[]): Promise<void> {
  for (const player of players) {
    if (!player.gone) player.client.write(player.rest);
  }
  for (const player of players) {
    if (player.gone) continue;
    player.checks.push((value) => expect(show(value)).toBe('"last"'));
    player.client.write(encodeCommand(["ECHO", "last"]));
    await until("all replies", async () => {
      if (player.client.unread >= player.checks.length) return true;
      for (const other of players) {
        if (!other.gone) await admin.call("CLIENT", "UNBLOCK", other.id);
      }
      return false;
    });
  }
  // Those that went are forgotten, however they went.
  for (const player of players) if (player.gone) player.client.close();
  await until("the gone to be forgotten", () =>
    players.every((player) => !player.gone || !hutch.engine.sessions.has(player.id)),
  );
}

test(
  "each request has one reply, for the right client, and no element is lost or given twice (S17)",
  async () => {
    const random = seeded("schedules of clients that wait");
    let players: Player[] = [];
    let lossless = 0;
    for (let round = 0; round < SCHEDULES; round++) {
      players = players.filter((player) => !player.gone);
      while (players.length < CLIENTS) players.push(await Player.join());
      const schedule = new Schedule(random, players);
      for (let i = 0; i < STEPS; i++) {
        schedule.step();
        // Lets the server see what was sent so far, or several things at once.
        if (random.below(2) === 0) await admin.call("PING");
      }
      await settle(players);
      for (const player of players) {
        if (player.gone) continue;
        expect(player.client.unread).toBe(player.checks.length);
        for (const check of player.checks.splice(0)) check(await player.client.read());
        player.rest = Buffer.alloc(0);
      }
      if (!schedule.lossy) {
        lossless++;
        for (const key of KEYS) {
          const left = await admin.call("LRANGE", key, 0, -1);
          if (left.type !== "array") throw new Error(show(left));
          for (const one of left.items) schedule.take(textOf(one));
        }
        expect(schedule.popped.size).toBe(schedule.pushed.size);
      }
      await admin.call("FLUSHALL");
      const { blocking, keyspace } = hutch.engine;
      expect([blocking.keys, blocking.timed, blocking.pending]).toEqual([0, 0, false]);
      expect(keyspace.store.watcher).toBeNull();
    }
    for (const player of players) player.client.close();
    expect(lossless).toBeGreaterThan(0);
  },
  60_000 * rounds,
);
