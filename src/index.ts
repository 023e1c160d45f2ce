/**
 * The library.
 *
 *   import { connect, createServer } from "hutch";
 *
 *   await using server = await createServer({ port: 0 });
 *   await server.call("SET", "greeting", "hello");
 *   using client = await connect({ port: server.port });
 *   const greeting = await client.get("greeting"); // a Buffer
 */
export type { ConnectOptions } from "./client/native-client.ts";
export { connect, NativeClient } from "./client/native-client.ts";
export { ConnectionClosedError, ServerError, TimeoutError } from "./client/errors.ts";
export type { ServerClock, ServerOptions } from "./create-server.ts";
export { createServer, EmbeddedServer, OptionError } from "./create-server.ts";
export { ListenError } from "./listen.ts";
export type { AnswerValue } from "./commands/value-reply.ts";
export { StatusReply } from "./commands/value-reply.ts";
export type { OwnCommand, OwnCommandCall, OwnCommands } from "./own-commands.ts";
export type { CallArgument } from "./local-caller.ts";
export type { ReplyValue } from "./protocol/resp-reply-decoder.ts";
export { PushMessage, ReplyError } from "./protocol/resp-reply-decoder.ts";
