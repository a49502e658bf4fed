/** The largest file in bytes that is read as a text into a message. */
export const FILE_LIMIT = 2_000_000;

/** What file dialogs offer; anything else that holds text can still be dropped. */
export const TEXT_FILES = 'text/*,.md,.markdown,.txt,.csv,.tsv,.json,.log,.tex,.srt,.yaml,.yml,.toml,.xml';

/** The text of a file, or why it is not taken. */
export async function readText(file: File): Promise<{ text: string } | { refused: 'large' | 'binary' }> {
  if (file.size > FILE_LIMIT) return { refused: 'large' };
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
    if (text.includes('\0')) return { refused: 'binary' };
    return { text: text.replaceAll('\r\n', '\n') };
  } catch {
    return { refused: 'binary' };
  }
}
