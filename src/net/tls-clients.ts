/** Who TLS clients are by their certificates: whether one may come in, and which user it is (`tls-auth-clients-user`). */
import type { Socket } from "bun";
import type { Engine } from "../commands/engine.ts";
import type { User } from "../security/user.ts";
import type { ClientCertificates } from "./tls-context.ts";

/**
 * Whether the certificate that a client showed is from an authority, or there is none and none is needed. A handshake may succeed
 * and the certificate be wrong all the same.
 */
export function isTrusted(socket: Socket<unknown>, wanted: ClientCertificates): boolean {
  if (wanted === "no" || socket.authorized) return true;
  return wanted === "optional" && socket.getPeerX509Certificate() === undefined;
}

/**
 * The user whose name is the one common name of the client's certificate, byte for byte, if the option wants that and there is such a
 * user that may log in; else null.
 */
export function userOfCertificate(engine: Engine, socket: Socket<unknown>): User | null {
  if (engine.options.text("tls-auth-clients-user") === "off" || !socket.authorized) return null;
  // A subject may have several names of a kind, which come as an array.
  const name: unknown = socket.getPeerCertificate()?.subject?.CN;
  if (typeof name !== "string" || name === "") return null;
  const user = engine.access.users.find(Buffer.from(name).toString("latin1"));
  return user?.enabled === true ? user : null;
}
