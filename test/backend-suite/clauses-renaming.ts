import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { fromBytes, fromText, joinPath, toBytes, type BytePath } from '../../src/byte-path.ts';
import { treeDigest } from '../fixtures/tree-digest.ts';
import { tool } from '../support/scratch.ts';
import { TAKEN } from './clauses-trash.ts';
import { atEachMoment, moments } from './moments.ts';
import { counting, everything, unmountEverywhere, type Scene } from './scene.ts';
import { discardOne, removeOne, trashedNamed, treeNamed } from './steps.ts';
import type { Clause } from './suite.ts';

const NAME = fromText('2026-11-10_08:00:00');
const [DAILY0, DAILY1, BETWEEN] = ['daily.0', 'daily.1', '.roots-rotate.0'].map(fromText) as [BytePath, BytePath, BytePath];

const inArchive = (scene: Scene, name: BytePath): BytePath => joinPath(fromText(scene.archive), name);

export const RENAMING: readonly Clause[] = [
  {
    sentence: 'rename: gives a tree another name, whatever bytes it is, and nothing else changes',
    test: async (scene) => {
      const content = treeDigest(scene.addTree(NAME));
      const backend = await scene.open();
      let tree = await treeNamed(backend, NAME);
      for (const name of [...['daily.0', '-rf', 'line\nbreak', 'x'.repeat(255)].map(fromText), fromBytes(Buffer.from([0xff, 0x0a]))]) {
        await backend.rename(tree, name);
        const renamed = await treeNamed(backend, name);
        if (scene.ground.capabilities.stableIdentity) expect(renamed).toEqual({ ...tree, name });
        expect(treeDigest(inArchive(scene, name))).toBe(content);
        expect((await backend.list()).trees).toHaveLength(2);
        tree = renamed;
      }
    },
  },
  {
    sentence: 'rename: two exchange their names by a third, and keep what they are known by; read-only ones too',
    unless: ({ capabilities }) => (capabilities.stableIdentity ? false : 'there are no identities but names'),
    test: async (scene) => {
      const digests = [DAILY0, DAILY1].map((name) => {
        const path = scene.addTree(name);
        scene.ground.makeReadOnly(path);
        return treeDigest(path);
      });
      const backend = await scene.open();
      const [one, other] = [await treeNamed(backend, DAILY0), await treeNamed(backend, DAILY1)];
      await backend.rename(one, BETWEEN);
      await backend.rename(other, DAILY0);
      await backend.rename({ ...one, name: BETWEEN }, DAILY1);
      expect([DAILY1, DAILY0].map((name) => treeDigest(inArchive(scene, name)))).toEqual(digests);
      expect([(await treeNamed(backend, DAILY1)).id, (await treeNamed(backend, DAILY0)).id]).toEqual([one.id, other.id]);
    },
  },
  {
    sentence: 'rename: never replaces anything, whatever has the name, and when it gets it; refuses what is mounted or exchanged',
    test: async (scene) => {
      const path = scene.addTree(NAME);
      const between = moments();
      const backend = await scene.open({ run: between.run });
      const tree = await treeNamed(backend, NAME);
      const to = inArchive(scene, DAILY0);
      let lastMoments = 0;
      for (const [what, plant] of TAKEN) {
        plant(scene, to);
        let taken = everything(scene);
        await expect(backend.rename(tree, DAILY0), what).rejects.toMatchObject({ kind: 'failed' });
        expect(everything(scene), what).toEqual(taken);
        rmSync(toBytes(to), { recursive: true });

        // Right before the last program, which renames.
        await atEachMoment(between, async (during) => {
          let isLast = false as boolean;
          let result = undefined as unknown;
          const act = (call: string): void => {
            isLast = call.startsWith('mv ');
            if (isLast) plant(scene, to);
            taken = everything(scene);
          };
          await during(act, async () => (result = await backend.rename(tree, DAILY0).catch((error: unknown) => error)));
          if (isLast) {
            expect(result, what).toMatchObject({ kind: 'failed' });
            expect(everything(scene), what).toEqual(taken);
            rmSync(toBytes(to), { recursive: true });
            lastMoments += 1;
          } else {
            await backend.rename(await treeNamed(backend, DAILY0), NAME);
            await backend.list();
          }
        });
      }
      expect(lastMoments).toBe(TAKEN.length);
      scene.ground.mountTree(path, scene.mountPoint());
      await expect(backend.rename(tree, DAILY0)).rejects.toThrow('it is mounted');
      await unmountEverywhere(scene);
      renameSync(toBytes(path), join(scene.mountPoint(), 'away'));
      scene.addTree(NAME);
      const before = everything(scene);
      await expect(backend.rename(tree, DAILY0)).rejects.toMatchObject({ kind: 'failed' });
      expect(everything(scene)).toEqual(before);
    },
  },
  {
    sentence: 'generation: changes with whatever is added, renamed or taken out, by anybody, and not by reading; starts no program',
    test: async (scene) => {
      const { run, calls } = counting();
      const backend = await scene.open({ run });
      await backend.appendLog(['begun']);
      const seen = new Set<string>();
      const at = (name: string): string => join(scene.archive, name);
      const changes: readonly (readonly [what: string, change: () => unknown])[] = [
        ['nothing', () => undefined],
        ['a tree', () => scene.addTree(NAME)],
        ['a file', () => writeFileSync(at('file'), '')],
        ['a rename', () => renameSync(at('file'), at('renamed'))],
        ['a file that goes', () => rmSync(at('renamed'))],
        ['discard', async () => discardOne(backend, await treeNamed(backend, NAME))],
        ['undelete', async () => backend.undelete(await trashedNamed(backend, NAME))],
        ['rename', async () => backend.rename(await treeNamed(backend, NAME), DAILY0)],
        ['remove', async () => removeOne(backend, await treeNamed(backend, DAILY0))],
      ];
      for (const [what, change] of changes) {
        // Of kernels before 6.13 a time is only as fine as their tick.
        await sleep(15);
        await change();
        const generation = backend.generation();
        expect(seen.has(generation), what).toBe(false);
        seen.add(generation);

        const { trees } = await backend.list();
        await backend.measure(trees);
        backend.readLog();
        await backend.appendLog(['more']);
        tool('ls', '-lAR', scene.archive);
        await sleep(15);
        calls.length = 0;
        expect(backend.generation(), what).toBe(generation);
        expect(calls).toEqual([]);
      }
      expect((await scene.open()).generation()).toBe(backend.generation());
    },
  },
  {
    sentence: 'generation: errors with `failed` if the archive is no longer where it was',
    test: async (scene) => {
      const backend = await scene.open();
      const away = join(scene.mountPoint(), 'away');
      renameSync(scene.archive, away);
      const gone = expect.objectContaining({ kind: 'failed' }) as Error;
      const generation = (): string => backend.generation();
      expect(generation).toThrow(gone);
      for (const plant of [
        () => mkdirSync(scene.archive),
        () => writeFileSync(scene.archive, ''),
        () => symlinkSync(scene.outside, scene.archive),
        () => symlinkSync('/nonexistent', scene.archive),
      ]) {
        plant();
        expect(generation).toThrow(gone);
        rmSync(scene.archive, { recursive: true });
      }
      renameSync(away, scene.archive);
      backend.generation();
    },
  },
];
