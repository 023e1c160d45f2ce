/** Counters of a server that INFO shows and CONFIG RESETSTAT sets back. */
import type { DenialReason } from "../security/denial-log.ts";
import { Rate } from "./rate.ts";

/** Error codes that are counted apart; what a script answers may be any word. */
const ERROR_CODES_MAX = 128;
/** Counts the errors with codes beyond these. */
const OTHER_CODES = "OTHER";

/** How often errors of one code were answered. */
export interface ErrorCount {
  count: number;
}

export class Stats {
  connectionsReceived = 0;
  connectionsRejected = 0;
  commandsProcessed = 0;
  bytesReceived = 0;
  bytesSent = 0;
  /** Chunks that sockets brought, and writes to sockets. */
  reads = 0;
  writes = 0;
  unexpectedErrorReplies = 0;
  errorReplies = 0;
  /** Refusals of access control, by reason. */
  readonly denied: Record<DenialReason, number> = { auth: 0, command: 0, key: 0, channel: 0 };
  /** The most memory in use that was seen. */
  peakMemory = 0;
  clientQueryBufferLimitDisconnections = 0;
  clientOutputBufferLimitDisconnections = 0;
  /** Clients closed for the memory that they took. */
  evictedClients = 0;
  /** Errors answered, by code ("ERR", "WRONGTYPE"). */
  readonly errors: Map<string, ErrorCount> = new Map();
  #lastError = "";
  #lastCount: ErrorCount = { count: 0 };
  readonly commandRate: Rate = new Rate();
  readonly inputRate: Rate = new Rate();
  readonly outputRate: Rate = new Rate();

  /** Counts an error that was answered. @param text as `Reply.error` takes it */
  countError(text: string): void {
    this.errorReplies++;
    // A client in trouble gets the same constant again and again.
    if (text !== this.#lastError) {
      this.#lastError = text;
      this.#lastCount = this.#countOf(text);
    }
    this.#lastCount.count++;
  }

  #countOf(text: string): ErrorCount {
    const space = text.indexOf(" ");
    const word = space === -1 ? text : text.slice(0, space);
    // The native protocol's errors are sentences without a code.
    let code = /^[A-Z][A-Z0-9_]*$/.test(word) ? word : "ERR";
    if (!this.errors.has(code) && this.errors.size >= ERROR_CODES_MAX) code = OTHER_CODES;
    const count = this.errors.get(code) ?? { count: 0 };
    this.errors.set(code, count);
    return count;
  }

  /** Takes the samples that rates are computed of. @param nowMs of a clock that never goes backwards */
  sampleRates(nowMs: number): void {
    this.commandRate.sample(this.commandsProcessed, nowMs);
    this.inputRate.sample(this.bytesReceived, nowMs);
    this.outputRate.sample(this.bytesSent, nowMs);
  }

  /** Notes how many bytes are in use. */
  samplePeak(bytes: number): void {
    if (bytes > this.peakMemory) this.peakMemory = bytes;
  }

  reset(): void {
    this.connectionsReceived = 0;
    this.connectionsRejected = 0;
    this.commandsProcessed = 0;
    this.bytesReceived = 0;
    this.bytesSent = 0;
    this.reads = 0;
    this.writes = 0;
    this.unexpectedErrorReplies = 0;
    this.errorReplies = 0;
    Object.assign(this.denied, { auth: 0, command: 0, key: 0, channel: 0 });
    this.clientQueryBufferLimitDisconnections = 0;
    this.clientOutputBufferLimitDisconnections = 0;
    this.evictedClients = 0;
    this.errors.clear();
    this.#lastError = "";
    this.commandRate.reset();
    this.inputRate.reset();
    this.outputRate.reset();
  }
}
