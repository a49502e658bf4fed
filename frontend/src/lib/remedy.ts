// The one button beside an error: what a person can do about it, by the error's code.
import { api } from './api/client';
import { router } from './router.svelte';
import { ui } from '../stores/ui.svelte';

export type Remedy = 'retry' | 'models' | 'privacy' | 'newChat' | 'doctor';

const REMEDIES: Record<string, Remedy> = {
  no_model: 'models',
  model_missing: 'models',
  model_unknown: 'models',
  model_damaged: 'models',
  architecture_unsupported: 'models',
  memory: 'models',
  offline_switch: 'privacy',
  too_long: 'newChat',
  engine_unavailable: 'doctor',
  database: 'doctor',
  database_newer: 'doctor',
};

/** What would be tried again in vain. */
const FINAL = new Set(['invalid', 'not_found', 'conflict', 'unauthorized', 'forbidden', 'cancelled', 'too_large']);

/** `retry` is offered only where the caller can run the action again. */
export function remedyOf(code: string, canRetry: boolean): Remedy | null {
  const known = REMEDIES[code];
  if (known) return known;
  return canRetry && !FINAL.has(code) ? 'retry' : null;
}

/** Carries out a remedy other than `retry`, in the main window. */
export function remedy(which: Exclude<Remedy, 'retry'>): void {
  if (router.route.name === 'prompt') {
    router.toMain();
    api.window('main').catch(() => undefined); // in a browser the page itself has changed
  }
  if (which === 'models') router.go({ name: 'models' });
  else if (which === 'privacy') ui.openSettings('privacy', 'offline');
  else if (which === 'doctor') ui.openSettings('about', 'doctor');
  else router.go({ name: 'chat', id: null });
}
