/** `redis`, and `server`, which is the same table: what scripts ask of the server. */
import { define } from "./environment.ts";
import type { Environment } from "./environment.ts";
import { errorTable } from "./error-table.ts";
import { LuaError } from "./errors.ts";
import type { FunctionRegistrar, ScriptHost } from "./script-host.ts";
import { LuaTable } from "./table.ts";
import type { LuaFunction, LuaResult, LuaValue } from "./values.ts";
import { asNumber, asText, NONE } from "./values.ts";

const LOG_LEVELS: Readonly<Record<string, number>> = {
  LOG_DEBUG: 0,
  LOG_VERBOSE: 1,
  LOG_NOTICE: 2,
  LOG_WARNING: 3,
};
const LOG_WARNING = 3;

const REPLICATION: Readonly<Record<string, number>> = {
  REPL_NONE: 0,
  REPL_AOF: 1,
  REPL_SLAVE: 2,
  REPL_REPLICA: 2,
  REPL_ALL: 3,
};
const REPL_ALL = 3;

/** Who serves the library's functions: nobody between scripts. */
export interface Holder {
  host: ScriptHost | null;
  registrar: FunctionRegistrar | null;
  /** "7.4.0" and the same as a number. */
  readonly version: string;
  readonly sha1: (text: string) => string;
}

function failure(text: string): LuaError {
  return new LuaError(errorTable(text));
}

/** While a library is loaded there is hardly anything in the table. */
function nonexistent(name: string): LuaError {
  return LuaError.here(`Script attempted to access nonexistent global variable '${name}'`);
}

function hostOf(holder: Holder, name: string): ScriptHost {
  if (holder.host === null) {
    if (holder.registrar !== null) throw nonexistent(name);
    const shown = name === "call" || name === "pcall" ? "call/pcall" : name;
    throw failure(`redis.${shown} can only be called inside a script invocation`);
  }
  return holder.host;
}

function single(name: "ok" | "err", parameters: readonly LuaValue[]): LuaResult {
  const [text] = parameters;
  if (parameters.length !== 1 || typeof text !== "string") {
    return errorTable("wrong number or type of arguments");
  }
  if (name === "err") return errorTable(text.startsWith("-") ? text : `-${text}`);
  const table = new LuaTable();
  table.set("ok", text);
  return table;
}

function log(holder: Holder, parameters: readonly LuaValue[]): LuaResult {
  if (parameters.length < 2) throw failure("redis.log() requires two arguments or more.");
  const level = asNumber(parameters[0]);
  if (level === undefined) throw failure("First argument must be a number (log level).");
  if (!(level >= 0 && level <= LOG_WARNING)) throw failure("Invalid debug level.");
  const words = parameters.slice(1).map(asText);
  holder.host?.log(Math.trunc(level), words.filter((word) => word !== undefined).join(" "));
  return NONE;
}

function setProtocol(host: ScriptHost, parameters: readonly LuaValue[]): LuaResult {
  if (parameters.length !== 1) throw failure("redis.setresp() requires one argument.");
  const version = Math.trunc(asNumber(parameters[0]) ?? 0);
  if (version !== 2 && version !== 3) throw failure("RESP version must be 2 or 3.");
  host.setProtocol(version);
  return NONE;
}

function setReplication(host: ScriptHost, parameters: readonly LuaValue[]): LuaResult {
  if (parameters.length !== 1) throw failure("redis.set_repl() requires two arguments.");
  const flags = Math.trunc(asNumber(parameters[0]) ?? 0);
  if ((flags & ~REPL_ALL) !== 0) {
    throw failure("Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
  }
  host.setReplication(flags);
  return NONE;
}

function mayRun(host: ScriptHost, parameters: readonly LuaValue[]): LuaResult {
  if (parameters.length === 0) {
    throw failure("Please specify at least one argument for this redis lib call");
  }
  if (!parameters.every((value) => asText(value) !== undefined)) {
    throw failure("Lua redis lib command arguments must be strings or integers");
  }
  const may = host.mayRun(parameters);
  if (may === null) throw failure("Invalid command passed to redis.acl_check_cmd()");
  return may;
}

function sha1(holder: Holder, parameters: readonly LuaValue[]): LuaResult {
  if (parameters.length !== 1) throw failure("wrong number of arguments");
  return holder.sha1(asText(parameters[0]) ?? "");
}

/** `redis.register_function`, in its two forms: a table, or a name and a function. */
function register(holder: Holder, parameters: readonly LuaValue[]): LuaResult {
  const { registrar } = holder;
  if (registrar === null) {
    throw failure("redis.register_function can only be called on FUNCTION LOAD command");
  }
  if (parameters.length < 1 || parameters.length > 2) {
    throw failure("wrong number of arguments to redis.register_function");
  }
  let [description] = parameters;
  if (parameters.length === 1) {
    if (!(description instanceof LuaTable)) {
      throw failure(
        "calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).",
      );
    }
  } else {
    const table = new LuaTable();
    if (asText(description) === undefined) {
      throw failure("first argument to redis.register_function must be a string");
    }
    if (typeof parameters[1] !== "function") {
      throw failure("second argument to redis.register_function must be a function");
    }
    table.set("function_name", asText(description));
    table.set("callback", parameters[1]);
    description = table;
  }
  const error = registrar.register(description as LuaTable);
  if (error !== null) throw failure(error);
  return NONE;
}

function versionNumber(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  return (major << 16) | (minor << 8) | patch;
}

/** @param isLibrary for the environment of function libraries, which has no KEYS and knows `register_function` */
export function addRedisLibrary(
  environment: Environment,
  holder: Holder,
  isLibrary: boolean,
): void {
  const table = new LuaTable();
  const call: LuaFunction = function (name, argument) {
    const host = holder.host ?? hostOf(holder, "call");
    const isPair = arguments.length === 2;
    const reply = isPair ? host.callPair(name, argument) : host.call([...arguments] as LuaValue[]);
    if (host.failed) throw new LuaError(reply);
    return reply;
  };
  const pcall: LuaFunction = function (name, argument) {
    const host = holder.host ?? hostOf(holder, "pcall");
    const isPair = arguments.length === 2;
    return isPair ? host.callPair(name, argument) : host.call([...arguments] as LuaValue[]);
  };
  define(
    table,
    {
      acl_check_cmd: (...p) => mayRun(hostOf(holder, "acl_check_cmd"), p),
      call,
      error_reply: (...p) => single("err", p),
      pcall,
      sha1hex: (...p) => sha1(holder, p),
      status_reply: (...p) => single("ok", p),
    },
    true,
  );
  define(
    table,
    {
      log: (...p) => log(holder, p),
      set_repl: (...p) => setReplication(hostOf(holder, "set_repl"), p),
      setresp: (...p) => setProtocol(hostOf(holder, "setresp"), p),
    },
    false,
  );
  if (isLibrary) {
    define(table, { register_function: (...p) => register(holder, p) }, false);
  } else {
    // There is no debugger, and effects are always what is replicated.
    define(table, { breakpoint: () => false, replicate_commands: () => true }, true);
    define(table, { debug: () => NONE }, false);
  }
  for (const [name, value] of Object.entries({ ...LOG_LEVELS, ...REPLICATION })) {
    table.set(name, value);
  }
  table.set("REDIS_VERSION", holder.version);
  table.set("REDIS_VERSION_NUM", versionNumber(holder.version));
  environment.globals.set("redis", table);
  environment.globals.set("server", table);
}
