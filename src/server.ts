#!/usr/bin/env bun
/** The program: puts the parts together and listens. */
import { OPTION_ROWS } from "./base/option-table.ts";
import { Options } from "./base/options.ts";
import { startInstance } from "./instance.ts";

const options = new Options(OPTION_ROWS);
const portAt = process.argv.indexOf("--port");
if (portAt > 0) options.set("port", process.argv[portAt + 1]!);
const instance = startInstance({ options });
console.log(`Ready to accept connections on ${instance.port}`);
