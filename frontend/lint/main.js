// npm run i18n: every word of the page stands in the catalogues, in every language.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as allowed from './allowed.js';
import { check } from './check.js';
import { sources } from './source.js';

const here = dirname(fileURLToPath(import.meta.url));
const found = check(sources(join(here, '..', 'src')), allowed);
for (const { file, line, rule, text } of found) console.error(`frontend/src/${file}:${line}: ${rule}: ${text}`);
if (found.length) {
  console.error(
    `${found.length} found. Words belong into frontend/src/i18n; what does not, into frontend/lint/allowed.js.`,
  );
  process.exit(1);
}
