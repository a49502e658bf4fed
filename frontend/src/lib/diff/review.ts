import { isShortcut, type ShortcutId } from '../shortcuts';
import type { Fault, Reason, Segment } from '../api/types';

export type Decision = 'open' | 'accepted' | 'rejected';

export interface Change {
  /** Place among the changes, from 0. */
  index: number;
  old: string;
  new: string;
  decision: Decision;
  /** Why it may be wrong; such a change is accepted by itself only. */
  faults: readonly Fault[];
  /** What kind of change it is and why, where that is known. */
  why?: Reason;
}

export type Part = { kind: 'same'; text: string } | { kind: 'change'; change: Change };

/** Parts of a difference in reading order; changes are numbered in that order. */
export function partsOf(segments: readonly Segment[]): Part[] {
  let index = 0;
  return segments.map((s) =>
    s.kind === 'same'
      ? { kind: 'same', text: s.old }
      : {
          kind: 'change',
          change: {
            index: index++,
            old: s.old,
            new: s.new,
            decision: 'open',
            faults: s.faults ?? [],
            ...(s.why && { why: s.why }),
          },
        },
  );
}

/** What "accept all" takes: a change that carries a warning wants its own decision. */
export const acceptable = (change: Change): boolean => change.decision === 'open' && change.faults.length === 0;

const inForce = (change: Change): boolean => change.decision === 'accepted' || acceptable(change);

/** The text after the decisions; changes that are still open count as accepted, unless they carry a warning. */
export function resultOf(parts: readonly Part[]): string {
  return parts.map((p) => (p.kind === 'same' ? p.text : inForce(p.change) ? p.change.new : p.change.old)).join('');
}

/** The ids of the changes that are in force; a segment's id is its change's place from 1. */
export const acceptedIds = (parts: readonly Part[]): number[] =>
  parts.flatMap((p) => (p.kind === 'change' && inForce(p.change) ? [p.change.index + 1] : []));

/** The change to look at after deciding `from`: the next open one, going round; -1 when none is left. */
export function nextOpen(changes: readonly Change[], from: number): number {
  for (let step = 1; step <= changes.length; step++) {
    const i = (from + step) % changes.length;
    if (changes[i]!.decision === 'open') return i;
  }
  return -1;
}

const KEYS = {
  next: 'nextChange',
  previous: 'previousChange',
  first: 'firstChange',
  last: 'lastChange',
  accept: 'accept',
  acceptAll: 'acceptAll',
  reject: 'reject',
} as const satisfies Record<string, ShortcutId>;

export type Action = keyof typeof KEYS | null;

/** What a key does in the difference view. */
export function actionOf(event: KeyboardEvent): Action {
  return (Object.keys(KEYS) as (keyof typeof KEYS)[]).find((action) => isShortcut(event, KEYS[action])) ?? null;
}
