/** What waits to be sent to a peer that takes little: its order, and the memory that it takes. */
import { describe, expect, test } from "bun:test";
import type { Socket } from "bun";
import { Slice } from "../../src/base/slice.ts";
import { Output } from "../../src/net/output.ts";
import { BufferPool } from "../../src/protocol/buffer-pool.ts";
import { Reply } from "../../src/protocol/reply.ts";
import { seeded } from "../support/seed.ts";

/** A socket that takes what it is told to, and remembers it. */
class FakeSocket {
  takes = 0;
  readonly taken: Buffer[] = [];

  write(bytes: Buffer, from: number, size: number): number {
    const count = Math.min(size, this.takes);
    this.takes -= count;
    this.taken.push(Buffer.from(bytes.subarray(from, from + count)));
    return count;
  }

  get all(): Buffer {
    return Buffer.concat(this.taken);
  }
}

function setUp(): { socket: FakeSocket; reply: Reply; output: Output } {
  const socket = new FakeSocket();
  const reply = new Reply(new BufferPool());
  return { socket, reply, output: new Output(socket as unknown as Socket<unknown>, reply) };
}

describe("output", () => {
  test("leaves in order, whatever its pieces and whatever is taken of them", () => {
    const random = seeded("output");
    const { socket, reply, output } = setUp();
    const expected: Buffer[] = [];
    let offset = 0;
    for (let step = 0; step < 3000; step++) {
      const size = 1 + random.below(random.below(10) === 0 ? 200_000 : 300);
      const bytes = Buffer.alloc(size, random.below(256));
      switch (random.below(5)) {
        case 0:
          socket.takes = random.below(30_000);
          output.sendUnsent();
          break;
        case 1:
          if (output.unsent > 0 || reply.pos > 0 || output.holds) break;
          socket.takes = random.below(400);
          expected.push(bytes.subarray(1));
          output.sendShared(sliceOf(bytes, 1, size));
          break;
        case 2:
          // Replies that wait for effects.
          expected.push(bytes);
          reply.raw(bytes, 0, size);
          output.hold(++offset, true);
          break;
        case 3:
          socket.takes = random.below(10_000);
          output.release(offset - random.below(3), false);
          break;
        default:
          if (output.holds) break;
          expected.push(bytes);
          reply.raw(bytes, 0, size);
          socket.takes = random.below(2000);
          output.flush();
      }
    }
    socket.takes = Infinity;
    output.release(offset, false);
    output.sendUnsent();
    expect(output.unsent).toBe(0);
    const all = Buffer.concat(expected);
    expect(socket.all.length).toBe(all.length);
    expect(socket.all.equals(all)).toBe(true);
    expect(output.sent).toBe(all.length);
  });

  test("takes hardly more memory than it has bytes, however small its pieces", () => {
    const message = Buffer.alloc(60, 0x61);
    const count = 50_000;
    for (const size of [60, 5000, 9000, 70_000]) {
      const { reply, output } = setUp();
      const pieces = Math.min(count, Math.floor((30 * 1024 * 1024) / size));
      Bun.gc(true);
      const before = process.memoryUsage().arrayBuffers;
      for (let i = 0; i < pieces; i++) {
        for (let pos = 0; pos < size; pos += message.length) reply.raw(message, 0, message.length);
        output.flush();
      }
      Bun.gc(true);
      const used = process.memoryUsage().arrayBuffers - before;
      expect(used).toBeLessThan(1.25 * output.unsent + 512 * 1024);
      output.drop();
    }
  });
});

function sliceOf(bytes: Buffer, start: number, end: number): Slice {
  const slice = new Slice();
  slice.set(bytes, start, end);
  return slice;
}
