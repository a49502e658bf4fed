import { expect, it } from 'vitest';
import { listed, ruled } from './rules';

it('makes rules of lists, and lists of rules', () => {
  const rules = ruled([], 'gimp\n  \n gimp\nlibre*', 'code');
  expect(rules).toEqual([
    { apps: ['gimp'], suggest: false },
    { apps: ['libre*'], suggest: false },
    { apps: ['code'], suggest: true },
  ]);
  expect(listed(rules)).toEqual({ never: 'gimp\nlibre*', also: 'code' });
});

it('keeps what else was said of a program', () => {
  const before = [{ apps: ['chat', 'mail'], suggest: true, one_line: true }];
  expect(ruled(before, '', 'mail\nnew')).toEqual([
    { apps: ['mail'], suggest: true, one_line: true },
    { apps: ['new'], suggest: true },
  ]);
});
