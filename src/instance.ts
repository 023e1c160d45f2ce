/**
 * A running server without a program around it: engine, listeners and housekeeping, put together once for the program
 * (`server.ts`) and the library (`index.ts`). It prints nothing by itself, handles no signals and ends no process.
 */
import { nanoseconds } from "./base/clock.ts";
import { loadNext } from "./base/late.ts";
import type { Logger } from "./base/log.ts";
import type { Options } from "./base/options.ts";
import { FIRST_ROWS, LATE_ROWS } from "./all-rows.ts";
import { Engine } from "./commands/engine.ts";
import type { CommandRow } from "./commands/row.ts";
import { Listeners, TLS_OPTIONS } from "./listen.ts";
import { Beat } from "./net/beat.ts";
import { Connection } from "./net/connection.ts";
import { Settings } from "./net/settings.ts";
import { Aof } from "./persistence/aof.ts";
import type { UserLine } from "./security/rule-text.ts";
import { configureUsers } from "./user-file.ts";
import { Saving } from "./persistence/saving.ts";

export interface InstanceSetup {
  readonly options: Options;
  readonly logger?: Logger;
  /** Seed of the server's random generator, for tests. */
  readonly seed?: number;
  /** Runs the memory in verify mode, for tests. */
  readonly verify?: boolean;
  /** The commands, if not all of them under their own names. */
  readonly rows?: readonly CommandRow[] | null;
  /** Commands beside those that there are. */
  readonly ownRows?: readonly CommandRow[];
  /** Users that the config file declares. */
  readonly users?: readonly UserLine[];
  /** Loads the snapshot that there is, if there is no log; if absent, the server begins empty then. */
  readonly loads?: boolean;
}

export interface Instance {
  readonly engine: Engine;
  /** The TCP port that it listens on: a free one if the option `port` is 0, and 0 if there are other ways in then. */
  readonly port: number;
  /** Where it listens, as "127.0.0.1:6379". */
  readonly places: readonly string[];
  /** Settles when the data is loaded; rejects with a `DataError` if it can't be, and then the server is to be stopped. */
  readonly loaded: Promise<void>;
  /** Stops in order: no new connections, replies sent, connections closed, memory given back. */
  stop(): Promise<void>;
  /** Writes a snapshot, if the options want one or `save` says so, and stops. Returns an error, and goes on, if it can't. */
  shutdown(save: boolean | null, force: boolean): string | null;
  /** Settles when the server begins to stop. */
  readonly stopping: Promise<void>;
  /** Settles when the server has stopped, by `stop` or by the SHUTDOWN command. */
  readonly stopped: Promise<void>;
}

const TLS_REFUSED = "Unable to update TLS configuration. Check server logs.";

/** When the data is loaded, the rest of the program is: after so long, and with so long a pause between its parts. */
const LATE_AFTER_MS = 30;
const LATE_PAUSE_MS = 4;
/** How often a server that is to stop looks whether a script has ended. */
const SCRIPT_POLL_MS = 10;
/** How long connections may take to read the replies they are owed when the server stops. */
const DRAIN_NS = 2e9;

/**
 * Starts a server. Throws `ListenError` if an address can't be had, `DataError` if its files can't be used, `UserError` if its users
 * can't be made.
 */
