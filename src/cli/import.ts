/**
 * `hutch import SOURCE`: takes over the data of a running Redis or Valkey, or of its files.
 *
 *   import-request.ts   what the words ask for
 *   import-server.ts    from a running server into a running Hutch
 *   import-files.ts     from a file into a data directory
 */
import { ConnectionClosedError } from "../client/errors.ts";
import { DataError } from "../persistence/data-error.ts";
import { importFiles } from "./import-files.ts";
import { parseImport } from "./import-request.ts";
import { ImportError, importServer } from "./import-server.ts";
import type { ProgressPlace } from "./progress.ts";

const USAGE = `Usage: hutch import SOURCE [--to HOST:PORT] [--match PATTERN] [--replace] [--state FILE]
                           [--tls] [--cacert FILE] [--insecure]
       hutch import PATH [--dir DIRECTORY]

SOURCE is a running Redis or Valkey, HOST:PORT or redis://[[user]:password@]host[:port][/database]; its keys are
copied into a running Hutch, 127.0.0.1:6379 unless --to names another. REDISCLI_AUTH holds the source's password
if the address does not. An import that was stopped goes on where it was when it is started again; how far it is
stands in the --state file, ./hutch-import.state.

With --tls, or an address that begins with rediss://, the source is reached by TLS. Its certificate must be of the host
and vouched for by an authority that the system trusts, or by one in the --cacert file; --insecure takes any.

PATH is an RDB file, an AOF, or a folder of an AOF in parts; the server that wrote it must not be running. Its data
goes to a new data directory, ./hutch-data unless --dir names another.`;

/**
 * Runs the command. @param words those behind `import` @param password of the source, if its address has none
 * @returns the exit status: 0 if everything was imported
 */
export async function runImport(
  words: readonly string[],
  password: string,
  place: ProgressPlace,
): Promise<number> {
  const print = (text: string): void => place.write(`${text}\n`);
  const request = parseImport(words, password);
  if (typeof request === "string") {
    print(request === "" ? USAGE : `hutch import: ${request}\n\n${USAGE}`);
    return 1;
  }
  try {
    if (request.kind === "file") {
      await importFiles(request, place);
      return 0;
    }
    return (await importServer(request, place)) ? 0 : 1;
  } catch (error) {
    const isExpected =
      error instanceof ImportError ||
      error instanceof DataError ||
      error instanceof ConnectionClosedError;
    if (!isExpected) throw error;
    print(`${place.isTerminal ? "\r\x1b[K" : ""}hutch import: ${error.message}`);
    return 1;
  }
}
