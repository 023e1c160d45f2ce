/** A server inside the test's own process, so that tests can look into its engine and move its clock. */
import { OPTION_ROWS } from "../../src/base/option-table.ts";
import { Options } from "../../src/base/options.ts";
import type { Instance } from "../../src/instance.ts";
import { startInstance } from "../../src/instance.ts";

const SLICE_NS = 1e9;

/** Starts it on a free port. @param values options by name @param verify whether its memory is in verify mode */
export function startInProcess(
  values: Readonly<Record<string, string>> = {},
  verify = true,
): Instance {
  const options = new Options(OPTION_ROWS);
  for (const [name, value] of Object.entries({
    port: "0",
    bind: "127.0.0.1",
    save: "",
    ...values,
  })) {
    const error = options.set(name, value);
    if (error !== null) throw new Error(`${name}: ${error}`);
  }
  return startInstance({ options, verify });
}

/**
 * Empties all databases and lets housekeeping finish, so that nothing of an earlier test comes back in the middle of the next one,
 * which may measure memory.
 */
export function emptyAll({ engine }: Instance): void {
  for (const database of engine.keyspace.databases) database.clear();
  while (engine.keyspace.housekeep(SLICE_NS));
}
