/** The chunks that are compiled, by number: what an error needs to say where it happened. */

export interface Chunk {
  /** As errors show it: "user_script". */
  readonly name: string;
  /** What it is made of: "@user_script", or the text that `loadstring` was given. */
  readonly origin: string;
  /** Line of the source by line of the generated code; negative where that is the call of a method. */
  readonly lines: readonly number[];
}

const chunks = new Map<number, Chunk>();
let nextNumber = 1;

/** Keeps a chunk. @returns its number */
export function addChunk(chunk: Chunk): number {
  chunks.set(nextNumber, chunk);
  return nextNumber++;
}

export function removeChunk(number: number): void {
  chunks.delete(number);
}

export function chunkAt(number: number): Chunk | null {
  return chunks.get(number) ?? null;
}
