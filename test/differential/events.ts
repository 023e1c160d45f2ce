/** The events of keys that a server publishes, as its subscribers get them. */
import { RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";

/** Collects events, each as "<database> <event> <key>". */
export interface EventTap {
  /** The events since the last call. */
  take(): Promise<string[]>;
  close(): void;
}

const CHANNEL = /^__keyevent@(\d+)__:(.*)$/;

/** Subscribes to all events of a server. */
export async function tapEvents(port: number): Promise<EventTap> {
  const client = await RespClient.connect(port);
  await client.text("CONFIG", "SET", "notify-keyspace-events", "KEAmn");
  await client.call("PSUBSCRIBE", "__keyevent@*");
  let pings = 0;
  return {
    async take() {
      const token = `--ping-${pings++}--`;
      const events: string[] = [];
      client.write(`PING ${token}\r\n`);
      for (;;) {
        const frame = await client.read();
        if (frame.type !== "array") throw new Error(`no message but ${show(frame)}`);
        const texts = frame.items.map((item) => (item.type === "bulk" ? item.text : show(item)));
        if (texts[1] === token) return events;
        const [, database, name] = CHANNEL.exec(texts[2]!)!;
        events.push(`${database} ${name} ${texts[3]}`);
      }
    },
    close: () => client.close(),
  };
}
