/** A server inside the test's own process, so that tests can look into its engine and move its clock. */
import { OPTION_ROWS } from "../../src/base/option-table.ts";
import { Options } from "../../src/base/options.ts";
import type { Instance } from "../../src/instance.ts";
import { startInstance } from "../../src/instance.ts";

/** Starts it on a free port, its memory in verify mode. @param values options by name */
export function startInProcess(values: Readonly<Record<string, string>> = {}): Instance {
  const options = new Options(OPTION_ROWS);
  for (const [name, value] of Object.entries({ port: "0", bind: "127.0.0.1", ...values })) {
    const error = options.set(name, value);
    if (error !== null) throw new Error(`${name}: ${error}`);
  }
  return startInstance({ options, verify: true });
}
