/** `roots browse` restores: where to, what of that which is there, the plan, and a yes. */
import { printable, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import type { OpenRoot } from '../operations/open-root.ts';
import type { RestoreItem } from '../operations/restore-apply.ts';
import type { RestoreOptions, RestorePlan } from '../operations/restore.ts';
import { absolutePath } from './arguments.ts';
import { shownPath } from './browse-lines.ts';
import { formatCount, formatNumber } from './format.ts';
import { askTextOrBack, chooseOrBack, confirmOrBack, type Choice } from './prompts.ts';
import { renderRestoreEnd, renderRestorePlan, renderRestored } from './restore-view.ts';
import type { Surroundings } from './surroundings.ts';
import { foldText, shortenMiddle } from './terminal.ts';

export interface RestoredCount {
  readonly restored: number;
  readonly failed: number;
}

/** Where it goes, and what becomes of what is there. */
type Way = Pick<RestoreOptions, 'to' | 'conflict' | 'backup'>;

/** Null: it was thought better of, or there was nothing to do; nothing was changed then. Errors: those of `restore`. */
export async function restoreChosen(around: Surroundings, open: OpenRoot, path: BytePath): Promise<RestoredCount | null> {
  for (;;) {
    const to = await askWhere(around, open, path);
    if (to === null) return null;
    const outcome = await restoreTo(around, open, path, to === 'where it was' ? undefined : to);
    if (outcome !== 'back') return outcome;
  }
}

async function askWhere(around: Surroundings, open: OpenRoot, path: BytePath): Promise<BytePath | 'where it was' | null> {
  const width = around.screen().width - 3;
  const was = open.livePath(path);
  for (;;) {
    const choices: Choice<'was' | 'other' | 'back'>[] = [
      ...(was === null ? [] : [{ name: shortenMiddle(`where it was: ${printable(was)}`, width), value: 'was' as const }]),
      { name: 'another place …', value: 'other' },
      { name: '‹ back', value: 'back' },
    ];
    const where = await chooseOrBack(shortenMiddle(`Where should ${shownPath(path)} go?`, width), choices);
    if (where === 'was') return 'where it was';
    if (where !== 'other') return null;
    const typed = await askTextOrBack('A directory to put it in, or a new name for it:', problemOfPath);
    if (typed !== null) return absolutePath(typed.trim(), around.cwd);
  }
}

function problemOfPath(answer: string): string | null {
  if (answer.trim() === '') return 'Type a path, like /home/alice/rescued';
  return answer.trim().startsWith('~') ? 'Write it in full: as root, ~ would be the home of root' : null;
}

/** `back`: ask again where to. */
async function restoreTo(
  around: Surroundings,
  open: OpenRoot,
  path: BytePath,
  to: BytePath | undefined,
): Promise<RestoredCount | null | 'back'> {
  const place = to === undefined ? {} : { to };
  const way = await askWay(around, open, path, place);
  if (way === 'back') return 'back';
  const screen = around.screen();
  const say = (text: string): void => around.say(foldText(screen, text));
  const asked = { question: false };
  const outcome = await around.session.restore(
    open.root,
    path,
    way,
    async (plan) => {
      say(planText(around, plan));
      if (!plan.items.some(changes)) return false;
      asked.question = true;
      return confirmOrBack(
        plan.items.some(({ action }) => action === 'replace') ? 'Restore this, replacing what exists?' : 'Restore this?',
      );
    },
    (restored) => say(renderRestored(screen, restored)),
  );
  if (outcome === null) {
    say('Nothing was changed.\n');
    return asked.question ? 'back' : null;
  }
  say(`${renderRestoreEnd(screen, outcome)}\n`);
  const count = (result: string): number => outcome.results.filter((each) => each.result === result).length;
  const partly = outcome.results.filter(({ missing }) => missing.length > 0).length;
  return { restored: count('restored'), failed: count('failed') + partly };
}

function changes({ action }: RestoreItem): boolean {
  return action === 'create' || action === 'replace';
}

/** Asked only if something is there that differs. */
async function askWay(around: Surroundings, open: OpenRoot, path: BytePath, place: Pick<Way, 'to'>): Promise<Way | 'back'> {
  const leave: Way = { ...place, conflict: 'leave', backup: null };
  const replaced = (await planOnly(around, open, path, { ...leave, conflict: 'overwrite' })).items.filter(
    ({ action }) => action === 'replace',
  );
  const [first, ...others] = replaced;
  if (first === undefined) return leave;
  const what =
    others.length === 0
      ? `${shortenMiddle(printable(first.destination), Math.max(around.screen().width - 36, 16))} is there already, and differs.`
      : `${formatCount(replaced.length, 'file')} are there already, and differ.`;
  const way = await chooseOrBack<Way | 'back'>(what, [
    { name: others.length === 0 ? 'Leave it as it is' : 'Leave them as they are', value: leave },
    { name: 'Overwrite, and keep a backup beside it', value: { ...leave, conflict: 'overwrite', backup: '' } },
    { name: 'Overwrite', value: { ...leave, conflict: 'overwrite' } },
    { name: 'Keep both: put the old one beside it', value: { ...leave, conflict: 'keep both' } },
    { name: '‹ back', value: 'back' },
  ]);
  return way ?? 'back';
}

/** What would be done; nothing is. */
async function planOnly(around: Surroundings, open: OpenRoot, path: BytePath, way: Way): Promise<RestorePlan> {
  let planned: RestorePlan | undefined;
  await around.session.restore(
    open.root,
    path,
    way,
    (plan) => {
      planned = plan;
      return Promise.resolve(false);
    },
    () => undefined,
  );
  if (planned === undefined) throw new RootsError('failed', 'there is no plan');
  return planned;
}

/** Of a large tree nobody reads all. */
const MOST_ITEMS = 200;

function planText({ screen: screenNow, now }: Surroundings, plan: RestorePlan): string {
  const screen = screenNow();
  const more = plan.items.length - MOST_ITEMS;
  return [
    ...plan.warnings.map((warning) => screen.style('yellow', `! ${warning}`)),
    renderRestorePlan(screen, { ...plan, items: plan.items.slice(0, MOST_ITEMS) }, now),
    ...(more > 0 ? [`… and ${formatNumber(more)} more`] : []),
  ].join('\n');
}
