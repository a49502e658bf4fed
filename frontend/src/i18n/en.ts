import { app } from './en/app';
import { chat } from './en/chat';
import { commands } from './en/commands';
import { models } from './en/models';
import { settings } from './en/settings';
import { states } from './en/states';
import { suggest } from './en/suggest';
import { write } from './en/write';

/** The English catalogue; its keys and signatures are the type of every other one. */
export const en = { ...app, ...chat, ...commands, ...models, ...settings, ...states, ...suggest, ...write };

export type Messages = typeof en;
