/** BullMQ's queues: jobs of all kinds, with ioredis and with Bun's own client. Its logic is about fifty Lua scripts. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Job, WorkerOptions } from "bullmq";
import { createBunRedisClient, FlowProducer, Queue, QueueEvents, Worker } from "bullmq";
import { RedisClient } from "bun";
import { Redis } from "ioredis";
import { until } from "../support/until.ts";
import type { FrameworkServer } from "./framework-server.ts";
import { startServer } from "./framework-server.ts";

interface Driver {
  readonly name: string;
  /** What is given to BullMQ as its connection. */
  connection(port: number): WorkerOptions["connection"];
}

/** Clients that were handed to BullMQ, which does not close what it has not made. */
const clients: ReturnType<typeof createBunRedisClient>[] = [];

const DRIVERS: Driver[] = [
  { name: "ioredis", connection: (port) => ({ host: "127.0.0.1", port }) },
  {
    name: "Bun's client",
    connection: (port) => {
      const client = createBunRedisClient(new RedisClient(`redis://127.0.0.1:${port}`));
      // One that is closed while it waits says so; nobody else would listen.
      client.on("error", () => {});
      clients.push(client);
      return client;
    },
  },
];

describe.each(DRIVERS)("BullMQ with $name", ({ connection }) => {
  let server: FrameworkServer;
  let queueName: string;
  let queues = 0;
  const open: { close(): Promise<unknown> }[] = [];

  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    queueName = `queue-${queues++}`;
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
    for (const client of clients.splice(0)) client.disconnect();
  });

  function keep<T extends { close(): Promise<unknown> }>(one: T): T {
    open.push(one);
    return one;
  }

  function makeQueue(name: string = queueName): Queue {
    return keep(new Queue(name, { connection: connection(server.port) }));
  }

  function makeWorker(
    process: (job: Job) => Promise<unknown>,
    options: Partial<WorkerOptions> = {},
    name: string = queueName,
  ): Worker {
    const worker = new Worker(name, process, { connection: connection(server.port), ...options });
    // What goes wrong shows in the job's state; without a listener it would end the tests.
    worker.on("error", () => {});
    return keep(worker);
  }

  test("does 200 jobs, in order with one worker, and keeps what they returned", async () => {
    const queue = makeQueue();
    const done: number[] = [];
    await queue.addBulk(
      Array.from({ length: 200 }, (_, index) => ({ name: "square", data: { index } })),
    );
    makeWorker(async (job) => {
      done.push(job.data.index);
      return job.data.index ** 2;
    });
    await until("200 jobs", async () => (await queue.getCompletedCount()) === 200);
    expect(done).toEqual(Array.from({ length: 200 }, (_, index) => index));
    const [newest] = await queue.getCompleted(0, 0);
    expect(newest!.returnvalue).toBe(199 ** 2);
    expect(await queue.getJobCounts("wait", "active", "failed")).toEqual({
      wait: 0,
      active: 0,
      failed: 0,
    });
  });

  test("holds a delayed job until its time", async () => {
    const queue = makeQueue();
    const started = Date.now();
    let ranAfterMs = 0;
    await queue.add("later", {}, { delay: 300 });
    expect(await queue.getDelayedCount()).toBe(1);
    makeWorker(async () => {
      ranAfterMs = Date.now() - started;
    });
    await until("the delayed job", () => ranAfterMs > 0);
    expect(ranAfterMs).toBeGreaterThanOrEqual(299);
  });

  test("tries again what fails, with a pause, and gives up after the last attempt", async () => {
    const queue = makeQueue();
    const attempts: number[] = [];
    await queue.add("flaky", {}, { attempts: 3, backoff: { type: "fixed", delay: 20 } });
    await queue.add("hopeless", {}, { attempts: 2 });
    makeWorker(async (job) => {
      if (job.name === "hopeless") throw new Error("never");
      attempts.push(job.attemptsMade);
      if (attempts.length < 3) throw new Error("not yet");
      return "at last";
    });
    await until("both", async () => {
      const counts = await queue.getJobCounts("completed", "failed");
      return counts.completed === 1 && counts.failed === 1;
    });
    expect(attempts).toEqual([0, 1, 2]);
    const [failed] = await queue.getFailed();
    expect(failed!.failedReason).toBe("never");
    expect(failed!.attemptsMade).toBe(2);
  });

  test("takes jobs by priority", async () => {
    const queue = makeQueue();
    const done: string[] = [];
    for (const [name, priority] of [
      ["low", 10],
      ["high", 1],
      ["middle", 5],
    ] as const) {
      await queue.add(name, {}, { priority });
    }
    await queue.add("first of all", {});
    makeWorker(async (job) => {
      done.push(job.name);
    });
    await until("four jobs", () => done.length === 4);
    expect(done).toEqual(["first of all", "high", "middle", "low"]);
  });

  test("repeats a job as its scheduler says", async () => {
    const queue = makeQueue();
    let runs = 0;
    await queue.upsertJobScheduler("ticker", { every: 100, limit: 3 }, { name: "tick" });
    makeWorker(async () => {
      runs++;
    });
    await until("three runs", () => runs === 3);
    await until("its end", async () => (await queue.getDelayedCount()) === 0);
    expect(await queue.removeJobScheduler("ticker")).toBeBoolean();
    expect(runs).toBe(3);
  });

  test("keeps to a rate", async () => {
    const queue = makeQueue();
    const at: number[] = [];
    await queue.addBulk(Array.from({ length: 6 }, () => ({ name: "limited", data: {} })));
    makeWorker(
      async () => {
        at.push(Date.now());
      },
      { limiter: { max: 2, duration: 200 } },
    );
    await until("six jobs", () => at.length === 6);
    // Two in each period: between the first and the last lie at least two whole periods, less the length of a timer's step.
    expect(at[5]! - at[0]!).toBeGreaterThanOrEqual(390);
  });

  test("runs a parent when its children are done, and hands it their results", async () => {
    const flow = keep(new FlowProducer({ connection: connection(server.port) }));
    const childQueue = `${queueName}-children`;
    let received: Record<string, unknown> = {};
    makeWorker(async (job) => job.data.value * 10, {}, childQueue);
    makeWorker(async (job) => {
      received = await job.getChildrenValues();
      return "sum";
    });
    await flow.add({
      name: "parent",
      queueName,
      children: [1, 2, 3].map((value) => ({
        name: "child",
        queueName: childQueue,
        data: { value },
      })),
    });
    await until("the parent", () => Object.keys(received).length > 0);
    expect(Object.values(received).sort()).toEqual([10, 20, 30]);
  });

  test("gives a stalled job to another worker", async () => {
    const queue = makeQueue();
    await queue.add("slow", {});
    const stuck = new Worker(queueName, null, {
      connection: connection(server.port),
      lockDuration: 100,
      skipLockRenewal: true,
    });
    keep(stuck);
    stuck.on("error", () => {});
    const job = await stuck.getNextJob("token-of-one-that-dies");
    expect(job!.name).toBe("slow");
    let done = false;
    makeWorker(
      async () => {
        done = true;
      },
      { stalledInterval: 50, lockDuration: 1000 },
    );
    await until("the stalled job", () => done);
    await until("its completion", async () => (await queue.getCompletedCount()) === 1);
  });

  test("tells of events, and waits for a job's end", async () => {
    const queue = makeQueue();
    // From the stream's beginning: its first read need not have come before the job is added.
    const events = keep(
      new QueueEvents(queueName, { connection: connection(server.port), lastEventId: "0-0" }),
    );
    await events.waitUntilReady();
    const seen: string[] = [];
    events.on("added", ({ name }) => seen.push(`added ${name}`));
    events.on("progress", ({ data }) => seen.push(`progress ${JSON.stringify(data)}`));
    events.on("completed", ({ returnvalue }) => seen.push(`completed ${returnvalue}`));
    makeWorker(async (job) => {
      await job.updateProgress({ percent: 50 });
      await job.log("half way");
      return "yes";
    });
    const job = await queue.add("watched", {});
    expect(await job.waitUntilFinished(events)).toBe("yes");
    await until("events", () => seen.includes("completed yes"));
    expect(seen).toEqual(["added watched", 'progress {"percent":50}', "completed yes"]);
    expect((await queue.getJobLogs(job.id!)).logs).toEqual(["half way"]);
  });

  test("pauses, resumes, drains, cleans and obliterates", async () => {
    const queue = makeQueue();
    await queue.pause();
    await queue.addBulk(Array.from({ length: 10 }, () => ({ name: "x", data: {} })));
    expect(await queue.isPaused()).toBe(true);
    let runs = 0;
    makeWorker(async () => {
      runs++;
    });
    expect(runs).toBe(0);
    await queue.resume();
    await until("ten jobs", async () => (await queue.getCompletedCount()) === 10);
    expect(await queue.clean(0, 4, "completed")).toHaveLength(4);
    expect(await queue.getCompletedCount()).toBe(6);
    await queue.pause();
    await queue.add("left", {});
    await queue.drain();
    expect(await queue.count()).toBe(0);
    await queue.obliterate({ force: true });
    expect(await queue.getCompletedCount()).toBe(0);
  });

  test("adds a job only once while another with its id for that is there", async () => {
    const queue = makeQueue();
    const first = await queue.add("once", {}, { deduplication: { id: "same" } });
    const second = await queue.add("once", {}, { deduplication: { id: "same" } });
    expect(second.id).toBe(first.id);
    expect(await queue.count()).toBe(1);
  });
});

describe("BullMQ beside other users of one server", () => {
  test("does the jobs of twenty queues with an ioredis connection of its own for each", async () => {
    const server = await startServer();
    const connections: Redis[] = [];
    const workers: Worker[] = [];
    let done = 0;
    try {
      for (let i = 0; i < 20; i++) {
        const redis = new Redis(server.port, { maxRetriesPerRequest: null });
        connections.push(redis);
        const queue = new Queue(`q${i}`, { connection: redis });
        workers.push(
          new Worker(`q${i}`, async () => void done++, { connection: redis, concurrency: 5 }),
        );
        await queue.addBulk(Array.from({ length: 25 }, (_, n) => ({ name: "job", data: { n } })));
      }
      await until("500 jobs", () => done === 500);
    } finally {
      await Promise.all(workers.map((worker) => worker.close()));
      for (const redis of connections) redis.disconnect();
      await server.stop();
    }
  }, 60_000);
});
