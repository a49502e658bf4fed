/**
 * Runs `flush` at most once per animation frame, however often it is asked.
 * A hidden page gets no frames, so a timer stands in for them there.
 */
export class FrameBatch {
  #pending = false;
  #frame = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly flush: () => void) {}

  request(): void {
    if (this.#pending) return;
    this.#pending = true;
    this.#frame = requestAnimationFrame(this.#run);
    this.#timer = setTimeout(this.#run, 250);
  }

  /** Flushes now if something is pending. */
  now(): void {
    if (this.#pending) this.#run();
  }

  cancel(): void {
    this.#pending = false;
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
  }

  #run = () => {
    this.cancel();
    this.flush();
  };
}
