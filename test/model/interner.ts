/**
 * Gives equal vectors of integers the same number, exactly: no hash is ever trusted alone.
 *
 * The checker keeps millions of states. Each is one vector of small numbers, which stand for larger things (a
 * line of memory, a thread's local state) that are interned themselves.
 */
export class Interner {
  readonly width: number;
  size = 0;
  private readonly chunks: Int32Array[] = [];
  private slots = new Int32Array(1 << 12);

  constructor(width: number) {
    this.width = width;
  }

  /** The number of this vector; numbers are given in the order of arrival, so a new one equals the former `size`. */
  add(vector: Int32Array, from = 0): number {
    if (this.size * 2 >= this.slots.length) this.grow();
    const mask = this.slots.length - 1;
    const { width, slots } = this;
    for (let slot = hash(vector, from, width) & mask; ; slot = (slot + 1) & mask) {
      const found = slots[slot]!;
      if (found === 0) {
        slots[slot] = this.size + 1;
        return this.append(vector, from);
      }
      if (this.equals(found - 1, vector, from)) return found - 1;
    }
  }

  copy(id: number, into: Int32Array, to = 0): void {
    const chunk = this.chunks[id >>> CHUNK]!;
    const at = (id & MASK) * this.width;
    for (let i = 0; i < this.width; i++) into[to + i] = chunk[at + i]!;
  }

  private equals(id: number, vector: Int32Array, from: number): boolean {
    const chunk = this.chunks[id >>> CHUNK]!;
    const at = (id & MASK) * this.width;
    for (let i = 0; i < this.width; i++) if (chunk[at + i] !== vector[from + i]) return false;
    return true;
  }

  private append(vector: Int32Array, from: number): number {
    const id = this.size++;
    if (id >>> CHUNK === this.chunks.length) this.chunks.push(new Int32Array(this.width << CHUNK));
    this.chunks[id >>> CHUNK]!.set(vector.subarray(from, from + this.width), (id & MASK) * this.width);
    return id;
  }

  private grow(): void {
    this.slots = new Int32Array(this.slots.length * 2);
    const mask = this.slots.length - 1;
    for (let id = 0; id < this.size; id++) {
      let slot = hash(this.chunks[id >>> CHUNK]!, (id & MASK) * this.width, this.width) & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = id + 1;
    }
  }
}

const CHUNK = 12;
const MASK = (1 << CHUNK) - 1;

function hash(vector: Int32Array, from: number, width: number): number {
  let value = 0;
  for (let i = from; i < from + width; i++) {
    value = Math.imul(value ^ vector[i]!, 0x9e3779b1);
    value ^= value >>> 15;
  }
  return value >>> 0;
}
