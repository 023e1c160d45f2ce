/** The log of refusals (ACL LOG): the latest first, like ones within a minute as one entry with a count. */

export type DenialReason = "command" | "key" | "channel" | "auth";
/** Where the command came from. */
export type DenialContext = "toplevel" | "multi" | "lua";

export interface Denial {
  readonly reason: DenialReason;
  readonly context: DenialContext;
  /** The command, key or channel; of a failed login what was sent. One character a byte. */
  readonly object: string;
  readonly userName: string;
}

export interface DenialEntry extends Denial {
  readonly id: number;
  count: number;
  /** Unix time in ms. */
  readonly createdMs: number;
  updatedMs: number;
  /** The client's line of CLIENT LIST, the last time. */
  client: string;
}

/** Only so many of the latest entries are looked at for one that is alike, */
const LOOKED_AT = 10;
/** and none that is older. */
const ALIKE_MS = 60_000;

export class DenialLog {
  #entries: DenialEntry[] = [];
  #nextId = 0;
  #lengthMax = 0;

  get entries(): readonly DenialEntry[] {
    return this.#entries;
  }

  /** What is beyond that length is forgotten with the next refusal. */
  set lengthMax(value: number) {
    this.#lengthMax = value;
  }

  /** @param client describes the client */
  add(denial: Denial, nowMs: number, client: () => string): void {
    if (this.#lengthMax > 0) this.#note(denial, nowMs, client());
    if (this.#entries.length > this.#lengthMax) this.#entries.length = this.#lengthMax;
  }

  clear(): void {
    this.#entries = [];
  }

  #note(denial: Denial, nowMs: number, client: string): void {
    const alike = this.#entries.findIndex(
      (entry, index) => index < LOOKED_AT && isAlike(entry, denial, nowMs),
    );
    if (alike === -1) {
      const id = this.#nextId++;
      this.#entries.unshift({
        ...denial,
        id,
        count: 1,
        createdMs: nowMs,
        updatedMs: nowMs,
        client,
      });
      return;
    }
    const entry = this.#entries.splice(alike, 1)[0]!;
    entry.count++;
    entry.updatedMs = nowMs;
    entry.client = client;
    this.#entries.unshift(entry);
  }
}

function isAlike(entry: DenialEntry, denial: Denial, nowMs: number): boolean {
  return (
    entry.reason === denial.reason &&
    entry.context === denial.context &&
    entry.object === denial.object &&
    entry.userName === denial.userName &&
    Math.abs(nowMs - entry.updatedMs) <= ALIKE_MS
  );
}
