/**
 * What TLS connections are set up with: certificates, keys and rules, read from the files that the options name. A context is made as a
 * whole or not at all, so a certificate that is broken never takes the place of one that works.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import type { Options } from "../base/options.ts";
import { systemErrorText } from "../base/system-errors.ts";

/** Whether a client must show a certificate, may, or is not asked for one. */
export type ClientCertificates = "yes" | "optional" | "no";

export interface TlsContext {
  readonly tls: Bun.TLSOptions;
  readonly clientCertificates: ClientCertificates;
}

// Bits of OpenSSL's SSL_OP_*.
const NO_TICKETS = 0x4000;
const SERVER_ORDER = 0x400000;
const NO_TLS_1_2 = 0x8000000;
const NO_TLS_1_3 = 0x20000000;

const CERTIFICATE = "-----BEGIN CERTIFICATE-----";

/** Reads the files and checks that they fit together. */
export function readTlsContext(options: Options): TlsContext | { readonly error: string } {
  const clientCertificates = options.text("tls-auth-clients") as ClientCertificates;
  const certificate = options.text("tls-cert-file");
  const key = options.text("tls-key-file");
  const hasAuthorities =
    options.text("tls-ca-cert-file") !== "" || options.text("tls-ca-cert-dir") !== "";
  if (certificate === "") return { error: "No tls-cert-file configured!" };
  if (key === "") return { error: "No tls-key-file configured!" };
  if (clientCertificates !== "no" && !hasAuthorities) {
    return {
      error:
        "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-auth-clients is enabled!",
    };
  }
  const passphrase = Buffer.from(options.text("tls-key-file-pass"), "latin1").toString();
  const ciphers = options.text("tls-ciphers");
  try {
    const tls: Bun.TLSOptions = {
      cert: readText(certificate),
      key: readText(key),
      ...(hasAuthorities ? { ca: readAuthorities(options) } : {}),
      ...(passphrase === "" ? {} : { passphrase }),
      ...(ciphers === "" ? {} : { ciphers }),
      secureOptions: rulesOf(options),
      requestCert: clientCertificates !== "no",
      // Where a certificate is optional, the handshake's end tells one that is missing from one that is wrong.
      rejectUnauthorized: clientCertificates === "yes",
    };
    createSecureContext(tls as Parameters<typeof createSecureContext>[0]);
    return { tls, clientCertificates };
  } catch (error) {
    return { error: `Failed to configure TLS: ${systemErrorText(error)}` };
  }
}

function rulesOf(options: Options): number {
  const protocols = options.text("tls-protocols").toLowerCase().split(" ");
  const limited = protocols.some((word) => word !== "");
  let rules = 0;
  if (limited && !protocols.includes("tlsv1.2")) rules |= NO_TLS_1_2;
  if (limited && !protocols.includes("tlsv1.3")) rules |= NO_TLS_1_3;
  if (options.flag("tls-prefer-server-ciphers")) rules |= SERVER_ORDER;
  if (!options.flag("tls-session-caching")) rules |= NO_TICKETS;
  return rules;
}

/** The certificates of `tls-ca-cert-file`, and of all files in `tls-ca-cert-dir` that hold some. */
function readAuthorities(options: Options): string[] {
  const file = options.text("tls-ca-cert-file");
  const folder = Buffer.from(options.text("tls-ca-cert-dir"), "latin1").toString();
  const texts = file === "" ? [] : [readText(file)];
  if (folder === "") return texts;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const text = readFileSync(join(folder, entry.name), "latin1");
    if (text.includes(CERTIFICATE)) texts.push(text);
  }
  if (texts.length === 0) throw new Error(`there is no certificate in ${folder}`);
  return texts;
}

/** @param path one character a byte */
function readText(path: string): string {
  try {
    return readFileSync(Buffer.from(path, "latin1"), "latin1");
  } catch (error) {
    throw new Error(`${path}: ${systemErrorText(error)}`, { cause: error });
  }
}
