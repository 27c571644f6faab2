import { appendFileSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fromText } from '../../src/byte-path.ts';
import { tool } from '../support/scratch.ts';
import { SIBLING, type Scene } from './scene.ts';
import { removeOne, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';

const logOf = (scene: Scene): string => join(scene.archive, '.roots/log.jsonl');
const NAME = fromText('2026-11-10_08:00:00');

export const LOG: readonly Clause[] = [
  {
    sentence: 'appendLog, readLog: lines, oldest first, that the next opening reads too; the archive lists nothing of it',
    test: async (scene) => {
      const backend = await scene.open();
      expect(backend.readLog()).toEqual([]);
      const lines = ['{"name":"line\\nbreak"}', 'caf\u00e9 \u2028 \u{1f4a5}', '', 'x'.repeat(5000)];
      await backend.appendLog(lines);
      await backend.appendLog([]);
      await (await scene.open()).appendLog(['last']);
      expect(backend.readLog()).toEqual([...lines, 'last']);
      const { trees, trashed, others } = await backend.list();
      expect([...trees, ...trashed, ...others].map((each) => each.name)).toEqual([SIBLING]);
      expect(lstatSync(logOf(scene)).mode & 0o777).toBe(0o600);
      // On a plain directory there some boot snippets delete every subvolume beside it.
      if (scene.ground.capabilities.nestedTrees) expect(lstatSync(join(scene.archive, '.roots')).ino).toBe(256);
    },
  },
  {
    sentence: 'readLog: a line that was cut short by a power loss is left out, and the next ones are whole',
    test: async (scene) => {
      const backend = await scene.open();
      await backend.appendLog(['one', 'two']);
      appendFileSync(logOf(scene), '{"cut":"sho');
      expect(backend.readLog()).toEqual(['one', 'two']);
      await backend.appendLog(['three']);
      expect(backend.readLog().filter((line) => !line.includes('cut'))).toEqual(['one', 'two', 'three']);
    },
  },
  {
    sentence: 'readLog: the last few thousand lines; the log does not grow without end',
    test: async (scene) => {
      const backend = await scene.open();
      const batch = (first: number): string[] => Array.from({ length: 300 }, (_, at) => `${String(first + at)} `.padEnd(1000, 'x'));
      const numbers = (): number[] => backend.readLog().map((line) => Number.parseInt(line, 10));
      const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);
      for (let first = 0; first < 1200; first += 300) await backend.appendLog(batch(first));
      expect(existsSync(join(scene.archive, '.roots/log.1.jsonl'))).toBe(false);
      await backend.appendLog(batch(1200));
      expect(numbers()).toEqual(range(0, 1500));
      for (let first = 1500; first < 3000; first += 300) await backend.appendLog(batch(first));
      expect(numbers().at(-1)).toBe(2999);
      expect(numbers()).toEqual(range(numbers()[0] ?? 0, 3000));
      expect(numbers().length).toBeGreaterThan(1048);
      expect(numbers().length).toBeLessThan(3000);
    },
  },
  {
    sentence: 'readLog: of a log that is far too long only the end, and soon; it goes on after it',
    test: async (scene) => {
      const backend = await scene.open();
      await backend.appendLog(['one']);
      truncateSync(logOf(scene), 600 << 20);
      appendFileSync(logOf(scene), '\nlast\n');
      const begun = process.hrtime.bigint();
      const before = process.memoryUsage.rss();
      expect(backend.readLog()).toEqual(['last']);
      // Reading all of it takes more than both.
      expect(Number(process.hrtime.bigint() - begun) / 1e6).toBeLessThan(2000);
      expect(process.memoryUsage.rss() - before).toBeLessThan(200 << 20);
      await backend.appendLog(['more']);
      expect(backend.readLog()).toEqual(['last', 'more']);
    },
  },
  {
    sentence:
      'appendLog: errors with `failed` where something else is in its place, which is neither followed nor changed; nothing else breaks',
    test: async (scene) => {
      const backend = await scene.open();
      await backend.appendLog(['one']);
      const [state, log] = [join(scene.archive, '.roots'), logOf(scene)];
      writeFileSync(join(scene.outside, 'log.jsonl'), 'theirs\n');
      const plants: readonly (readonly [what: string, plant: () => unknown])[] = [
        ['a link to a file', () => symlinkSync(join(scene.outside, 'log.jsonl'), log)],
        ['a link to a file that is not there', () => symlinkSync(join(scene.outside, 'fresh'), log)],
        ['a directory', () => mkdirSync(log)],
        ['a pipe', () => tool('mkfifo', log)],
        [
          'a link in place of the folder',
          () => {
            rmSync(state, { recursive: true });
            symlinkSync(scene.outside, state);
          },
        ],
        [
          'a file in place of the folder',
          () => {
            rmSync(state);
            writeFileSync(state, '');
          },
        ],
      ];
      for (const [what, plant] of plants) {
        if (lstatSync(state).isDirectory()) rmSync(log, { recursive: true, force: true });
        plant();
        expect(backend.readLog(), what).toEqual([]);
        await expect(backend.appendLog(['more']), what).rejects.toMatchObject({ name: 'RootsError', kind: 'failed' });
        expect(readFileSync(join(scene.outside, 'log.jsonl'), 'utf8'), what).toBe('theirs\n');
        expect(existsSync(join(scene.outside, 'fresh')), what).toBe(false);
        await backend.list();
      }
      rmSync(state);
      await backend.appendLog(['again']);
      expect(backend.readLog()).toEqual(['again']);
    },
    changesBeside: true,
  },
  {
    sentence: 'appendLog: a link in place of the older log is replaced and not followed',
    test: async (scene) => {
      const backend = await scene.open();
      await backend.appendLog(['x'.repeat(1 << 20)]);
      symlinkSync(join(scene.outside, 'secret'), join(scene.archive, '.roots/log.1.jsonl'));
      expect(backend.readLog()).toHaveLength(1);
      await backend.appendLog(['more']);
      expect(backend.readLog().map((line) => line.length)).toEqual([1 << 20, 4]);
      scene.addTree(NAME);
      await removeOne(backend, await treeNamed(backend, NAME));
    },
  },
];
