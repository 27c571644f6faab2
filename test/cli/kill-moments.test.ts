/** kill -9 at random moments of what changes an archive. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { requires } from '../support/requirements.ts';
import { makeKilling, type Killing } from './killing.ts';
import { roots } from './roots.ts';

const ROUNDS = 200;

requires.btrfs('killed', () => {
  let killing: Killing;
  beforeAll(() => {
    killing = makeKilling();
  });
  afterAll(() => killing.close());

  it(`at ${String(ROUNDS)} random moments`, { timeout: 900_000 }, async () => {
    let killed = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const scene = killing.scenes[round % killing.scenes.length]!;
      await scene.prepare();
      const delay = 60 + Math.random() * 440;
      const run = await roots([...scene.args, '--config', killing.config(scene)], {
        env: scene.env,
        onStart: (child) => {
          void sleep(delay).then(() => child.kill('SIGKILL'));
        },
      });
      if (run.signal !== null) killed += 1;
      await killing.expectFinished(scene, `killed after ${delay.toFixed(1)} ms, round ${String(round)}`);
    }
    console.log(`killed: ${String(killed)} of ${String(ROUNDS)} runs, the others had ended`);
    expect(killed).toBeGreaterThan(ROUNDS / 4);
  });
});
