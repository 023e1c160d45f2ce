/**
 * Whether servers answer alike: a few commands, the raw replies compared. Not a test of conformance, only the assurance
 * that the work measured is the same work.
 */
import type { Operation } from "../rig/requests.ts";
import { keyOf, nativeReplyEnd, replyTo, requestOf } from "../rig/requests.ts";
import { RespClient } from "../rig/resp-client.ts";
import type { RunningServer } from "../rig/servers.ts";

/** Sent in this order to an empty server; it is empty again at the end. */
const COMMANDS: readonly (readonly string[])[] = [
  ["PING"],
  ["PING", "a message"],
  ["GET", "alike:missing"],
  ["SET", "alike:string", "sixteen bytes ok"],
  ["GET", "alike:string"],
  ["SET", "alike:string", "another value"],
  ["GET", "alike:string"],
  ["SET", "alike:number", "12345678901234"],
  ["GET", "alike:number"],
  ["SET", "alike:empty", ""],
  ["GET", "alike:empty"],
  ["SET", "alike:long", "x".repeat(5000)],
  ["GET", "alike:long"],
  ["SET", "alike:number"],
  ["GET"],
  ["SET", "alike:string", "value", "NOSUCHOPTION"],
  ["GET", "alike:string"],
  ["DEL", "alike:string", "alike:number", "alike:empty", "alike:long", "alike:missing"],
  ["GET", "alike:string"],
  ["EXISTS", "alike:string", "alike:number"],
];

/** Sends the commands to a server and returns its replies. */
async function replies(server: RunningServer): Promise<string[]> {
  const client = await RespClient.connect(server.port);
  const answers: string[] = [];
  for (const command of COMMANDS) {
    answers.push((await client.call(command)).toString("latin1"));
  }
  client.close();
  return answers;
}

/** One line for each reply in which a server differs from the first one; none if they are alike. */
export async function differences(servers: readonly RunningServer[]): Promise<string[]> {
  const all: string[][] = [];
  for (const server of servers) all.push(await replies(server));
  const lines: string[] = [];
  for (let i = 1; i < servers.length; i++) {
    for (const [index, command] of COMMANDS.entries()) {
      const expected = all[0]![index]!;
      const found = all[i]![index]!;
      if (expected === found) continue;
      lines.push(
        `${command.join(" ").slice(0, 60)}: ${servers[0]!.product.name} answers ${shown(expected)}, ` +
          `${servers[i]!.product.name} ${shown(found)}`,
      );
    }
  }
  return lines;
}

/** The same for Hutch's two protocols: what one sets the other gets. */
export async function nativeDifferences(server: RunningServer): Promise<string[]> {
  const key = keyOf(0);
  const native = await RespClient.connect(server.port);
  const lines: string[] = [];
  for (const operation of ["SET", "GET"] satisfies Operation[]) {
    const found = await native.exchange(requestOf("native", operation, key), nativeReplyEnd);
    const expected = replyTo("native", operation, key);
    if (!found.equals(expected))
      lines.push(`native ${operation}: ${shown(found.toString("latin1"))}`);
  }
  native.close();
  const resp = await RespClient.connect(server.port);
  const found = await resp.call(["GET", key]);
  if (!found.equals(replyTo("resp", "GET", key))) {
    lines.push(`GET of a key set in native frames: ${shown(found.toString("latin1"))}`);
  }
  resp.close();
  return lines;
}

function shown(reply: string): string {
  return JSON.stringify(reply.length > 80 ? `${reply.slice(0, 80)}...` : reply);
}
