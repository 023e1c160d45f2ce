/** An engine without sockets whose clock stands still: commands are lines, replies are short texts. */
import type { Engine } from "../../src/commands/engine.ts";
import type { RespValue } from "./resp-value.ts";
import { TestEngine } from "./test-engine.ts";

const SLICE_NS = 1e6;

export class FrozenEngine {
  readonly engine: Engine;
  readonly #inner: TestEngine;

  /** @param values options by name @param nowMs Unix time at which the clock stands */
  constructor(values: Readonly<Record<string, string>> = {}, nowMs = 1.8e12) {
    this.#inner = new TestEngine(values);
    this.engine = this.#inner.engine;
    this.engine.clock.freeze(nowMs);
    this.engine.beginTurn();
  }

  /** Runs a command of these arguments, a character a byte. Arrays come in brackets, nulls as "nil", errors with their minus. */
  call(...parts: readonly string[]): string {
    this.engine.beginTurn();
    return brief(this.#inner.run(...parts));
  }

  /** Runs a line of words. */
  run(line: string): string {
    return this.call(...line.split(" "));
  }

  advance(ms: number): void {
    this.engine.clock.advance(ms);
    this.engine.beginTurn();
  }

  /** Lets housekeeping finish. */
  housekeep(): void {
    while (this.engine.keyspace.housekeep(SLICE_NS));
  }

  release(): void {
    this.engine.keyspace.release();
  }
}

function brief(value: RespValue): string {
  if (value.type === "error") return `-${value.text}`;
  if ("text" in value) return value.text;
  if (value.type === "integer") return String(value.value);
  if (value.type === "array") return `[${value.items.map(brief).join(" ")}]`;
  if (value.type.startsWith("null")) return "nil";
  throw new Error(`a reply of RESP2 is no ${value.type}`);
}
