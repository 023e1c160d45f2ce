/** Waiting until a server that was just started answers. */
import { RespClient } from "./resp-client.ts";
import { show } from "./resp-value.ts";

const START_TIMEOUT_MS = 15_000;

/**
 * Waits for PING to be answered on `port`. Fails when `hasExited` says that nobody will.
 * @param pid who is to answer, if that is known: another server may have taken the port just before
 */
export async function awaitPing(
  port: number,
  hasExited: () => boolean,
  pid?: number,
): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    if (hasExited()) throw new Error("the server ended while it was starting");
    try {
      const client = await RespClient.connect(port);
      const [reply, info] = await answers(client).finally(() => client.close());
      // With a password set the refusal is an answer as well.
      if (reply.startsWith("-NOAUTH")) return;
      const isIt = pid === undefined || new RegExp(`process_id:${pid}\\b`).test(info);
      if (reply === "+PONG" && isIt) return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    if (performance.now() > deadline) throw new Error(`no PONG on port ${port}`);
    await Bun.sleep(5);
  }
}

/** What PING and INFO answer. */
async function answers(client: RespClient): Promise<[string, string]> {
  const [pong, info] = await client.pipeline([["PING"], ["INFO", "server"]]);
  return [show(pong!), show(info!)];
}
