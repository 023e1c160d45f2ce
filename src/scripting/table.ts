/**
 * A table of Lua: a list for the keys 1, 2, 3, ..., and everything else under its key in the order in which it came.
 *
 *   list     values of the keys 1 .. list.length; undefined where one was taken away
 *   keys     the other keys, in order; a key whose value was taken away stays until the next growth, so that a traversal
 *   values     that deletes goes on undisturbed
 *   #places  where a key stands in `keys`, once there are more than a few
 *
 * The last value of the list is never nil after a change through `set`, so that the length of a list without holes costs
 * nothing. No key is ever a property of an object: names such as "__proto__" are strings like any other.
 */
import type { LuaValue } from "./values.ts";

/** Of all tables without keys; nobody changes it. */
const NO_VALUES: LuaValue[] = [];

/** Up to so many keys are searched one by one. */
const SEARCH_MAX = 8;

export class LuaTable {
  list: LuaValue[];
  keys: LuaValue[] = NO_VALUES;
  values: LuaValue[] = NO_VALUES;
  meta: LuaTable | null = null;
  /** Refuses every change. */
  readonly = false;
  #places: Map<LuaValue, number> | null = null;
  /** Values in `values` that are not nil. */
  #used = 0;

  /** @param list becomes the table's own; its last value may be nil, as in a constructor */
  constructor(list: LuaValue[] = []) {
    this.list = list;
  }

  /** A table with one key that is no number. */
  static of(key: string, value: LuaValue): LuaTable {
    const table = new LuaTable();
    table.keys = [key];
    table.values = [value];
    table.#used = 1;
    return table;
  }

  get(key: LuaValue): LuaValue {
    if (typeof key === "number") {
      // Of a fraction, a negative number or zero there is none.
      const value = this.list[key - 1];
      if (value !== undefined || this.#used === 0) return value;
    }
    return this.getKeyed(key);
  }

  /** The value of a key that is no position in the list. */
  getKeyed(key: LuaValue): LuaValue {
    const at = this.#find(key);
    return at === -1 ? undefined : this.values[at];
  }

  /** Sets a value, nil to take it away. @param key neither nil nor NaN */
  set(key: LuaValue, value: LuaValue): void {
    if (typeof key === "number") {
      const { list } = this;
      const at = key - 1;
      if (at >= 0 && at < list.length && Number.isInteger(at)) {
        if (value === undefined && key === list.length) this.#pop();
        else list[at] = value;
        return;
      }
      if (at === list.length) {
        if (value === undefined) return this.#setKeyed(key, undefined);
        list.push(value);
        if (this.#used > 0) this.#moveToList(key);
        return;
      }
    }
    this.#setKeyed(key, value);
  }

  /** Appends to the list. Only for a list without holes whose next key is not set. */
  push(value: LuaValue): void {
    if (value === undefined) return;
    this.list.push(value);
    if (this.#used > 0) this.#moveToList(this.list.length);
  }

  /** Sets the values of the keys from 1 on. @param values the last one may be nil, as in a constructor */
  setList(values: LuaValue[]): void {
    const { list } = this;
    for (let i = 0; i < values.length; i++) list[i] = values[i];
    if (this.#used === 0) return;
    for (const key of this.keys) {
      if (typeof key === "number" && key >= 1 && key <= list.length && Number.isInteger(key)) {
        this.#setKeyed(key, undefined);
      }
    }
  }

  /** A border, as Lua defines the length: a value that is not nil stands there, and none behind it. */
  get length(): number {
    const { list } = this;
    const { length } = list;
    if (length > 0 && list[length - 1] === undefined) return this.#borderWithin(length);
    if (this.#used === 0 || this.getKeyed(length + 1) === undefined) return length;
    let border = length + 1;
    while (this.getKeyed(border + 1) !== undefined) border++;
    return border;
  }

  /**
   * The place after a key in the order of traversal, 0 for the first: places up to `list.length` are those of the list.
   * @returns -1 if there is no such key
   */
  placeAfter(key: LuaValue): number {
    if (key === undefined) return 0;
    const { length } = this.list;
    if (typeof key === "number" && key >= 1 && key <= length && Number.isInteger(key)) return key;
    const at = this.#find(key);
    return at === -1 ? -1 : length + at + 1;
  }

  /** The first place from `place` on that has a value, or -1. */
  nextPlace(place: number): number {
    const { list, values } = this;
    const { length } = list;
    let at = place;
    for (; at < length; at++) if (list[at] !== undefined) return at;
    for (; at - length < values.length; at++) if (values[at - length] !== undefined) return at;
    return -1;
  }

  keyAt(place: number): LuaValue {
    const { length } = this.list;
    return place < length ? place + 1 : this.keys[place - length];
  }

  valueAt(place: number): LuaValue {
    const { length } = this.list;
    return place < length ? this.list[place] : this.values[place - length];
  }

  #find(key: LuaValue): number {
    const places = this.#places;
    if (places !== null) return places.get(key) ?? -1;
    const { keys } = this;
    for (let i = 0; i < keys.length; i++) if (keys[i] === key) return i;
    return -1;
  }

  #setKeyed(key: LuaValue, value: LuaValue): void {
    const at = this.#find(key);
    if (at >= 0) {
      const had = this.values[at] !== undefined;
      this.values[at] = value;
      if (had !== (value !== undefined)) this.#used += had ? -1 : 1;
      return;
    }
    if (value === undefined) return;
    if (this.keys === NO_VALUES) {
      this.keys = [];
      this.values = [];
    }
    const { keys } = this;
    // Growth is the moment to drop keys whose values are gone.
    if (keys.length >= SEARCH_MAX && (keys.length & (keys.length - 1)) === 0) this.#compact();
    this.#places?.set(key, this.keys.length);
    this.keys.push(key);
    this.values.push(value);
    this.#used++;
    if (this.#places === null && this.keys.length > SEARCH_MAX) this.#index();
  }

  #compact(): void {
    if (this.#used === this.keys.length) return;
    const { keys, values } = this;
    let to = 0;
    for (let from = 0; from < keys.length; from++) {
      if (values[from] === undefined) continue;
      keys[to] = keys[from];
      values[to++] = values[from];
    }
    keys.length = to;
    values.length = to;
    this.#places = null;
    if (to > SEARCH_MAX) this.#index();
  }

  #index(): void {
    this.#places = new Map();
    for (let i = 0; i < this.keys.length; i++) this.#places.set(this.keys[i], i);
  }

  /** The list has reached `key`, whose successors may stand under their keys. */
  #moveToList(key: number): void {
    // The key itself is in the list now.
    this.#setKeyed(key, undefined);
    for (let next = key + 1; ; next++) {
      const value = this.getKeyed(next);
      if (value === undefined) return;
      this.list.push(value);
      this.#setKeyed(next, undefined);
    }
  }

  /** Takes the last value of the list away, and those before it that are nil. */
  #pop(): void {
    const { list } = this;
    list.pop();
    while (list.length > 0 && list[list.length - 1] === undefined) list.pop();
  }

  #borderWithin(length: number): number {
    let low = 0;
    let high = length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.list[middle - 1] === undefined) high = middle;
      else low = middle;
    }
    return low;
  }
}
