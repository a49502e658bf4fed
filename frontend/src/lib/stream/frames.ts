import { FrameBatch } from './batch';

/** Milliseconds of a frame that queued work may take; the rest is left for layout and paint. */
const BUDGET = 6;

/** A piece of work; true when nothing of it is left. */
export type Job = () => boolean;

const queue: Job[] = [];
const batch = new FrameBatch(run);

function run(): void {
  const start = performance.now();
  while (queue.length && performance.now() - start < BUDGET) {
    const job = queue.shift()!;
    if (!job()) queue.push(job);
  }
  if (queue.length) batch.request();
}

/** Runs a job bit by bit at the next frames, never longer in one than a frame can bear. */
export function inFrames(job: Job): void {
  queue.push(job);
  batch.request();
}

/** Runs a job bit by bit while the page has nothing else to do. */
export function whenIdle(job: Job): void {
  // WebKit tells no idle time: there a little is done now and then.
  const later = (run: (left: () => number) => void) => {
    if ('requestIdleCallback' in window) requestIdleCallback((deadline) => run(() => deadline.timeRemaining()));
    else {
      setTimeout(() => {
        const end = performance.now() + BUDGET;
        run(() => end - performance.now());
      }, 30);
    }
  };
  const run = (left: () => number) => {
    while (left() > 3) if (job()) return;
    later(run);
  };
  later(run);
}
