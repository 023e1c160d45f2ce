import { describe, expect, test } from "bun:test";
import {
  keyOf,
  nativeReplyEnd,
  replyTo,
  RequestRing,
  requestOf,
} from "../../bench/rig/requests.ts";
import { respFrame, respReplyEnd } from "../../bench/rig/resp-client.ts";

describe("prepared requests", () => {
  test("stand one after another, each with its own key", () => {
    for (const protocol of ["resp", "native"] as const) {
      for (const operation of ["SET", "GET"] as const) {
        const ring = new RequestRing(protocol, operation, [5, 123456]);
        const expected = [5, 123456].map((key) => requestOf(protocol, operation, keyOf(key)));
        expect(ring.bytes).toEqual(Buffer.concat(expected));
        expect(ring.size).toBe(expected[0]!.length);
      }
    }
  });

  test("get another key in place", () => {
    const ring = new RequestRing("native", "SET", [1, 2, 3]);
    ring.setKey(1, 987654321012);
    const second = ring.bytes.subarray(ring.size, 2 * ring.size);
    expect(second).toEqual(requestOf("native", "SET", "key:987654321012"));
  });

  test("are the frames of each protocol", () => {
    expect(requestOf("resp", "GET", keyOf(7))).toEqual(respFrame(["GET", "key:000000000007"]));
    const native = requestOf("native", "GET", keyOf(7));
    expect(native.toString("latin1")).toBe("\0\0\0\0\0\0\x10key:000000000007");
  });
});

describe("the end of a reply", () => {
  test("is found only when the whole reply is there", () => {
    const replies = ["+OK\r\n", "-ERR x\r\n", ":12\r\n", "$-1\r\n", "$3\r\na\r\n\r\n", "*0\r\n"];
    for (const reply of [...replies, "*2\r\n$1\r\na\r\n*1\r\n:1\r\n"]) {
      const bytes = Buffer.from(`${reply}+rest\r\n`);
      for (let cut = 0; cut < reply.length; cut++) {
        expect(respReplyEnd(bytes.subarray(0, cut))).toBe(-1);
      }
      expect(respReplyEnd(bytes)).toBe(reply.length);
    }
  });

  test("is found in native frames too", () => {
    const reply = replyTo("native", "GET", keyOf(1));
    for (let cut = 0; cut < reply.length; cut++) {
      expect(nativeReplyEnd(reply.subarray(0, cut))).toBe(-1);
    }
    expect(nativeReplyEnd(Buffer.concat([reply, reply]))).toBe(reply.length);
  });
});
