/** Waiting until a server that was just started answers. */
import { RespClient } from "./resp-client.ts";

const START_TIMEOUT_MS = 15_000;

/** Waits for PING to be answered on `port`; fails when `hasExited` says that nobody will. */
export async function awaitPing(port: number, hasExited: () => boolean): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    if (hasExited()) throw new Error("the server ended while it was starting");
    try {
      const client = await RespClient.connect(port);
      const reply = await client.text("PING").finally(() => client.close());
      // With a password set the refusal is an answer as well.
      if (reply === "+PONG" || reply.startsWith("-NOAUTH")) return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    if (performance.now() > deadline) throw new Error(`no PONG on port ${port}`);
    await Bun.sleep(5);
  }
}
