/** What connections need of the options, kept as plain fields that follow CONFIG SET. */
import type { Session } from "../commands/session.ts";
import { INPUT_MAX, REPLY_FLUSH_SIZE, REPLY_SIZE_MAX, STRING_SIZE_MAX } from "../base/limits.ts";
import type { Engine } from "../commands/engine.ts";
import { Batch } from "./batch.ts";
import { SpareFile } from "./spare-file.ts";

/** `client-output-buffer-limit` of one class: bytes, bytes, milliseconds; 0 is no limit. */
export interface OutputLimits {
  hard: number;
  soft: number;
  softMs: number;
  /** Bytes that the replies of one command, and those of earlier ones that were not sent yet, may have. */
  replySizeMax: number;
}

export class Settings {
  /** The commands under way, of whichever connection. */
  readonly batch: Batch;
  clientsMax = 0;
  bulkSizeMax = 0;
  queryBufferMax = 0;
  /** Idle time after which a client is closed, or 0. */
  timeoutMs = 0;
  keepAliveMs = 0;
  protectedMode = false;
  readonly spareFile: SpareFile = new SpareFile();
  readonly #normalLimits: OutputLimits = noLimits();
  readonly #pubsubLimits: OutputLimits = noLimits();

  constructor(engine: Engine) {
    const { options } = engine;
    this.batch = new Batch(engine);
    options.onChange("maxclients", (text) => (this.clientsMax = Number(text)));
    // Whatever is set, a value lies in one block and positions in a read buffer are signed 32-bit integers.
    options.onChange(
      "proto-max-bulk-len",
      (text) => (this.bulkSizeMax = Math.min(Number(text), STRING_SIZE_MAX)),
    );
    options.onChange(
      "client-query-buffer-limit",
      (text) => (this.queryBufferMax = Math.min(Number(text), INPUT_MAX)),
    );
    options.onChange("timeout", (text) => (this.timeoutMs = Number(text) * 1000));
    options.onChange("tcp-keepalive", (text) => (this.keepAliveMs = Number(text) * 1000));
    options.onChange("protected-mode", (text) => (this.protectedMode = text === "yes"));
    options.onChange("client-output-buffer-limit", (text) => this.#setOutputLimits(text));
  }

  /** The limits of the session's class. */
  outputLimits(session: Session): OutputLimits {
    return session.subscriptions === null ? this.#normalLimits : this.#pubsubLimits;
  }

  /** @param text "normal <hard> <soft> <seconds> slave ... pubsub ..." */
  #setOutputLimits(text: string): void {
    const words = text.split(" ");
    setLimits(this.#normalLimits, words, "normal");
    setLimits(this.#pubsubLimits, words, "pubsub");
  }
}

function noLimits(): OutputLimits {
  return { hard: 0, soft: 0, softMs: 0, replySizeMax: REPLY_SIZE_MAX };
}

/** Takes the limits of a class from the option's words. */
function setLimits(limits: OutputLimits, words: readonly string[], name: string): void {
  const at = words.indexOf(name);
  if (at === -1) return;
  const hard = Number(words[at + 1]);
  limits.hard = hard;
  limits.soft = Number(words[at + 2]);
  limits.softMs = Number(words[at + 3]) * 1000;
  limits.replySizeMax =
    hard === 0 ? REPLY_SIZE_MAX : Math.min(REPLY_FLUSH_SIZE + hard, REPLY_SIZE_MAX);
}
