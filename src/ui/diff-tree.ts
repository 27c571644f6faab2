/** `roots diff --tree`: each change where it is, in the tree of the directories on the way. */
import { printable, type BytePath } from '../byte-path.ts';
import type { Change } from '../diff/change.ts';
import { ChangeLines, isDirectory, type ChangeLine } from './diff-lines.ts';
import { SummaryView, type ChangeView, type Hidden } from './diff-summary.ts';
import type { Screen } from './terminal.ts';

interface Node {
  line: ChangeLine | null;
  readonly below: Map<BytePath, Node>;
}

export class TreeView implements ChangeView {
  readonly #screen: Screen;
  readonly #write: (line: string) => void;
  readonly #summary: SummaryView;
  readonly #lines: ChangeLines;
  readonly #root: Node = { line: null, below: new Map() };

  constructor(screen: Screen, options: { readonly recursive: boolean; readonly write: (line: string) => void }) {
    this.#screen = screen;
    this.#write = options.write;
    this.#summary = new SummaryView(screen);
    this.#lines = new ChangeLines({ ...options, take: (line) => this.#take(line) });
  }

  add(change: Change): void {
    this.#summary.add(change);
    this.#lines.add(change);
  }

  end(hidden: Hidden): string {
    this.#lines.end();
    if (this.#root.below.size > 0) this.#write('/');
    this.#writeBelow();
    return `${this.#root.below.size > 0 ? '\n' : ''}${this.#summary.end(hidden)}`;
  }

  #take(line: ChangeLine): void {
    let node = this.#root;
    for (const name of line.change.path.split('/') as BytePath[]) {
      const next = node.below.get(name) ?? { line: null, below: new Map<BytePath, Node>() };
      node.below.set(name, next);
      node = next;
    }
    node.line = line;
  }

  /** Without recursion, since a tree may be deeper than calls can be nested. */
  #writeBelow(): void {
    const stack = branchesOf(this.#root, '');
    for (let branch = stack.pop(); branch !== undefined; branch = stack.pop()) {
      const { name, node, indent, isLast } = branch;
      const { line } = node;
      const isParent = node.below.size > 0 || (line !== null && isDirectory(line.change));
      const label = `${printable(name)}${isParent ? '/' : ''}`;
      this.#write(
        `${this.#screen.style('dim', `${indent}${isLast ? '└── ' : '├── '}`)}${line === null ? label : this.#lines.format(this.#screen, line, label)}`,
      );
      // One by one: a call takes only so many arguments.
      for (const each of branchesOf(node, `${indent}${isLast ? '    ' : '│   '}`)) stack.push(each);
    }
  }
}

interface Branch {
  readonly name: BytePath;
  readonly node: Node;
  readonly indent: string;
  readonly isLast: boolean;
}

/** The first one last, to be taken from the end. */
function branchesOf({ below }: Node, indent: string): Branch[] {
  return [...below].map(([name, node], at) => ({ name, node, indent, isLast: at === below.size - 1 })).reverse();
}
