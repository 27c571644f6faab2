/**
 * What `roots restore` asks when it was not told.
 */
import type { ListedArchive } from '../operations/list.ts';
import { formatAgo, formatTime } from './format.ts';
import { askText, choose } from './prompts.ts';

const NEWEST = '';

/** A ref, or undefined for the newest that has the path. */
export async function chooseRoot(
  archives: readonly ListedArchive[],
  { now, config }: { now: Date; config: { timezone: string | undefined } },
): Promise<string | undefined> {
  const roots = archives.flatMap((archive) => archive.roots);
  const choices = roots.map(({ target, name, root }) => {
    const ago = formatAgo((now.getTime() - root.archivedAt.getTime()) / 1000);
    return { name: `${formatTime(root.archivedAt, config.timezone)}  ${ago}  ${target.name}:${name}`, value: `${target.name}:${name}` };
  });
  const ref = await choose('From which old root?', [{ name: 'the newest that has it', value: NEWEST }, ...choices], '--from');
  return ref === NEWEST ? undefined : ref;
}

export async function askForPath(): Promise<string> {
  return askText(
    'What should come back? (path, as it was)',
    (answer) => (answer.trim() === '' ? 'Type a path, like /home/alice/notes.txt' : null),
    'PATH',
  );
}
