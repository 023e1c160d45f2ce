/** The reply writer: 64 replies into one batch, which is then forgotten; a figure is for the whole batch. */
import { bench, do_not_optimize, group } from "mitata";
import { BufferPool } from "../../src/protocol/buffer-pool.ts";
import { nativeOk } from "../../src/protocol/native.ts";
import { Reply } from "../../src/protocol/reply.ts";
import { INPUTS, INPUTS_MASK, keyBytes, seeded } from "../rig/inputs.ts";
import { KEY_SIZE } from "../rig/requests.ts";

const DEPTH = 64;

const random = seeded();
const values = keyBytes();
const numbers = Array.from({ length: INPUTS }, () => random.below(1e6));
let at = 0;

function next(): number {
  at = (at + 1) & INPUTS_MASK;
  return at;
}

function replyBench(name: string, write: (reply: Reply) => void): void {
  bench(name, function* () {
    const reply = new Reply(new BufferPool());
    yield () => {
      for (let i = 0; i < DEPTH; i++) write(reply);
      do_not_optimize(reply.buffer[reply.pos - 1]);
      reply.clear();
    };
  });
}

group("write 64 replies", () => {
  replyBench("+OK", (reply) => reply.ok());
  replyBench("bulk string of 16 bytes", (reply) => {
    const start = next() * KEY_SIZE;
    reply.bulk(values, start, start + KEY_SIZE);
  });
  replyBench("bulk string of 1 KiB", (reply) => {
    const start = (next() & 0xff) * KEY_SIZE;
    reply.bulk(values, start, start + 1024);
  });
  replyBench("integer below 10^6", (reply) => reply.integer(numbers[next()]!));
  replyBench("null", (reply) => reply.null());
  replyBench("native, 16 bytes", (reply) => {
    const start = next() * KEY_SIZE;
    nativeOk(reply, values, start, start + KEY_SIZE);
  });
});
