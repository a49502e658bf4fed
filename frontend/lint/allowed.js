// What the checks let pass, each with its reason. An entry that nothing needs any more is reported.

/** Literals outside the catalogues: where, what, why. */
export const LITERALS = [
  { file: /./, text: /^(English|简体中文)$/, why: 'a language is listed under its own name' },
  { file: /./, text: /^qwill [\w -]+$/, why: 'a command to type' },
  { file: /./, text: /^\(Esc\)$/, why: 'the name of a key' },
  { file: /^lib\/settings\.ts$/, text: /./, why: 'words that find a setting in either language; never shown' },
  { file: /^lib\/router/, text: /^\?m=$/, why: 'a part of an address' },
];

/** Names, keys and units that Chinese texts keep in Latin letters. */
export const NAMES = [
  ...['Qwill', 'Qwen', 'MLX', 'GGUF', 'SmolLM', 'Hugging', 'Face', 'ModelScope', 'LM', 'Studio', 'OpenAI', 'ChatGPT'],
  ...['Markdown', 'JSON', 'ZIP', 'HTML', 'Apache', 'QWILL_API_KEY'],
  ...['Ctrl', 'Control', 'Alt', 'Option', 'Command', 'Shift', 'Esc', 'Tab', 'Mac', 'Linux'],
  ...['Top-k', 'Top-p', 'Min-p'], // as every model's page names them
  'models', // a folder
];

/** English entries that look like a count and are none, or whose noun is always in the plural. */
export const ALWAYS_PLURAL = [
  { key: 'chat.reading', why: '“of N tokens”: a prompt has dozens at least' },
  { key: 'context.used', why: '“of N tokens”: a context has thousands' },
  { key: 'model.context', why: 'a context has thousands of tokens' },
  { key: 'stats.rate', why: 'a unit, tokens/s' },
  { key: 'sidebar.undoSpoken', why: 'names of keys and a verb' },
  { key: 'draft.keys', why: 'names of keys and verbs' },
  { key: 'settings.sendMod', why: 'names of keys and a verb' },
];

/** Keys that are used by a name made at run time. */
export const USED = [];
