/** What `roots diff` says of a live NixOS root after some days: no more than a person can act on, and what README.md shows. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STORE_LINKS, writeLivedInBlank, writeLivedInRoot } from '../fixtures/lived-in-root.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import type { Diff } from './contracts.ts';
import { roots } from './roots.ts';

const README = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8');

describe('roots diff of a root that was lived in', () => {
  let scratch: Scratch;
  let config: string[];
  beforeAll(() => {
    scratch = makeScratch();
    const at = (name: string): string => join(scratch.path, name);
    writeLivedInBlank(at('blank'));
    writeLivedInRoot(at('live'));
    mkdirSync(at('old_roots'));
    const target = `[targets.root]\nbackend = "directory"\nlive = "${at('live')}"\nblank = "${at('blank')}"\narchive = "${at('old_roots')}"\n`;
    writeFileSync(at('roots.toml'), target, { mode: 0o600 });
    config = ['--config', at('roots.toml')];
  });
  afterAll(() => scratch.remove());

  it('is about a screenful, with all that somebody would miss, and counts the links that it hides', async () => {
    const { status, stdout, stderr } = await roots(['diff', ...config]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.split('\n').length).toBeLessThan(60);
    for (const path of ['/home/alice/thesis.odt', '/home/alice/.ssh/', '/srv/backup.key', '/var/lib/postgresql/', '/etc/passwd'])
      expect(stdout).toContain(` ${path}`);
    expect(stdout).not.toContain('/nix/store');
    // What matters most is first, and what is made anew by itself last.
    expect(stdout.indexOf('/home/alice/')).toBeLessThan(stdout.indexOf('/etc/'));
    expect(stdout.indexOf('/etc/')).toBeLessThan(stdout.indexOf('/var/log/'));
    expect(stdout.indexOf('/var/log/')).toBeLessThan(stdout.indexOf('/tmp/'));
    const hidden = Number(/^Hidden: ([\d,]+) links that are made anew/m.exec(stdout)?.[1]?.replaceAll(',', ''));
    const all = (await roots(['diff', '--all', '--json', ...config])).json as Diff;
    const shown = (await roots(['diff', '--json', ...config])).json as Diff;
    expect(all.changes.filter(({ type }) => type === 'symlink')).toHaveLength(STORE_LINKS);
    expect(shown.changes.length + hidden).toBe(all.changes.length);
  });

  it('is what README.md shows', async () => {
    const { stdout } = await roots(['diff', ...config]);
    expect(README).toContain(`\n\`\`\`console\n$ roots diff\n${stdout}\`\`\`\n`);
  });
});
