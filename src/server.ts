#!/usr/bin/env bun
/** The program: puts the parts together and listens. */
import { OPTION_ROWS } from "./base/option-table.ts";
import { Options } from "./base/options.ts";
import { ALL_ROWS } from "./commands/all-rows.ts";
import { Engine } from "./commands/engine.ts";
import { Listener } from "./net/listener.ts";

const options = new Options(OPTION_ROWS);
const portAt = process.argv.indexOf("--port");
if (portAt > 0) options.set("port", process.argv[portAt + 1]!);
const engine = new Engine({ options, rows: ALL_ROWS });
const listener = new Listener(engine, "127.0.0.1", options.number("port"));
console.log(`Ready to accept connections on ${listener.port}`);
