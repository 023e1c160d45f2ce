/** Certificates that are made for a test, with openssl. */
import { createPrivateKey, sign, X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const OPENSSL: string | null = Bun.which("openssl");

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

export function openssl(folder: string, ...words: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([OPENSSL!, ...words], { cwd: folder });
  if (exitCode !== 0) throw new Error(stderr.toString());
}

/** Makes NAME.crt and NAME.key of an authority. */
export function makeAuthority(folder: string, name = "ca"): void {
  openssl(
    ...[folder, "req", "-x509", "-days", "2", "-subj", `/CN=${name}`, ...KEY],
    ...["-keyout", `${name}.key`, "-out", `${name}.crt`],
  );
}

interface Wanted {
  /** As "/CN=somebody"; default: the file's name. */
  readonly subject?: string;
  /** As "IP:127.0.0.1,DNS:localhost". */
  readonly of?: string;
  readonly authority?: string;
}

/** Makes NAME.crt, from an authority, and NAME.key. */
export function makeCertificate(folder: string, name: string, wanted: Wanted = {}): void {
  const { subject = `/CN=${name}`, of, authority = "ca" } = wanted;
  openssl(
    ...[folder, "req", ...KEY, "-subj", subject],
    ...["-keyout", `${name}.key`, "-out", `${name}.csr`],
  );
  const extensions = of === undefined ? [] : ["-extfile", `${name}.ext`];
  if (of !== undefined) writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${of}`);
  openssl(
    ...[folder, "x509", "-req", "-days", "2", "-in", `${name}.csr`, "-out", `${name}.crt`],
    ...["-CA", `${authority}.crt`, "-CAkey", `${authority}.key`, "-CAcreateserial", ...extensions],
  );
}

/**
 * Puts other bytes of the same number into NAME.crt and signs it again, for names that openssl does not write.
 * @param from where they go; it occurs once
 */
export function replaceInCertificate(
  folder: string,
  name: string,
  from: string,
  to: string,
  authority = "ca",
): void {
  const path = join(folder, `${name}.crt`);
  const der = Buffer.from(new X509Certificate(readFileSync(path)).raw);
  // A certificate is a sequence of what is signed, the algorithm and the signature.
  const signed = partAt(der, partAt(der, 0).start);
  const algorithm = partAt(der, signed.end);
  const bytes = Buffer.from(der.subarray(signed.from, signed.end));
  Buffer.from(to, "latin1").copy(bytes, bytes.indexOf(Buffer.from(from, "latin1")));
  const key = createPrivateKey(readFileSync(join(folder, `${authority}.key`)));
  const signature = Buffer.concat([Buffer.from([0]), sign("sha256", bytes, key)]);
  const whole = part(
    0x30,
    Buffer.concat([bytes, der.subarray(algorithm.from, algorithm.end), part(0x03, signature)]),
  );
  const lines = whole
    .toString("base64")
    .match(/.{1,64}/g)!
    .join("\n");
  writeFileSync(path, `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`);
}

/** Where a part of DER begins, where its contents do, and where it ends. */
function partAt(der: Buffer, from: number): { from: number; start: number; end: number } {
  const first = der[from + 1]!;
  if (first < 0x80) return { from, start: from + 2, end: from + 2 + first };
  const width = first & 0x7f;
  const start = from + 2 + width;
  return { from, start, end: start + der.readUIntBE(from + 2, width) };
}

function part(tag: number, contents: Buffer): Buffer {
  const head = Buffer.from([tag, 0x82, 0, 0]);
  head.writeUInt16BE(contents.length, 2);
  // Lengths take as few bytes as they can.
  if (contents.length >= 0x100) return Buffer.concat([head, contents]);
  const short = contents.length < 0x80 ? [contents.length] : [0x81, contents.length];
  return Buffer.concat([Buffer.from([tag, ...short]), contents]);
}
