/** kill -9 at each step of what changes an archive, one after the other. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { requires } from '../support/requirements.ts';
import { SCENE_NAMES, makeKilling, type Killing } from './killing.ts';
import { roots, type Result } from './roots.ts';

const PRELOAD = fileURLToPath(new URL('kill-at.cjs', import.meta.url));

requires.btrfs('killed', () => {
  let killing: Killing;
  beforeAll(() => {
    killing = makeKilling();
  });
  afterAll(() => killing.close());

  it.each(SCENE_NAMES)('at each step of %s', { timeout: 900_000 }, async (name) => {
    const scene = killing.scenes.find((each) => each.name === name)!;
    const file = join(killing.scratch, 'steps');
    const seen = new Set<string>();
    for (let step = 1; ; step += 1) {
      await scene.prepare();
      rmSync(file, { force: true });
      const env = { ...scene.env, NODE_OPTIONS: `--require=${PRELOAD}`, ROOTS_KILL_AT: String(step), ROOTS_KILL_LOG: file };
      const run: Result = await roots([...scene.args, '--config', killing.config(scene)], { env });
      const steps = readFileSync(file, 'utf8').trimEnd().split('\n');
      if (run.signal === null) {
        expect(run.status, run.stderr).toBe(0);
        expect(step).toBeGreaterThan(steps.length);
        break;
      }
      seen.add(steps.at(-1)?.replace(/\d+/g, '') ?? '');
      await killing.expectFinished(scene, `killed at step ${String(step)}, ${steps.at(-1) ?? ''}`);
    }
    console.log(`killed: ${String(seen.size)} kinds of steps of ${name}`);
    expect(seen.size).toBeGreaterThan(6);
  });
});
