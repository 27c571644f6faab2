import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromText } from '../../../src/byte-path.ts';
import { isMadeByNixOS, readUnitFile, removeUnitFile, replaceableByOthers, writeUnitFile } from '../../../src/system/unit-files.ts';
import { requires } from '../../support/requirements.ts';
import { withScratch } from '../../support/scratch.ts';

describe('a unit file', () => {
  it('is written as a whole, for all to read whatever the umask, and replaced', async () => {
    await withScratch(({ path }) => {
      const file = join(path, 'a.service');
      const before = process.umask(0o077);
      try {
        writeUnitFile(fromText(file), 'one\n');
        writeUnitFile(fromText(file), 'two\n');
      } finally {
        process.umask(before);
      }
      expect(readFileSync(file, 'utf8')).toBe('two\n');
      expect(statSync(file).mode & 0o7777).toBe(0o644);
      expect(readdirSync(path).filter((name) => name.includes('a.service'))).toEqual(['a.service']);
    });
  });

  it('does not write through a link that lies in wait', async () => {
    await withScratch(({ path }) => {
      writeFileSync(join(path, 'other'), 'other');
      symlinkSync(join(path, 'other'), join(path, '.a.service.new'));
      writeUnitFile(fromText(join(path, 'a.service')), 'text');
      expect(readFileSync(join(path, 'other'), 'utf8')).toBe('other');
      expect(readUnitFile(fromText(join(path, 'a.service')))).toEqual({ text: 'text' });
    });
  });

  it('is left as it was, and nothing beside it, if it cannot be written', async () => {
    await withScratch(({ path }) => {
      mkdirSync(join(path, 'a.service', 'full'), { recursive: true });
      expect(() => {
        writeUnitFile(fromText(join(path, 'a.service')), 'text');
      }).toThrow(expect.objectContaining({ kind: 'failed', message: expect.stringContaining('a.service cannot be written') as string }));
      expect(readdirSync(path)).not.toContain('.a.service.new');
      expect(() => {
        writeUnitFile(fromText(join(path, 'nowhere/a.service')), 'text');
      }).toThrow(expect.objectContaining({ kind: 'failed' }));
    });
  });

  it('is read only where it is a plain file', async () => {
    await withScratch(({ path }) => {
      symlinkSync('/dev/null', join(path, 'masked.service'));
      expect(readUnitFile(fromText(join(path, 'masked.service')))).toEqual({ text: null });
      expect(readUnitFile(fromText(join(path, 'none.service')))).toBeUndefined();
      removeUnitFile(fromText(join(path, 'masked.service')));
      expect(readdirSync(path)).not.toContain('masked.service');
      expect(() => {
        removeUnitFile(fromText(join(path, 'none.service')));
      }).toThrow(expect.objectContaining({ kind: 'failed' }));
    });
  });
});

describe('/etc is made by NixOS', () => {
  it.each(['NIXOS', 'static'])('where there is /etc/%s', async (mark) => {
    await withScratch(({ path }) => {
      const [etc, units] = [join(path, 'etc'), join(path, 'etc/systemd/system')];
      mkdirSync(units, { recursive: true });
      expect(isMadeByNixOS(fromText(etc), fromText(units))).toBe(false);
      writeFileSync(join(etc, mark), '');
      expect(isMadeByNixOS(fromText(etc), fromText(units))).toBe(true);
    });
  });

  it('where the units are in its store', () => {
    expect(isMadeByNixOS(fromText('/nonexistent'), fromText('/nix/store/x-system-units'))).toBe(true);
    expect(isMadeByNixOS(fromText('/nonexistent'), fromText('/nix/storage'))).toBe(false);
  });
});

requires.root('what others could replace', () => {
  it('is named: the file itself, or a directory that it is in', async () => {
    await withScratch(({ path }) => {
      const [folder, file] = [join(path, 'a/b'), join(path, 'a/b/roots')];
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, '');
      chmodSync(file, 0o755);
      expect(replaceableByOthers(fromText(file))).toBeNull();
      chmodSync(file, 0o775);
      expect(replaceableByOthers(fromText(file))).toBe(file);
      chmodSync(file, 0o755);
      chownSync(join(path, 'a'), 1000, 1000);
      expect(replaceableByOthers(fromText(file))).toBe(join(path, 'a'));
      chownSync(join(path, 'a'), 0, 0);
      chmodSync(folder, 0o1777);
      expect(replaceableByOthers(fromText(file))).toBeNull();
      symlinkSync(file, join(path, 'link'));
      chmodSync(folder, 0o777);
      expect(replaceableByOthers(fromText(join(path, 'link')))).toBe(folder);
    });
  });
});
