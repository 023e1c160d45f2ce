/** Both request parsers over chunks of 64 requests, as a connection hands them over; a figure is for a whole chunk. */
import { bench, do_not_optimize, group } from "mitata";
import { NativeParser } from "../../src/protocol/native.ts";
import { FRAME, RespParser } from "../../src/protocol/resp-request.ts";
import { chunks } from "../rig/inputs.ts";
import type { Operation, Protocol } from "../rig/requests.ts";

const DEPTH = 64;

function parserBench(protocol: Protocol, operation: Operation): void {
  bench(`${protocol} ${operation}`, function* () {
    const parser = protocol === "native" ? new NativeParser() : new RespParser();
    const inputs = chunks(protocol, operation, DEPTH);
    let at = 0;
    yield () => {
      at = (at + 1) % inputs.length;
      const chunk = inputs[at]!;
      let sum = 0;
      parser.pos = 0;
      while (parser.next(chunk, chunk.length) === FRAME) sum += parser.args.start(1);
      return do_not_optimize(sum);
    };
  });
}

group("parse 64 requests", () => {
  parserBench("resp", "SET");
  parserBench("resp", "GET");
  parserBench("native", "SET");
  parserBench("native", "GET");
});

group("parse 64 requests that come in two pieces", () => {
  bench("resp SET", function* () {
    const parser = new RespParser();
    const inputs = chunks("resp", "SET", DEPTH);
    let at = 0;
    yield () => {
      at = (at + 1) % inputs.length;
      const chunk = inputs[at]!;
      let sum = 0;
      parser.pos = 0;
      // The cut falls into another byte of a frame each time.
      const cut = (chunk.length >>> 1) + (at % 50);
      while (parser.next(chunk, cut) === FRAME) sum += parser.args.start(1);
      while (parser.next(chunk, chunk.length) === FRAME) sum += parser.args.start(1);
      return do_not_optimize(sum);
    };
  });
});
