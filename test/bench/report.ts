/** The figures as tables, printed and kept in results.md, where those of parts that were not run stay as they were. */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { tool } from '../support/scratch.ts';
import type { Row } from './measure.ts';

const FILE = new URL('results.md', import.meta.url);
const HEAD = `# Benchmark results

Written by \`npm run bench\`, which takes the names of parts. Times are wall-clock milliseconds of whole programs; a ratio is the median over the rounds of the ratio
within one round, to the first line of a table. btrfs is on a loop device; peers are those of Debian.`;

export function report(rows: readonly Row[]): void {
  const made = `${new Date().toISOString().slice(0, 10)}, ${String(cpus().length)} cores, Linux ${release()}, Node ${process.version}, ${tool('btrfs', '--version').trim()}.`;
  const fresh = new Map(
    groups(rows).map(([title, group]) => [
      title,
      ['', made, '', '| what | median | least to most | ratio | bar |', '|---|---|---|---|---|', ...group.map(line), ''].join('\n'),
    ]),
  );
  process.stdout.write([...fresh].map(([title, text]) => `\n## ${title}\n${text}`).join(''));
  const all = new Map([...sectionsOf(readFileSync(FILE, 'utf8')), ...fresh]);
  writeFileSync(FILE, `${[HEAD, ...[...all].map(([title, text]) => `## ${title}\n${text.trimEnd()}`)].join('\n\n')}\n`);
}

function sectionsOf(text: string): [title: string, text: string][] {
  return text
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [title = '', ...lines] = section.split('\n');
      return [title, lines.join('\n')];
    });
}

function groups(rows: readonly Row[]): [string, Row[]][] {
  return [...new Set(rows.map((row) => row.title))].map((title) => [title, rows.filter((row) => row.title === title)]);
}

function line({ name, unit, median, least, most, ratio, bar }: Row): string {
  const verdict = bar === null || ratio === null ? '' : `${bar.toFixed(1)}: ${ratio <= bar ? 'met' : 'not met'}`;
  return `| \`${name.replaceAll('|', '\\|')}\` | ${median.toFixed(0)} ${unit} | ${least.toFixed(0)} to ${most.toFixed(0)} | ${ratio === null ? '' : `${ratio.toFixed(2)}×`} | ${verdict} |`;
}
