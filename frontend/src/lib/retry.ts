/** Waits before the next try: 0.3 s, doubling up to 5 s. Ends early when aborted. */
export function backoff(attempt: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, Math.min(5000, 300 * 2 ** Math.min(attempt, 5)));
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
