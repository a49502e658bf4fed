import type { Message } from '../../lib/api/types';

/** Why a reply ended before the model was through; null when it was, or is still being written. */
export function endOf(message: Message): 'stopped' | 'interrupted' | 'failed' | 'length' | null {
  switch (message.status) {
    case 'stopped':
    case 'interrupted':
    case 'failed':
      return message.status;
    case 'done':
      return message.stats?.finish === 'length' ? 'length' : null;
    default:
      return null;
  }
}
