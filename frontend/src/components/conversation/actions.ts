import type { Message } from '../../lib/api/types';

/** What can be done to a message; the view does it and keeps the focus. */
export interface MessageActions {
  edit(message: Message, on: boolean): void;
  save(message: Message, content: string): void;
  regenerate(message: Message, model?: string): void;
  goOn(message: Message): void;
  branch(sibling: string, step: number): void;
  fork(message: Message): void;
  remove(message: Message): void;
  copy(text: string): void;
}
