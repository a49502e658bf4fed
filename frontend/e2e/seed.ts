// Conversations with known words, brought in through the import, as a person would.
import type { ChatSummary } from '../src/lib/api/types';
import type { Qwill } from './qwill';

export interface Said {
  role: 'user' | 'assistant';
  content: string;
}

/** Imports one conversation in OpenAI's form; its id. */
export async function seed(qwill: Qwill, title: string, messages: Said[]): Promise<string> {
  const mapping: Record<string, unknown> = {
    root: { id: 'root', message: null, parent: null, children: messages.length ? ['m0'] : [] },
  };
  messages.forEach(({ role, content }, i) => {
    mapping[`m${i}`] = {
      id: `m${i}`,
      parent: i ? `m${i - 1}` : 'root',
      children: i + 1 < messages.length ? [`m${i + 1}`] : [],
      message: {
        id: `m${i}`,
        author: { role },
        create_time: 1_700_000_000 + i,
        recipient: 'all',
        content: { content_type: 'text', parts: [content] },
        metadata: {},
      },
    };
  });
  const conversation = {
    title,
    create_time: 1_700_000_000,
    update_time: 1_700_000_000 + messages.length,
    mapping,
    current_node: messages.length ? `m${messages.length - 1}` : 'root',
    conversation_id: crypto.randomUUID(),
  };
  const { imported, skipped } = (await qwill.call('POST', '/chats/import', [conversation])) as {
    imported: ChatSummary[];
    skipped: unknown[];
  };
  if (imported.length !== 1 || skipped.length) throw new Error(`not imported: ${JSON.stringify(skipped)}`);
  return imported[0]!.id;
}

/** One question and its answer. */
export const asked = (question: string, answer: string): Said[] => [
  { role: 'user', content: question },
  { role: 'assistant', content: answer },
];
