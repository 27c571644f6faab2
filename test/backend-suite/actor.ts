/** What a process of its own does for the suite; see processes.ts. */
import { fromText } from '../../src/byte-path.ts';
import { openBackend } from '../../src/backend/detect.ts';
import { PrivateMountPool } from '../../src/system/private-mount.ts';
import { run, type Run } from '../../src/system/run.ts';
import type { Task } from './processes.ts';
import { removeOne } from './steps.ts';

const task = JSON.parse(process.argv[2] ?? '') as Task;
let started = 0;
let armed = false;
const counted: Run = (program, args, options) => {
  const result = run(program, args, options);
  if (armed) started += 1;
  if (armed && started === task.killAfter) process.kill(process.pid, 'SIGKILL');
  return result;
};

const privateMounts = new PrivateMountPool(counted, 'write');
const backend = await openBackend(task.location, { run: counted, signal: new AbortController().signal, privateMounts });
switch (task.action) {
  case 'open':
    await backend.list();
    hold();
    break;
  case 'lock':
    await backend.lock('exclusive');
    hold();
    break;
  case 'remove': {
    await backend.lock('exclusive');
    const trees = (await backend.list()).trees.filter((each) => task.names?.map(fromText).includes(each.name));
    if (trees.length !== task.names?.length) throw new Error('not listed');
    armed = true;
    await backend.remove(trees);
    console.log(`after ${String(started)} programs`);
    await close();
    break;
  }
  case 'tour': {
    const lock = await backend.lock('exclusive');
    const before = await backend.list();
    const [first, second] = [...before.trees].sort((a, b) => (a.name < b.name ? -1 : 1));
    if (first === undefined || second === undefined) throw new Error('two trees are wanted');
    await backend.setPin(first, { note: 'mine', at: new Date(0) });
    const refusal = await removeOne(backend, first).then(
      () => 'removed',
      (error: unknown) => String(error),
    );
    const report = await removeOne(backend, second);
    const after = await backend.list();
    await lock.release();
    console.log(
      JSON.stringify({
        uid: process.geteuid?.(),
        before: before.trees.length,
        refusal,
        report,
        after: after.trees.map((tree) => tree.name),
      }),
    );
    await close();
    break;
  }
}

function hold(): void {
  console.log('ready');
  setInterval(() => undefined, 1000);
}

async function close(): Promise<void> {
  await backend.close();
  await privateMounts.close();
}
