/** The password of the default user (`requirepass`), kept as its SHA-256 digest. */

export class Password {
  #digest: Buffer = digestOf(Buffer.alloc(0));
  /** Whether one is set. */
  required = false;

  /** @param password one character a byte; empty for none */
  set(password: string): void {
    this.#digest = digestOf(Buffer.from(password, "latin1"));
    this.required = password !== "";
  }

  /** Whether the bytes are the password. Takes equally long whether and wherever they differ. */
  matches(given: Uint8Array): boolean {
    // The runtime's own: loading node:crypto for it would take a tenth of the time until the first PONG.
    return crypto.timingSafeEqual(digestOf(given), this.#digest);
  }
}

function digestOf(bytes: Uint8Array): Buffer {
  return Buffer.from(new Bun.CryptoHasher("sha256").update(bytes).digest());
}
