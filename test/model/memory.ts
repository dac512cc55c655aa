/** The memory of the state at hand, and how to take back what was done to it. */

import { ReductionChanged } from './reduction.ts';

export const LINE = 64;
export const LINE_WORDS = LINE / 4;

export class SharedMemory {
  readonly view: DataView;
  readonly words: Int32Array;
  /** Those lines that are written: only they become part of the states. */
  readonly lines: number[];
  /** Which of `lines` a line is, or -1. */
  private readonly indices: Int32Array;
  /** Word and value, two at a time. */
  private readonly undo: number[] = [];

  constructor(image: Uint8Array, lines: number[]) {
    const buffer = image.slice().buffer;
    this.view = new DataView(buffer);
    this.words = new Int32Array(buffer);
    this.lines = lines;
    this.indices = new Int32Array(this.words.length / LINE_WORDS).fill(-1);
    for (const [i, line] of lines.entries()) this.indices[line] = i;
  }

  /** Before these bytes are written. */
  save(address: number, bytes: number): void {
    for (let word = address >> 2; word <= (address + bytes - 1) >> 2; word++) {
      const line = word >> 4;
      if (this.indices[line] === -1) {
        this.lines.push(line);
        throw new ReductionChanged();
      }
      this.undo.push(word, this.words[word]!);
    }
  }

  /** How much there is to take back. */
  get mark(): number {
    return this.undo.length;
  }

  rollback(mark: number): void {
    while (this.undo.length > mark) {
      const value = this.undo.pop()!;
      this.words[this.undo.pop()!] = value;
    }
  }

  /** The line that was saved at this place, an even one below `mark`. */
  lineAt(place: number): number {
    return this.undo[place]! >> 4;
  }

  /** Its place among `lines`; -1 when it is not among them. */
  indexOf(line: number): number {
    return this.indices[line]!;
  }
}
