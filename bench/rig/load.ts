/**
 * The load generator's process: keeps connections busy with requests that were built beforehand, and counts the bytes of
 * the replies. `LoadGenerator` starts it, on a core of its own, and gives it orders.
 *
 *   closed    each connection sends a batch of `depth` requests, waits for all replies, sends the next: as fast as it goes
 *   fill      the same with SETs of keys in ascending order
 *   open      requests leave at a constant rate whether replies come or not. Latency counts from the moment at which a
 *             request was due, so a server that stalls is charged with the wait of all that became due meanwhile
 *             (what leaves this out is called coordinated omission)
 */
import type { Socket } from "bun";
import { Random } from "../../src/base/random.ts";
import type { Answer, ClosedOrder, FillOrder, FillResult, OpenOrder } from "./load-generator.ts";
import type { ClosedResult, OpenResult, Order } from "./load-generator.ts";
import type { Operation, Protocol } from "./requests.ts";
import { KEY_RANGE, keyOf, nativeReplyEnd, replyTo, RequestRing, requestOf } from "./requests.ts";
import { TRANSACTION_REPLY, transactionOf } from "./requests.ts";
import { RespClient, respReplyEnd } from "./resp-client.ts";
import { quantile } from "./statistics.ts";

/** Requests with random keys that are prepared: enough that their order is no pattern, few enough to build at once. */
const RING_COUNT: number = 1 << 17;
/** Transactions that are prepared. */
const TRANSACTION_COUNT: number = RING_COUNT / 8;
/** No reply for this long means that the server is stuck or answered something else. */
const STALL_MS = 5_000;
/** The generator's steps are a few microseconds apart; when they are further apart than this, somebody else had its core. */
const OWN_STALL_NS = 200_000;
const SEED = 7;

/** One connection. */
interface Client {
  socket: Socket<Client>;
  index: number;
  /** Bytes of replies still to come. */
  pending: number;
  /** Request of the ring that is sent next. */
  next: number;
  /** When the last batch was sent, in ns. */
  sentNs: number;
  /** Replies received in an open run. */
  replies: number;
}

/** What is under way; gets the reply bytes of all connections. */
interface Run {
  received(client: Client, bytes: number): void;
  /** Rises with every reply. */
  progress: number;
}

