/** Copies FROM/NAME to TO/NAME and kills itself as soon as it has started its Nth program, or, when there are fewer, never. */
import { fromText } from '../../../src/byte-path.ts';
import { placeBeneath } from '../../../src/system/beneath.ts';
import { run, type Run } from '../../../src/system/run.ts';
import { copyInto } from '../../../src/system/staged-copy.ts';

const [, , from = '', to = '', name = '', killAt = ''] = process.argv;
let started = 0;
const counted: Run = (program, args, options) => {
  const result = run(program, args, options);
  started += 1;
  if (started === Number(killAt)) process.kill(process.pid, 'SIGKILL');
  return result;
};
const place = (directory: string): ReturnType<typeof placeBeneath> =>
  placeBeneath(fromText(directory), fromText(name), { links: 'trusted' });
await copyInto(counted, place(from), place(to), { replace: true, signal: new AbortController().signal });
