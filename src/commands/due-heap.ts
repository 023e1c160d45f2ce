/**
 * What falls due at some time, the earliest first: a binary heap whose members know their place in it, so that one that is
 * no longer awaited leaves it at once and not when its time comes.
 */
export interface Due {
  /** Unix time in ms. */
  readonly dueMs: number;
  /** Index in the heap, or -1 outside. */
  place: number;
}

export class DueHeap<T extends Due> {
  readonly #heap: T[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** The member that falls due first. */
  get first(): T | undefined {
    return this.#heap[0];
  }

  add(member: T): void {
    this.#heap.push(member);
    this.#rise(member, this.#heap.length - 1);
  }

  /** Takes a member out; nothing happens if it is not in. */
  remove(member: T): void {
    const { place } = member;
    if (place === -1) return;
    member.place = -1;
    const last = this.#heap.pop()!;
    if (last === member) return;
    this.#rise(last, place);
    this.#sink(last, last.place);
  }

  #rise(member: T, from: number): void {
    const heap = this.#heap;
    let place = from;
    while (place > 0) {
      const above = (place - 1) >>> 1;
      const parent = heap[above]!;
      if (parent.dueMs <= member.dueMs) break;
      this.#put(parent, place);
      place = above;
    }
    this.#put(member, place);
  }

  #sink(member: T, from: number): void {
    const heap = this.#heap;
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && heap[below + 1]!.dueMs < heap[below]!.dueMs) below++;
      const child = heap[below]!;
      if (child.dueMs >= member.dueMs) break;
      this.#put(child, place);
      place = below;
    }
    this.#put(member, place);
  }

  #put(member: T, place: number): void {
    this.#heap[place] = member;
    member.place = place;
  }
}
