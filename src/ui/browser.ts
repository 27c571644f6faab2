/**
 * `roots browse` on a terminal: from the old roots to a directory, an entry, and back. Each step asks one question and says which step comes next; Escape
 * and `‹` go one back.
 */
import { joinPath, parentOf, printableText, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import type { BrowsedEntry, OpenRoot } from '../operations/open-root.ts';
import type { ResolvedRoot } from '../operations/resolve-root.ts';
import { absolutePath } from './arguments.ts';
import { BACK, HERE, TYPED, firstEntry, foundChoices, isMeant, listedChoices, titleOf, widthOf } from './browse-choices.ts';
import { factsOf, newestWith, rootLines, shownPath, versionLines } from './browse-lines.ts';
import { showDifference, showPreview } from './browse-preview.ts';
import { restoreChosen } from './browse-restore.ts';
import { formatCount } from './format.ts';
import { askTextOrBack, chooseOrBack, searchOrBack, type Choice } from './prompts.ts';
import type { Surroundings } from './surroundings.ts';
import { foldText, shortenMiddle } from './terminal.ts';

/** What was chosen, for whoever does the rest. */
export interface Picked {
  /** Null: the newest old root that has it. */
  readonly root: ResolvedRoot | null;
  /** As it was on the live system: absolute. */
  readonly path: BytePath;
}

export interface BrowserOptions {
  /** Where to begin; null: with the list of old roots. */
  readonly start: ResolvedRoot | null;
  /** To choose what is to be restored ends it: whoever called restores. */
  readonly picks: boolean;
}

/** How many failures there were on the way, and what was picked; null: nothing. */
export interface Browsed {
  readonly picked: Picked | null;
  readonly restored: number;
  readonly failed: number;
}

type Step =
  | { readonly at: 'roots'; readonly last: string | null }
  | { readonly at: 'opening'; readonly root: ResolvedRoot }
  | Inside
  | { readonly at: 'entry'; readonly open: OpenRoot; readonly path: BytePath; readonly from: Inside; readonly last: Action }
  | { readonly at: 'restore'; readonly open: OpenRoot; readonly path: BytePath; readonly from: Inside }
  | { readonly at: 'end' };

interface Inside {
  readonly at: 'directory';
  readonly open: OpenRoot;
  readonly path: BytePath;
  /** Where the cursor is: a path, or one of the lines that are none. */
  readonly last: string | null;
  /** What was being searched for. */
  readonly typed: string;
}

type Action = 'preview' | 'difference' | 'versions' | 'restore' | 'back';

/** No label begins so. */
const NEWEST = '/newest';
const LIVE = '/live';

const TOP = '/' as BytePath;

/** Errors: `interrupted`; `not-found` if there are no old roots. */
export async function runBrowser(around: Surroundings, options: BrowserOptions): Promise<Browsed> {
  const browser = new Browser(around, options);
  return browser.run();
}

class Browser {
  readonly #around: Surroundings;
  readonly #options: BrowserOptions;
  #picked: Picked | null = null;
  #restored = 0;
  #failed = 0;

  constructor(around: Surroundings, options: BrowserOptions) {
    this.#around = around;
    this.#options = options;
  }

  async run(): Promise<Browsed> {
    const { start } = this.#options;
    try {
      let step: Step = start === null ? { at: 'roots', last: null } : { at: 'opening', root: start };
      while (step.at !== 'end') {
        if (this.#around.signal.aborted) throw new RootsError('interrupted', 'stopped; nothing was changed');
        step = await this.#take(step);
      }
    } catch (error) {
      if (this.#restored > 0 && error instanceof RootsError && error.kind === 'interrupted')
        throw new RootsError('interrupted', 'stopped; what is listed above was restored', { cause: error });
      throw error;
    }
    return { picked: this.#picked, restored: this.#restored, failed: this.#failed };
  }

  /** What goes wrong with one path or one root is told, and there is somewhere to go on from. */
  async #take(step: Exclude<Step, { at: 'end' }>): Promise<Step> {
    try {
      return await this.#ask(step);
    } catch (error) {
      if (step.at === 'roots' || !(error instanceof RootsError) || error.kind === 'interrupted') throw error;
      const root = step.at === 'opening' ? step.root : step.open.root;
      if (await this.#isThere(root)) this.#warn([error.message, error.hint].filter((text) => text !== undefined).join('; '));
      else {
        this.#warn(`${root.label} is not there any more: it was removed or renamed meanwhile`);
        return this.#toRoots(step, root);
      }
      return this.#before(step);
    }
  }

  async #ask(step: Exclude<Step, { at: 'end' }>): Promise<Step> {
    switch (step.at) {
      case 'roots':
        return this.#askRoot(step.last);
      case 'opening':
        return { at: 'directory', open: await this.#around.session.open(step.root), path: '' as BytePath, last: null, typed: '' };
      case 'directory':
        return this.#askEntry(step);
      case 'entry':
        return this.#askAction(step);
      case 'restore':
        return this.#restore(step);
    }
  }

  async #before(step: Exclude<Step, { at: 'end' | 'roots' }>): Promise<Step> {
    switch (step.at) {
      case 'opening':
        return this.#toRoots(step, step.root);
      case 'directory':
        if (step.typed !== '') return { ...step, typed: '', last: null };
        if (step.path === '') return this.#toRoots(step, step.open.root);
        return { ...step, path: parentOf(step.path), last: step.path };
      case 'entry':
        return step.from;
      case 'restore':
        return { ...step, at: 'entry', last: 'restore' };
    }
  }

  async #toRoots(step: Step, root: ResolvedRoot): Promise<Step> {
    if ('open' in step) await step.open.close();
    return { at: 'roots', last: root.label };
  }

  async #isThere(root: ResolvedRoot): Promise<boolean> {
    if (typeof root.tree === 'string') return true;
    const { id, name } = root.tree;
    const { roots } = await this.#around.session.roots();
    return roots.some(
      ({ root: { target, tree } }) => target === root.target && typeof tree !== 'string' && tree.id === id && tree.name === name,
    );
  }

  #warn(text: string): void {
    const screen = this.#around.screen();
    this.#around.say(screen.style('yellow', foldText(screen, `! ${printableText(text)}`)));
  }

  async #askRoot(last: string | null): Promise<Step> {
    const { roots, problems } = await this.#around.session.roots();
    for (const { target, error } of problems) this.#warn(`${target} cannot be listed: ${error.message}`);
    const lines = rootLines(roots, { ...this.#around, width: widthOf(this.#around) });
    const choices: Choice<string>[] = roots.map(({ root: { label } }, at) => ({ name: lines[at] ?? '', value: label, description: label }));
    if (this.#options.picks) choices.unshift({ name: 'the newest that has it, by its path', value: NEWEST });
    let typed = '';
    const chosen = await searchOrBack<string>({
      question: this.#options.picks ? 'From which old root?' : 'Which old root?',
      find: (words) => {
        typed = words;
        return Promise.resolve(
          words.trim() === '' ? [...choices, { name: '‹ end', value: BACK }] : choices.filter((each) => isMeant(each, words)),
        );
      },
      start: last ?? undefined,
    });
    if (chosen === null && typed !== '') return { at: 'roots', last };
    if (chosen === NEWEST) return this.#askPath();
    const found = roots.find(({ root: { label } }) => label === chosen);
    return found === undefined ? { at: 'end' } : { at: 'opening', root: found.root };
  }

  async #askPath(): Promise<Step> {
    const typed = await askTextOrBack('What should come back? (path, as it was)', (answer) =>
      answer.trim() === '' ? 'Type a path, like /home/alice/notes.txt' : null,
    );
    if (typed === null) return { at: 'roots', last: NEWEST };
    this.#picked = { root: null, path: absolutePath(typed, this.#around.cwd) };
    return { at: 'end' };
  }

  async #askEntry(step: Inside): Promise<Step> {
    const { open, path } = step;
    const here = listedChoices(this.#around, open, path);
    let typed = '';
    const shown = new Map<string, Choice<string>>();
    const chosen = await searchOrBack<string>({
      question: titleOf(this.#around, open, shownPath(path), TYPED),
      find: async (words, signal) => {
        typed = words;
        if (words.trim() === '') return here;
        // The tabulator key takes a whole line for what was typed.
        const taken = shown.get(words);
        if (taken !== undefined) return [taken];
        const found = await foundChoices(this.#around, step, words, signal);
        for (const each of [...here, ...found]) if ('value' in each) shown.set(each.name, each);
        return found;
      },
      typed: step.typed,
      start: step.last ?? firstEntry(here),
    });
    if (chosen === null || chosen === BACK) return this.#before({ ...step, typed });
    const from: Inside = { ...step, typed, last: chosen };
    if (chosen === HERE) return { at: 'entry', open, path, from, last: 'preview' };
    const entry = open.entry(chosen as BytePath);
    if (entry.type === 'directory') return { ...step, path: entry.path, last: null, typed: '' };
    return { at: 'entry', open, path: entry.path, from, last: 'preview' };
  }

  async #askAction(step: Extract<Step, { at: 'entry' }>): Promise<Step> {
    const { open, path, from } = step;
    const entry = open.entry(path);
    const live = open.liveEntry(path);
    const there = live === null ? 'not there now' : `there now: ${factsOf(live, this.#around.zone)}`;
    const choices: Choice<Action>[] = [
      { name: 'Preview', value: 'preview' },
      ...(live === null || !COMPARED.has(entry.type) ? [] : [{ name: 'Difference to what is there now', value: 'difference' as const }]),
      { name: 'Other versions …', value: 'versions' },
      { name: 'Restore …', value: 'restore' },
      { name: '‹ back', value: 'back' },
    ];
    const facts = [`then: ${factsOf(entry, this.#around.zone)}`, ...(open.livePath(path) === null ? [] : [there])];
    const question = [
      titleOf(this.#around, open, shownPath(path)),
      ...facts.map((each) => `  ${shortenMiddle(each, widthOf(this.#around))}`),
    ].join('\n');
    const action = await chooseOrBack(question, choices, step.last);
    switch (action) {
      case null:
      case 'back':
        return from;
      case 'preview':
        showPreview(this.#around, open, entry);
        return { ...step, last: action };
      case 'difference':
        await showDifference(this.#around, open, entry);
        return { ...step, last: action };
      case 'versions':
        return this.#askVersion(step);
      case 'restore':
        if (!this.#options.picks) return { at: 'restore', open, path, from };
        this.#picked = { root: open.root, path: open.livePath(path) ?? joinPath(TOP, path) };
        return { at: 'end' };
    }
  }

  /** The same path as other old roots have it. */
  async #askVersion(step: Extract<Step, { at: 'entry' }>): Promise<Step> {
    const { open, path } = step;
    const { session } = this.#around;
    const { versions, searched, problems } = await session.versions(open.root, path);
    for (const problem of problems) this.#warn(`not compared: ${problem}`);
    const lines = versionLines(versions, { ...this.#around, width: widthOf(this.#around) });
    const choices = versions.map((version, at) => ({ name: lines[at] ?? '', value: newestWith(version) ?? LIVE }));
    const question = `${titleOf(this.#around, open, shownPath(path))}\n  ${formatCount(versions.length, 'version')} in ${formatCount(searched, 'old root')}; Enter goes to the newest that has it`;
    const chosen = await chooseOrBack(question, [...choices, { name: '‹ back', value: BACK }], open.root.label);
    const same: Step = { ...step, last: 'versions' };
    if (chosen === null || chosen === BACK || chosen === LIVE || chosen === open.root.label) return same;
    // Those of the history are as it read them, and that is over.
    const root = (await session.roots()).roots.find((each) => each.root.label === chosen)?.root;
    if (root === undefined) throw new RootsError('not-found', `${chosen} is not there any more`);
    const other = await session.open(root);
    await open.close();
    const from: Inside = { at: 'directory', open: other, path: parentOf(path), last: path, typed: '' };
    return { at: 'entry', open: other, path, from, last: 'preview' };
  }

  async #restore(step: Extract<Step, { at: 'restore' }>): Promise<Step> {
    const { open, path, from } = step;
    const outcome = await restoreChosen(this.#around, open, path);
    if (outcome === null) return { at: 'entry', open, path, from, last: 'restore' };
    this.#restored += outcome.restored;
    this.#failed += outcome.failed;
    const next = await chooseOrBack('What now?', [
      { name: 'Go on browsing', value: 'on' },
      { name: 'End', value: 'end' },
    ]);
    return next === 'end' ? { at: 'end' } : from;
  }
}

const COMPARED: ReadonlySet<BrowsedEntry['type']> = new Set(['file', 'symlink', 'directory']);
