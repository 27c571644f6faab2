import { appendFileSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fromText, toText } from '../../src/byte-path.ts';
import { tool } from '../support/scratch.ts';
import { SIBLING, type Scene } from './scene.ts';
import { removeOne, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';

const NAME = fromText('2026-11-10_08:00:00');

/** The folder and the file that the log is in, which are in the archive's own files. */
function withLog<T>(scene: Scene, use: (log: string, state: string) => T): T {
  return scene.ground.within(fromText(scene.archive), (at) => use(join(toText(at), '.roots/log.jsonl'), join(toText(at), '.roots')));
}

export const LOG: readonly Clause[] = [
  {
    sentence: 'appendLog, readLog: lines, oldest first, that the next opening reads too; the archive lists nothing of it',
    test: async (scene) => {
      const backend = await scene.open();
      expect(await backend.readLog()).toEqual([]);
      const lines = ['{"name":"line\\nbreak"}', 'caf\u00e9 \u2028 \u{1f4a5}', '', 'x'.repeat(5000)];
      await backend.appendLog(lines);
      await backend.appendLog([]);
      await (await scene.open()).appendLog(['last']);
      expect(await backend.readLog()).toEqual([...lines, 'last']);
      const { trees, trashed, others } = await backend.list();
      expect([...trees, ...trashed, ...others].map((each) => each.name)).toEqual([SIBLING]);
      withLog(scene, (log) => expect(lstatSync(log).mode & 0o777).toBe(0o600));
    },
  },
  {
    sentence: 'appendLog: the folder that it is in is a subvolume, where boot snippets delete all those beside a plain directory',
    unless: ({ stateIsSubvolume }) => (stateIsSubvolume ? false : 'no boot snippet does that there'),
    test: async (scene) => {
      const backend = await scene.open();
      await backend.appendLog(['one']);
      withLog(scene, (_, state) => expect(lstatSync(state).ino).toBe(256));
    },
  },
  {
    sentence: 'readLog: a line that was cut short by a power loss is left out, and the next ones are whole',
    test: async (scene) => {
      const backend = await scene.open();
      await backend.appendLog(['one', 'two']);
      withLog(scene, (log) => appendFileSync(log, '{"cut":"sho'));
      expect(await backend.readLog()).toEqual(['one', 'two']);
      await backend.appendLog(['three']);
      expect((await backend.readLog()).filter((line) => !line.includes('cut'))).toEqual(['one', 'two', 'three']);
    },
  },
  {
    sentence: 'readLog: the last few thousand lines; the log does not grow without end',
    test: async (scene) => {
      const backend = await scene.open();
      const batch = (first: number): string[] => Array.from({ length: 300 }, (_, at) => `${String(first + at)} `.padEnd(1000, 'x'));
      const numbers = async (): Promise<number[]> => (await backend.readLog()).map((line) => Number.parseInt(line, 10));
      const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);
      for (let first = 0; first < 1200; first += 300) await backend.appendLog(batch(first));
      withLog(scene, (_, state) => expect(existsSync(join(state, 'log.1.jsonl'))).toBe(false));
      await backend.appendLog(batch(1200));
      expect(await numbers()).toEqual(range(0, 1500));
      for (let first = 1500; first < 3000; first += 300) await backend.appendLog(batch(first));
      const left = await numbers();
      expect(left).toEqual(range(left[0] ?? 0, 3000));
      expect(left.length).toBeGreaterThan(1048);
      expect(left.length).toBeLessThan(3000);
    },
  },
  {
    sentence: 'readLog: of a log that is far too long only the end is read; it goes on after it',
    test: async (scene) => {
      const backend = await scene.open();
      await backend.appendLog(['one']);
      withLog(scene, (log) => {
        truncateSync(log, 600 << 20);
        appendFileSync(log, '\nlast\n');
      });
      // KiB, the most that it ever was: reading all of it takes more.
      const before = process.resourceUsage().maxRSS;
      expect(await backend.readLog()).toEqual(['last']);
      expect(process.resourceUsage().maxRSS - before).toBeLessThan(200 << 10);
      await backend.appendLog(['more']);
      expect(await backend.readLog()).toEqual(['last', 'more']);
    },
  },
  {
    sentence:
      'appendLog: errors with `failed` where something else is in its place, which is neither followed nor changed; nothing else breaks',
    test: async (scene) => {
      const backend = await scene.open();
      await backend.appendLog(['one']);
      writeFileSync(join(scene.outside, 'log.jsonl'), 'theirs\n');
      const plants: readonly (readonly [what: string, plant: (log: string, state: string) => unknown])[] = [
        ['a link to a file', (log) => symlinkSync(join(scene.outside, 'log.jsonl'), log)],
        ['a link to a file that is not there', (log) => symlinkSync(join(scene.outside, 'fresh'), log)],
        ['a directory', (log) => mkdirSync(log)],
        ['a pipe', (log) => tool('mkfifo', log)],
        [
          'a link in place of the folder',
          (_, state) => {
            rmSync(state, { recursive: true });
            symlinkSync(scene.outside, state);
          },
        ],
        [
          'a file in place of the folder',
          (_, state) => {
            rmSync(state);
            writeFileSync(state, '');
          },
        ],
      ];
      for (const [what, plant] of plants) {
        withLog(scene, (log, state) => {
          if (lstatSync(state).isDirectory()) rmSync(log, { recursive: true, force: true });
          plant(log, state);
        });
        expect(await backend.readLog(), what).toEqual([]);
        await expect(backend.appendLog(['more']), what).rejects.toMatchObject({ name: 'RootsError', kind: 'failed' });
        expect([await backend.tidy(), await backend.sweep(() => true)], what).toEqual([[], []]);
        expect(readFileSync(join(scene.outside, 'log.jsonl'), 'utf8'), what).toBe('theirs\n');
        expect(existsSync(join(scene.outside, 'fresh')), what).toBe(false);
        await backend.list();
      }
      withLog(scene, (_, state) => rmSync(state));
      await backend.appendLog(['again']);
      expect(await backend.readLog()).toEqual(['again']);
    },
    changesBeside: true,
  },
  {
    sentence: 'appendLog: a link in place of the older log is replaced and not followed',
    test: async (scene) => {
      const backend = await scene.open();
      await backend.appendLog(['x'.repeat(1 << 20)]);
      withLog(scene, (_, state) => symlinkSync(join(scene.outside, 'secret'), join(state, 'log.1.jsonl')));
      expect(await backend.readLog()).toHaveLength(1);
      await backend.appendLog(['more']);
      expect((await backend.readLog()).map((line) => line.length)).toEqual([1 << 20, 4]);
      scene.addTree(NAME);
      await removeOne(backend, await treeNamed(backend, NAME));
    },
  },
];
