/**
 * A connection that sends random lines: many in one write, with an ECHO behind them. To N commands there must come N replies and
 * then that of the ECHO, neither fewer nor more (S18). A command that waits is told to go on by a second connection, as if its
 * time were over.
 */
import { encodeCommand, RespClient } from "../support/resp-client.ts";
import type { RespValue } from "../support/resp-value.ts";
import { show } from "../support/resp-value.ts";

/** Pause between two looks whether the connection waits: nearly all that an hour of commands would otherwise wait for. */
const PAUSE_MS = 1;

export class Conversation {
  readonly #client: RespClient;
  readonly #helper: RespClient;
  readonly #id: string;
  #tokens = 0;
  #isQueueing = false;

  private constructor(client: RespClient, helper: RespClient, id: string) {
    this.#client = client;
    this.#helper = helper;
    this.#id = id;
  }

  /** @param helper a connection that may do everything, whatever becomes of users; it is closed with this one */
  static async open(port: number, protocol: 2 | 3, helper: RespClient): Promise<Conversation> {
    const client = await RespClient.connect(port, protocol);
    const id = (await client.text("CLIENT", "ID")).slice(1);
    return new Conversation(client, helper, id);
  }

  /** Sends lines in one write and gives their replies. Fails if there are fewer or more. */
  async send(lines: readonly (readonly string[])[]): Promise<RespValue[]> {
    const token = `--token-${this.#tokens++}--`;
    this.#client.write(Buffer.concat([...lines, ["ECHO", token]].map(encodeCommand)));
    const replies: RespValue[] = [];
    const watch = { isOver: false };
    void this.#unblock(watch);
    try {
      while (replies.length < lines.length) replies.push(await this.#reply());
      for (const [i, line] of lines.entries()) this.#follow(line, replies[i]!);
      const last = show(await this.#reply());
      const wanted = this.#isQueueing ? "+QUEUED" : `"${token}"`;
      // Who may do nothing any more may not do that either.
      if (last !== wanted && !/^-(NOPERM|NOAUTH)/.test(last)) {
        throw new Error(`after ${lines.length} replies came ${last.slice(0, 200)}`);
      }
    } finally {
      watch.isOver = true;
    }
    if (this.#client.unread > 0) throw new Error("there are more replies than commands");
    return replies;
  }

  close(): void {
    this.#client.close();
    this.#helper.close();
  }

  async #reply(): Promise<RespValue> {
    for (;;) {
      const value = await this.#client.read();
      if (value.type !== "push") return value;
    }
  }

  #follow(line: readonly string[], reply: RespValue): void {
    switch (line[0]?.toUpperCase()) {
      case "MULTI":
        if (reply.type === "simple") this.#isQueueing = true;
        break;
      case "EXEC":
        // Whatever is wrong with it, it ends the transaction.
        this.#isQueueing = false;
        break;
      case "DISCARD":
        // With the wrong number of arguments it ends nothing.
        if (line.length === 1) this.#isQueueing = false;
        break;
    }
  }

  /** Tells the connection to go on whenever it waits, until all replies are there. */
  async #unblock(watch: { readonly isOver: boolean }): Promise<void> {
    try {
      for (;;) {
        await Bun.sleep(PAUSE_MS);
        // Others may wait behind the one that has.
        do {
          if (watch.isOver) return;
        } while ((await this.#helper.text("CLIENT", "UNBLOCK", this.#id)) === ":1");
      }
    } catch {
      // Closed: who sends finds out.
    }
  }
}

/** The lines of a case: an array of bulk strings each. */
export function linesOf(bytes: Buffer): string[][] {
  return partsOf(bytes).map((part) => {
    const words: string[] = [];
    for (let at = part.indexOf("\r\n") + 2; at < part.length;) {
      const lineEnd = part.indexOf("\r\n", at);
      const size = Number(part.toString("latin1", at + 1, lineEnd));
      words.push(part.toString("latin1", lineEnd + 2, lineEnd + 2 + size));
      at = lineEnd + 2 + size + 2;
    }
    return words;
  });
}

/** The bytes of each line of a case. */
export function partsOf(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    let at = bytes.indexOf("\r\n", start);
    const count = Number(bytes.toString("latin1", start + 1, at));
    at += 2;
    for (let i = 0; i < count; i++) {
      const lineEnd = bytes.indexOf("\r\n", at);
      at = lineEnd + 2 + Number(bytes.toString("latin1", at + 1, lineEnd)) + 2;
    }
    parts.push(bytes.subarray(start, at));
    start = at;
  }
  return parts;
}
