#!/usr/bin/env bun
/** The program: reads what it is told, puts the parts together, listens, and stops in order. */
import { writeSync } from "node:fs";
import { nanoseconds } from "./base/clock.ts";
import type { Logger } from "./base/log.ts";
import type { Options } from "./base/options.ts";
import { inertWarning } from "./base/options.ts";
import { systemErrorText } from "./base/system-errors.ts";
import { HUTCH_VERSION, REDIS_VERSION } from "./base/version.ts";
import { goToBackground } from "./cli/background.ts";
import { StartError } from "./cli/config-error.ts";
import { rewriteConfigFile } from "./cli/config-rewrite.ts";
import { helpText, versionText } from "./cli/help.ts";
import { showLoading } from "./cli/loading-progress.ts";
import { createLogger } from "./cli/log-output.ts";
import { fitClients } from "./cli/open-files.ts";
import { writePidFile } from "./cli/pid-file.ts";
import type { ServiceManager } from "./cli/service-manager.ts";
import { findServiceManager } from "./cli/service-manager.ts";
import { handleDefects, handleSignals } from "./cli/signals.ts";
import type { ProgressPlace } from "./cli/progress.ts";
import type { Start } from "./cli/start-options.ts";
import { readStart } from "./cli/start-options.ts";
import { allRows } from "./all-rows.ts";
import { startInstance } from "./instance.ts";
import { ListenError } from "./listen.ts";
import { DataError } from "./persistence/data-error.ts";
import { UserError } from "./user-file.ts";

/** Writes all of a text at once: the process may end right after. */
function print(fd: number, text: string): void {
  writeSync(fd, Buffer.from(`${text}\n`, "latin1"));
}

/** Standard output, for what takes its time. */
const OUTPUT: ProgressPlace = {
  isTerminal: process.stdout.isTTY === true,
  write: (text) => void writeSync(1, text),
  nowMs: () => nanoseconds() / 1e6,
};

function begin(): Start {
  try {
    return readStart(process.argv.slice(2), process.env, allRows);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    print(2, error.message);
    process.exit(1);
  }
}

/** Says which options were set although they have no effect here. */
function warnOfInert(options: Options, logger: Logger): void {
  for (const row of options.rows.values()) {
    if (row.inert !== true || options.text(row.name) === row.default) continue;
    logger.warning(inertWarning(row, options.text(row.name)));
  }
}

function run({ options, configFile, rows, users }: Start): void {
  const logger = createLogger(options);
  handleDefects(logger);
  logger.role = "C";
  logger.notice("oO0OoO0OoO0Oo Hutch is starting oO0OoO0OoO0Oo");
  logger.notice(
    `Hutch version=${HUTCH_VERSION}, Redis version=${REDIS_VERSION}, bits=64, pid=${process.pid}, just started`,
  );
  if (process.argv.length > 2) logger.notice("Configuration loaded");
  else logger.warning("Warning: no config file specified, using the default config.");
  logger.role = "M";
  fitClients(options, logger);
  warnOfInert(options, logger);
  const manager = findServiceManager(options, process.env, logger);

  let instance;
  try {
    instance = startInstance({ options, logger, rows, users, loads: true });
  } catch (error) {
    if (error instanceof DataError) failToLoad(error, logger);
    if (error instanceof UserError) failToLoad(error, logger);
    if (!(error instanceof ListenError)) throw error;
    logger.warning(`Warning: ${error.message}`);
    logger.warning(`Failed listening on ${error.what}, aborting.`);
    print(2, error.message);
    process.exit(1);
  }
  const { engine, port, places, loaded, shutdown, stopping, stopped } = instance;
  if (places.length === 0) {
    logger.warning("Configured to not listen anywhere, exiting.");
    print(2, "Configured to not listen anywhere, exiting.");
    process.exit(1);
  }
  engine.configFile = configFile ?? "";
  const removePidFile = writePidFile(options, logger);
  engine.hooks.rewriteConfig = () => {
    if (configFile === null) return "ERR The server is running without a config file";
    try {
      rewriteConfigFile(configFile, options, engine.access.configLines());
    } catch (error) {
      logger.warning(`CONFIG REWRITE failed: ${systemErrorText(error)}`);
      return `ERR Rewriting config file: ${systemErrorText(error)}`;
    }
    return null;
  };
  handleSignals(logger, () => {
    if (shutdown(null, false) === null) return;
    logger.warning(
      "SIGTERM received but errors trying to shut down the server, check the logs for more information",
    );
  });
  if (manager !== null) {
    engine.supervisedBy = "systemd";
    void stopping.then(() => manager.stopping());
  }
  void stopped.then(() => {
    removePidFile();
    logger.warning("Hutch is now ready to exit, bye bye...");
    process.exit(0);
  });

  logger.notice(`Running mode=standalone, port=${port}. PID: ${process.pid}`);
  logger.notice(`Listening on ${places.join(", ")}`);
  logger.notice("Server initialized");
  showLoading(engine, logger, loaded, {
    ...OUTPUT,
    isTerminal: OUTPUT.isTerminal && options.text("logfile") === "",
  });
  loaded.then(
    () => ready(options, logger, manager),
    (error: unknown) => {
      if (!(error instanceof DataError)) throw error;
      failToLoad(error, logger);
    },
  );
}

function ready(options: Options, logger: Logger, manager: ServiceManager | null): void {
  for (const [kind, option, none] of [
    ["tcp", "port", "0"],
    ["unix", "unixsocket", ""],
    ["tls", "tls-port", "0"],
  ] as const) {
    if (options.text(option) !== none) logger.notice(`Ready to accept connections ${kind}`);
  }
  manager?.ready();
}

/** Ends the program: it must not serve data that is not whole, or anybody it does not know. */
function failToLoad(error: Error, logger: Logger): never {
  logger.warning(error.message);
  print(2, error.message);
  process.exit(1);
}

// What only these two need is not loaded by a server that starts.
if (process.argv[2] === "check") {
  const { check } = await import("./cli/check.ts");
  process.exit(check(process.argv.slice(3), (line) => print(1, line)));
}
if (process.argv[2] === "import") {
  const { runImport } = await import("./cli/import.ts");
  const password = process.env.REDISCLI_AUTH ?? "";
  process.exit(await runImport(process.argv.slice(3), password, OUTPUT));
}
const folder = process.cwd();
const start = begin();
if (start.commandLine.wants === "help") print(1, helpText());
else if (start.commandLine.wants === "version") print(1, versionText());
else if (!goToBackground(start.options, folder)) run(start);
