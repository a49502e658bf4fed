import type { Messages } from './en';
import { app } from './zh-Hans/app';
import { chat } from './zh-Hans/chat';
import { commands } from './zh-Hans/commands';
import { models } from './zh-Hans/models';
import { settings } from './zh-Hans/settings';
import { states } from './zh-Hans/states';
import { suggest } from './zh-Hans/suggest';
import { write } from './zh-Hans/write';

export const zhHans: Messages = {
  ...app,
  ...chat,
  ...commands,
  ...models,
  ...settings,
  ...states,
  ...suggest,
  ...write,
};
