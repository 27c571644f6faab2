import { expect } from 'vitest';
import { tool } from '../support/scratch.ts';
import { openAt } from './open-at.ts';
import { ready, startActor, until } from './processes.ts';
import { lockWhenFree } from './steps.ts';
import type { Clause } from './suite.ts';

export const LOCKING: readonly Clause[] = [
  {
    sentence: 'lock: a second one fails with `locked`, naming the process that holds it, through another private mount too',
    test: async (scene) => {
      const holder = await ready(startActor({ location: scene.location, action: 'lock' }));
      try {
        const backend = await scene.open();
        await expect(backend.lock('exclusive')).rejects.toMatchObject({
          kind: 'locked',
          message: expect.stringContaining(`(process ${String(holder.pid)})`) as string,
        });
      } finally {
        await holder.kill();
      }
    },
  },
  {
    sentence: 'lock: in one process too; it is free after `release` and after `close`, which are idempotent',
    test: async (scene) => {
      const [one, other] = [await scene.open(), await scene.open()];
      const lock = await one.lock('exclusive');
      await expect(other.lock('exclusive')).rejects.toMatchObject({ kind: 'locked' });
      await lock.release();
      await lock.release();
      await other.lock('exclusive');
      await expect(one.lock('exclusive')).rejects.toMatchObject({ kind: 'locked' });
      await other.close();
      await other.close();
      await (await one.lock('exclusive')).release();
      await one.close();
    },
  },
  {
    sentence: 'lock: a killed process cannot leave it behind',
    test: async (scene) => {
      const holder = await ready(startActor({ location: scene.location, action: 'lock' }));
      const backend = await scene.open();
      await expect(backend.lock('exclusive')).rejects.toMatchObject({ kind: 'locked' });
      await holder.kill('SIGKILL');
      await (await lockWhenFree(backend)).release();
    },
  },
  {
    sentence: 'lock: is of the archive, so that two names for one archive exclude each other',
    unless: ({ archive }) => (archive === 'dataset' ? 'a dataset has one name' : false),
    test: async (scene) => {
      const at = scene.mountPoint();
      tool('mount', '--bind', scene.base, at);
      const { backend: other, close } = await openAt(
        scene.ground.location({ live: `${at}/root`, blank: `${at}/root-blank`, archive: `${at}/old_roots` }),
      );
      try {
        const lock = await (await scene.open()).lock('exclusive');
        await expect(other.lock('exclusive')).rejects.toMatchObject({ kind: 'locked' });
        await lock.release();
        await (await other.lock('exclusive')).release();
      } finally {
        await close();
      }
    },
  },
  {
    sentence: 'close: a killed process leaves no mount and no program behind',
    test: async (scene) => {
      const pids = (): string[] => processesOf(actor.pid);
      const actor = await ready(startActor({ location: scene.location, action: 'lock' }));
      const keepers = pids();
      expect(keepers.length).toBeGreaterThan(0);
      await actor.kill('SIGKILL');
      await until('its keepers to go', () => keepers.every((pid) => !isRunning(pid)));
    },
  },
];

function processesOf(parent: number): string[] {
  return tool('ps', '-o', 'pid=', '--ppid', String(parent))
    .split('\n')
    .map((pid) => pid.trim())
    .filter((pid) => pid !== '');
}

function isRunning(pid: string): boolean {
  try {
    return !tool('ps', '-o', 'stat=', '-p', pid).startsWith('Z');
  } catch {
    return false;
  }
}
