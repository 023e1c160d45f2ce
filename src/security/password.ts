/** Passwords, kept as their SHA-256 digests. */

/** Characters of a digest in hexadecimal. */
const HEX = /^[0-9a-f]{64}$/;

export interface Password {
  readonly digest: Buffer;
  /** The same in lower-case hexadecimal. */
  readonly hex: string;
}

/** @param text one character a byte */
export function passwordOf(text: string): Password {
  const digest = digestOf(Buffer.from(text, "latin1"));
  return { digest, hex: digest.toString("hex") };
}

/** A password by its digest in lower-case hexadecimal, or null if the text is none. */
export function passwordOfHash(text: string): Password | null {
  return HEX.test(text) ? { digest: Buffer.from(text, "hex"), hex: text } : null;
}

/** Whether the bytes are one of the passwords. All are compared, each as a whole: the time tells nothing of where they differ. */
export function matchesPassword(given: Uint8Array, passwords: readonly Password[]): boolean {
  const digest = digestOf(given);
  let found = false;
  for (const password of passwords) {
    // The runtime's own: loading node:crypto for it would take a tenth of the time until the first PONG.
    if (crypto.timingSafeEqual(digest, password.digest)) found = true;
  }
  return found;
}

function digestOf(bytes: Uint8Array): Buffer {
  return Buffer.from(new Bun.CryptoHasher("sha256").update(bytes).digest());
}
