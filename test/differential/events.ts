/** The events of keys that a server reports: those of redis-server as subscribers get them, those of Hutch as observers do. */
import type { Instance } from "../../src/instance.ts";
import type { KeyObserver } from "../../src/keyspace/key-events.ts";
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
export async function tapChannels(port: number): Promise<EventTap> {
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

/** Observes a server in the same process. */
export function tapObserver({ engine }: Instance): EventTap {
  let events: string[] = [];
  const observer: KeyObserver = {
    happened(event, database, key, start, end) {
      if (event.name === "") return;
      events.push(`${database.index} ${event.name} ${key.toString("latin1", start, end)}`);
    },
    emptied() {},
    swapped() {},
  };
  const { store } = engine.keyspace;
  store.observe(observer);
  return {
    take() {
      const taken = events;
      events = [];
      return Promise.resolve(taken);
    },
    close: () => store.unobserve(observer),
  };
}