export function startInstance(setup: InstanceSetup): Instance {
  const { options, ownRows = [] } = setup;
  const engine = new Engine({
    ...setup,
    rows: [...(setup.rows ?? FIRST_ROWS), ...ownRows],
    lateRows: (setup.rows ?? null) === null ? LATE_ROWS : [],
  });
  configureUsers(engine, setup.users ?? []);
  const settings = new Settings(engine);
  const saving = Saving.of(engine);
  const aof = Aof.of(engine);
  aof.open();
  const listeners = new Listeners(engine, settings);
  let port;
  try {
    port = listeners.start(options);
  } catch (error) {
    void aof.close();
    throw error;
  }
  options.record("port", String(port));
  const beat = new Beat(engine, settings);

  /** Where there is a log, it alone says what the data is; a snapshot that stands alone becomes the base of a new one. */
  const load = async (): Promise<void> => {
    if (aof.hasData) return aof.load();
    if (setup.loads === true) await saving.load();
    aof.begin();
  };

  const { promise: stopped, resolve, reject } = Promise.withResolvers<void>();
  const { promise: stopping, resolve: beginToStop } = Promise.withResolvers<void>();
  let isStopping = false;
  const stop = (): Promise<void> => {
    if (!isStopping) {
      isStopping = true;
      beginToStop();
      engine.logger.notice("User requested shutdown...");
      listeners.stop();
      engine.busyScript?.stop();
      saving.stop();
      closeConnections(engine)
        .then(() => aof.close())
        .finally(() => {
          engine.functions.stop();
          beat.stop();
          engine.keyspace.release();
        })
        .then(resolve, reject);
    }
    return stopped;
  };
  const shutdown = (save: boolean | null, force: boolean): string | null => {
    saving.cancel();
    const wanted = save ?? (saving.isWanted && engine.loading === null);
    if (wanted && engine.busyScript?.hasWritten === true) {
      engine.logger.warning("A script is half done: the server stops when it has ended.");
      void scriptEnds(engine).then(() => shutdown(save, force));
      return null;
    }
    if (wanted) {
      engine.logger.notice("Saving the final RDB snapshot before exiting.");
      if (saving.save() !== null && !force) {
        engine.logger.warning("Error trying to save the DB, can't exit.");
        return "ERR Errors trying to SHUTDOWN. Check logs.";
      }
    }
    void stop();
    return null;
  };
  engine.hooks = {
    ...engine.hooks,
    // As this folder sees it: in a compiled executable the path counts from there.
    scriptThread: new URL("./scripting/script-worker.ts", import.meta.url),
    typescriptThread: new URL("./scripting/typescript-thread.ts", import.meta.url),
    shutdown: ({ abort, save, force }) =>
      abort ? "ERR No shutdown in progress." : shutdown(save, force),
  };
  const changePorts = (): string | null =>
    listeners.change(options) ? null : "Unable to listen on this port. Check server logs.";
  options.onApply(["port"], changePorts);
  options.onApply(["tls-port"], () =>
    listeners.prepareTls(options) ? changePorts() : TLS_REFUSED,
  );
  options.onApply(TLS_OPTIONS, () => (listeners.changeTls(options) ? null : TLS_REFUSED));
  options.onApply(["bind"], () =>
    listeners.change(options) ? null : "Failed to bind to specified addresses.",
  );
  const loaded = load();
  loaded.then(
    () => loadRest(() => isStopping),
    () => {},
  );
  const { places } = listeners;
  return { engine, port, places, loaded, shutdown, stop, stopping, stopped };
}

/** Loads what is loaded late, a part at a time, before anybody asks for it. */
function loadRest(isStopping: () => boolean): void {
  const next = (): void => {
    if (!isStopping() && loadNext()) setTimeout(next, LATE_PAUSE_MS).unref();
  };
  setTimeout(next, LATE_AFTER_MS).unref();
}

/** Settles when the script has ended that keeps everybody waiting. */
async function scriptEnds(engine: Engine): Promise<void> {
  while (engine.busyScript !== null) await Bun.sleep(SCRIPT_POLL_MS);
}

/** Closes every connection once its replies are sent; those that do not read them in time are cut off. */
async function closeConnections(engine: Engine): Promise<void> {
  const deadline = nanoseconds() + DRAIN_NS;
  for (const { peer, blocked } of [...engine.sessions.values()]) {
    // A client whose command waits is owed nothing: the command has not run.
    if (blocked && peer?.outputBytes === 0) peer.close();
    else if (peer instanceof Connection) peer.finish();
  }
  while (engine.sessions.size > 0 && nanoseconds() < deadline) await Bun.sleep(5);
  for (const session of [...engine.sessions.values()]) session.peer?.close();
}
