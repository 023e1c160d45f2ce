/** States of the server that are not as usual stand in one number: none of them ends or hides another. */
import { expect, test } from "bun:test";
import type { Engine } from "../../src/commands/engine.ts";
import type { EntryGuard } from "../../src/keyspace/entry-guard.ts";
import { TestEngine } from "../support/test-engine.ts";

/** Each begins a state or ends it. */
const STATES: Readonly<Record<string, (engine: Engine, on: boolean) => void>> = {
  loading: (engine, on) => {
    const loading = { startedMs: 0, totalBytes: 1, loadedBytes: 0, snapshotMemory: 0 };
    engine.loading = on ? loading : null;
  },
  "refusing writes": (engine, on) => engine.refuseWrites("log", on ? "MISCONF" : null),
  tracking: (engine, on) => (engine.tracks = on),
  "a pause": (engine, on) => (engine.pauseMode = on ? 2 : 0),
  "a snapshot": (engine, on) => {
    const guard = {} as EntryGuard;
    engine.setGuard(on ? guard : null);
  },
  "a busy script": (engine, on) => {
    const busy = { refusal: "BUSY" } as unknown as NonNullable<Engine["busyScript"]>;
    engine.busyScript = on ? busy : null;
  },
};

test("a state that ends ends no other one, such as a snapshot a script that takes long", () => {
  const { engine } = new TestEngine();
  for (const [one, setOne] of Object.entries(STATES)) {
    for (const [other, setOther] of Object.entries(STATES)) {
      if (one === other) continue;
      setOne(engine, true);
      const { special } = engine;
      setOther(engine, true);
      setOther(engine, false);
      expect(`${one}, ${other}: ${engine.special}`).toBe(`${one}, ${other}: ${special}`);
      setOne(engine, false);
      expect(engine.special).toBe(0);
    }
  }
});
