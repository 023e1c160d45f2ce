/**
 * The RESP parser beside redis-server: the same mutated inputs, each on a connection of its own, must be answered with as
 * many replies and be refused alike. What differs on purpose is left out: see the header of `protocol/resp-request.ts`.
 */
import { ARGUMENTS_MAX } from "../../../src/base/limits.ts";
import { Random } from "../../../src/base/random.ts";
import { RespParser } from "../../../src/protocol/resp-request.ts";
import { feed } from "../../protocol/feed.ts";
import { readValue } from "../../support/resp-value.ts";
import { respInput } from "./frames.ts";

const AT_ONCE = 50;
const STRICTER = new Set([
  "expected LF after CR",
  "expected CRLF after an argument",
  "zero byte in inline request",
]);
const ANSWER_TIMEOUT_MS = 10_000;

export interface Compared {
  readonly compared: number;
  /** Inputs left out because Hutch is stricter on purpose. */
  readonly skipped: number;
}

/** Compares `count` inputs with the redis-server at `port`; throws at the first that differs. */
export async function compareWithRedis(
  port: number,
  seed: number,
  count: number,
): Promise<Compared> {
  const random = new Random(seed);
  let compared = 0;
  let skipped = 0;
  while (compared < count) {
    const inputs: string[] = [];
    while (inputs.length < AT_ONCE) {
      const input = respInput(random);
      if (isStricter(input)) skipped++;
      else inputs.push(input);
    }
    await Promise.all(inputs.map((input) => compareOne(port, input)));
    compared += inputs.length;
  }
  return { compared, skipped };
}

function isStricter(input: string): boolean {
  if (input === "" || /POST|Host:/i.test(input)) return true;
  const { error } = feed(new RespParser(), [Buffer.from(input, "latin1")]);
  if (error === null) return false;
  if (STRICTER.has(error) || input.includes("\0")) return true;
  const counts = input.matchAll(/\*([0-9]{1,10})/g);
  return [...counts].some(
    ([, digits]) => Number(digits) > ARGUMENTS_MAX && Number(digits) < 2 ** 31,
  );
}

async function compareOne(port: number, input: string): Promise<void> {
  const ours = feed(new RespParser(), [Buffer.from(input, "latin1")]);
  // Redis looks at a header only when its line is complete.
  const sent = ours.error === null ? input : `${input}\r\n`;
  const answer = await exchange(port, Buffer.from(sent, "latin1"));
  const cursor = { bytes: answer, end: answer.length, pos: 0 };
  let replies = 0;
  let refusal: string | null = null;
  for (let value = readValue(cursor); value !== undefined; value = readValue(cursor)) {
    if (value.type === "error" && value.text.startsWith("ERR Protocol error: ")) {
      refusal = value.text.slice("ERR Protocol error: ".length);
    } else replies++;
  }
  const expected = ours.error === null ? null : ours.error.replaceAll(/[\r\n]/g, " ");
  if (replies === ours.frames.length && refusal === expected) return;
  throw new Error(
    `${JSON.stringify(input)}: redis-server gives ${replies} replies and ${refusal}, ` +
      `Hutch ${ours.frames.length} and ${expected}`,
  );
}

/** Sends bytes, then the end, and gives what comes back until the server closes. */
function exchange(port: number, bytes: Buffer): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  const timer = setTimeout(
    () => reject(new Error("redis-server does not close")),
    ANSWER_TIMEOUT_MS,
  );
  const done = (): void => {
    clearTimeout(timer);
    resolve(Buffer.concat(chunks));
  };
  void Bun.connect({
    hostname: "127.0.0.1",
    port,
    allowHalfOpen: true,
    socket: {
      open(socket) {
        socket.write(bytes);
        socket.shutdown();
      },
      data(_socket, chunk) {
        chunks.push(chunk);
      },
      end(socket) {
        socket.end();
      },
      close: done,
      error: done,
    },
  }).catch(reject);
  return promise;
}
