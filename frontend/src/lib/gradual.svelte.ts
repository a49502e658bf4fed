// A long list that is put on the page from its end, a slice a frame: what is read first is there at once, and no frame
// waits for what lies above it.

export class Gradual {
  /** The list that is being filled, and how many of its entries are left out so far. */
  #filled = $state.raw<{ list: unknown; left: number }>({ list: undefined, left: 0 });
  #frame = 0;

  constructor(
    private readonly first: number,
    private readonly slice: number,
  ) {}

  /** How many entries at the beginning of a list of `length` are not shown yet. */
  left(list: unknown, length: number): number {
    return this.#filled.list === list ? Math.min(this.#filled.left, length) : Math.max(0, length - this.first);
  }

  /** Begins to fill a list; `around` is called for each slice with the function that adds it. */
  fill(list: unknown, length: number, around: (add: () => void) => void): void {
    if (this.#filled.list === list || length === 0) return;
    cancelAnimationFrame(this.#frame);
    this.#filled = { list, left: Math.max(0, length - this.first) };
    const step = () => {
      const { left } = this.#filled;
      if (left === 0) return;
      around(() => (this.#filled = { list, left: Math.max(0, left - this.slice) }));
      this.#frame = requestAnimationFrame(step);
    };
    // The first paint comes before the first slice.
    this.#frame = requestAnimationFrame(() => (this.#frame = requestAnimationFrame(step)));
  }

  /** Shows all of it at once. */
  whole(list: unknown): void {
    cancelAnimationFrame(this.#frame);
    this.#filled = { list, left: 0 };
  }
}