class Load {
  readonly #protocol: Protocol;
  readonly #port: number;
  readonly #clients: Client[] = [];
  readonly #rings: Map<Operation, RequestRing> = new Map();
  #run: Run | null = null;
  #fail: (error: Error) => void = (error) => {
    throw error;
  };

  constructor(protocol: Protocol, port: number) {
    this.#protocol = protocol;
    this.#port = port;
  }

  async connect(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      const client = { index, pending: 0, next: 0, sentNs: 0, replies: 0 } as Client;
      client.socket = await Bun.connect<Client>({
        hostname: "127.0.0.1",
        port: this.#port,
        data: client,
        socket: {
          data: (socket, chunk) => this.#run!.received(socket.data, chunk.length),
          close: () => this.#fail(new Error("the server closed a connection")),
          error: (_socket, error) => this.#fail(error),
        },
      });
      client.socket.setNoDelay(true);
      this.#clients.push(client);
    }
  }

  obey(order: Order): Promise<ClosedResult | FillResult | OpenResult> {
    if (order.kind === "closed") return this.#closed(order);
    return order.kind === "fill" ? this.#fill(order) : this.#open(order);
  }

  async #closed(order: ClosedOrder): Promise<ClosedResult> {
    const { operation, depth } = order;
    await this.#verify(operation);
    const ring = this.#ring(operation);
    const batchBytes = depth * ring.size;
    const replyBytes = depth * this.#replySize(operation);
    const clients = this.#clients;
    let left = Math.ceil(order.requests / depth);
    const requests = left * depth;
    let active = 0;
    const begin = Bun.nanoseconds();
    await this.#perform((done) => {
      const send = (client: Client): void => {
        left--;
        if (client.next + depth > ring.count) client.next = 0;
        client.pending = replyBytes;
        this.#write(client, ring.bytes, client.next * ring.size, batchBytes);
        client.next += depth;
      };
      const run: Run = {
        progress: 0,
        received: (client, bytes) => {
          run.progress++;
          client.pending -= bytes;
          if (client.pending > 0) return;
          if (client.pending < 0) this.#fail(new Error("a reply is longer than it should be"));
          else if (left > 0) send(client);
          else if (--active === 0) done();
        },
      };
      this.#run = run;
      for (const client of clients) {
        if (left === 0) break;
        client.next = Math.floor((client.index * ring.count) / clients.length);
        active++;
        send(client);
      }
      return run;
    });
    return { requests, seconds: (Bun.nanoseconds() - begin) / 1e9 };
  }

  async #fill(order: FillOrder): Promise<FillResult> {
    const { depth } = order;
    const clients = this.#clients;
    const ring = new RequestRing(
      this.#protocol,
      "SET",
      new Array<number>(clients.length * depth).fill(0),
    );
    const replySize = this.#replySize("SET");
    let sent = 0;
    let active = 0;
    let longestNs = 0;
    const begin = Bun.nanoseconds();
    await this.#perform((done) => {
      const send = (client: Client): void => {
        const batch = Math.min(depth, order.count - sent);
        const first = client.index * depth;
        for (let i = 0; i < batch; i++) {
          ring.setKey(first + i, order.first + (sent++ % order.range));
        }
        client.pending = batch * replySize;
        client.sentNs = Bun.nanoseconds();
        this.#write(client, ring.bytes, first * ring.size, batch * ring.size);
      };
      const run: Run = {
        progress: 0,
        received: (client, bytes) => {
          run.progress++;
          client.pending -= bytes;
          if (client.pending > 0) return;
          if (client.pending < 0) {
            this.#fail(new Error("a reply is longer than it should be"));
            return;
          }
          longestNs = Math.max(longestNs, Bun.nanoseconds() - client.sentNs);
          if (sent < order.count) send(client);
          else if (--active === 0) done();
        },
      };
      this.#run = run;
      for (const client of clients) {
        if (sent === order.count) break;
        active++;
        send(client);
      }
      return run;
    });
    const seconds = (Bun.nanoseconds() - begin) / 1e9;
    return { requests: order.count, seconds, longestMs: longestNs / 1e6 };
  }

  async #open(order: OpenOrder): Promise<OpenResult> {
    const { operation, rate } = order;
    await this.#verify(operation);
    const ring = this.#ring(operation);
    const replySize = this.#replySize(operation);
    const clients = this.#clients;
    const total = Math.floor(rate * order.seconds);
    const intervalNs = 1e9 / rate;
    const latenciesUs = new Float64Array(total);
    const lagsUs = new Float64Array(total);
    const sentNs = new Float64Array(total);
    const serverUs = new Float64Array(total);
    // When the generator was last known to be running. A reply that is found after a stall of its own may have come at its
    // beginning.
    let stepNs = 0;
    let sent = 0;
    let received = 0;
    for (const client of clients) {
      client.pending = 0;
      client.replies = 0;
    }
    const begin = Bun.nanoseconds() + 1e6;
    await this.#perform((done) => {
      const run: Run = {
        progress: 0,
        received: (client, bytes) => {
          run.progress++;
          const now = Bun.nanoseconds();
          const arrivedNs = now - stepNs > OWN_STALL_NS ? stepNs : now;
          client.pending += bytes;
          while (client.pending >= replySize) {
            client.pending -= replySize;
            // Connections take turns, so the n-th reply of one is that to request index + n * connections.
            const request = client.index + client.replies++ * clients.length;
            serverUs[received] = Math.max(0, arrivedNs - sentNs[request]!) / 1000;
            latenciesUs[received++] = (now - begin - request * intervalNs) / 1000;
          }
          if (received === total) done();
        },
      };
      this.#run = run;
      const tick = (): void => {
        if (this.#run !== run) return;
        for (;;) {
          const now = Bun.nanoseconds();
          stepNs = now;
          if (sent === total || begin + sent * intervalNs > now) break;
          sentNs[sent] = now;
          lagsUs[sent] = (now - begin - sent * intervalNs) / 1000;
          const client = clients[sent % clients.length]!;
          this.#write(client, ring.bytes, (sent % ring.count) * ring.size, ring.size);
          sent++;
        }
        // Turning without a pause: a timer would add its own lateness to every request.
        if (received < total) setImmediate(tick);
      };
      tick();
      return run;
    });
    latenciesUs.sort();
    lagsUs.sort();
    serverUs.sort();
    return {
      requests: total,
      seconds: (Bun.nanoseconds() - begin) / 1e9,
      p50Us: quantile(latenciesUs, 0.5),
      p99Us: quantile(latenciesUs, 0.99),
      p999Us: quantile(latenciesUs, 0.999),
      maxUs: latenciesUs[total - 1]!,
      lagP999Us: quantile(lagsUs, 0.999),
      serverP999Us: quantile(serverUs, 0.999),
    };
  }

  /** Runs until `begin` calls `done`; rejects if a connection breaks or no reply comes for a while. */
  async #perform(begin: (done: () => void) => Run): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#fail = reject;
    const run = begin(resolve);
    let seen = -1;
    const watch = setInterval(() => {
      if (run.progress === seen)
        reject(new Error("no reply for a while: stuck, or of another size"));
      seen = run.progress;
    }, STALL_MS);
    try {
      await promise;
    } finally {
      clearInterval(watch);
      this.#run = null;
    }
  }

  #write(client: Client, bytes: Buffer, start: number, length: number): void {
    if (client.socket.write(bytes, start, length) !== length) {
      this.#fail(new Error("the system takes no more requests: the server does not read them"));
    }
  }

  /** Checks one reply by its content, since the runs only count bytes. */
  async #verify(operation: Operation): Promise<void> {
    if (operation === "MULTI") return this.#verifyTransaction();
    const key = keyOf(0);
    const client = await RespClient.connect(this.#port);
    const replyEnd = this.#protocol === "native" ? nativeReplyEnd : respReplyEnd;
    const reply = await client.exchange(requestOf(this.#protocol, operation, key), replyEnd);
    client.close();
    if (reply.equals(replyTo(this.#protocol, operation, key))) return;
    // redis-benchmark puts other values of the same size there, which is as good.
    if (operation === "GET" && reply.length === this.#replySize("GET")) return;
    throw new Error(
      `unexpected reply to ${operation}: ${JSON.stringify(reply.toString("latin1"))}`,
    );
  }

  async #verifyTransaction(): Promise<void> {
    const { length } = TRANSACTION_REPLY;
    const client = await RespClient.connect(this.#port);
    const end = (bytes: Buffer): number => (bytes.length < length ? -1 : length);
    const reply = await client.exchange(transactionOf(0), end);
    client.close();
    if (reply.equals(TRANSACTION_REPLY)) return;
    throw new Error(`unexpected reply to MULTI: ${JSON.stringify(reply.toString("latin1"))}`);
  }

  #replySize(operation: Operation): number {
    if (operation === "MULTI") return TRANSACTION_REPLY.length;
    return replyTo(this.#protocol, operation, keyOf(0)).length;
  }

  #ring(operation: Operation): RequestRing {
    const known = this.#rings.get(operation);
    if (known !== undefined) return known;
    const random = new Random(SEED);
    const count = operation === "MULTI" ? TRANSACTION_COUNT : RING_COUNT;
    const keys = Array.from({ length: count }, () => random.below(KEY_RANGE));
    const ring = new RequestRing(this.#protocol, operation, keys);
    this.#rings.set(operation, ring);
    return ring;
  }
}

const [protocol, port, connections] = process.argv.slice(2);
const load = new Load(protocol as Protocol, Number(port));
const answer = (message: Answer): void => {
  process.send!(message);
};

process.on("message", (order: Order) => {
  load.obey(order).then(
    (result) => answer({ result }),
    (error: unknown) => answer({ error: String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));
try {
  await load.connect(Number(connections));
  answer({ result: null });
} catch (error) {
  answer({ error: String(error) });
}
