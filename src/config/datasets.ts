/** The form of a name of ZFS in the configuration. Pure text: nothing here looks at the machine. */
import type { PathReading } from './paths.ts';
import { quote } from './problem.ts';

/** A dataset, such as `rpool/root`. */
export function readDataset(text: string): PathReading {
  if (text.includes('@')) return { problem: `must be a dataset, not the snapshot ${quote(text)}` };
  const problem = datasetProblem(text);
  return problem === undefined ? { path: text } : { problem };
}

/** A snapshot with its dataset, such as `rpool/blank@blank`. */
export function readSnapshot(text: string): PathReading {
  const [dataset = '', snapshot, ...more] = text.split('@');
  if (snapshot === undefined || more.length > 0 || dataset === '' || snapshot === '') {
    return { problem: `must be a snapshot with its dataset, such as \`rpool/blank@blank\`, not ${quote(text)}` };
  }
  const problem = datasetProblem(dataset) ?? characterProblem(snapshot) ?? lengthProblem(text);
  return problem === undefined ? { path: text } : { problem };
}

export function poolOf(dataset: string): string {
  return dataset.split('/', 1).join('');
}

/** ZFS_MAX_DATASET_NAME_LEN, less the NUL at the end. All that a name may hold is ASCII. */
const MAX_LENGTH = 255;

function datasetProblem(text: string): string | undefined {
  if (text === '') return 'must not be empty';
  if (text.startsWith('/')) return `must be the name of a dataset, such as \`rpool/root\`, not the path ${quote(text)}`;
  const components = text.split('/');
  if (components.at(-1) === '') return 'must not end in a slash';
  if (components.includes('')) return 'must not hold `//`';
  const dots = components.find((component) => component === '.' || component === '..');
  if (dots !== undefined) return `must not hold a component \`${dots}\``;
  // So of every pool (zpool-create(8)); and what begins with a letter is no option of `zfs`, which knows no `--`.
  if (!/^[A-Za-z]/.test(text)) return `must begin with the name of a pool, and so with a letter, not ${quote(text)}`;
  return components.map(characterProblem).find((problem) => problem !== undefined) ?? lengthProblem(text);
}

/** zfs(8), and measured with 2.3. What else means something to `zfs` (`%` and `,` are ranges and lists of snapshots) is no part of a name. */
function characterProblem(component: string): string | undefined {
  const bad = Array.from(component).find((character) => !/^[A-Za-z0-9_.: -]$/.test(character));
  return bad === undefined
    ? undefined
    : `must not hold ${quote(bad)}: names of ZFS are made of letters, digits, \`-\`, \`_\`, \`.\`, \`:\` and spaces`;
}

function lengthProblem(text: string): string | undefined {
  return text.length > MAX_LENGTH ? `must be at most ${String(MAX_LENGTH)} characters long, as ZFS has it` : undefined;
}
