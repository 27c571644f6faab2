/** At the end of a run: which sentence of the contract is proven for which backend, which does not apply and why. */
import type { Reporter, TestModule, TestSuite } from 'vitest/node';
import type { ContractMeta } from './contract-suite.ts';

/** In the order of the columns. */
const FIRST = ['btrfs', 'ZFS', 'bcachefs'];

interface Column extends ContractMeta {
  /** By the name of the test. */
  readonly cells: ReadonlyMap<string, string>;
  readonly ms: ReadonlyMap<string, number>;
}

export default class ContractReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const columns = modules
      .flatMap((module) => [...module.children.allSuites()])
      .flatMap((suite) => {
        const { contract } = suite.meta();
        return contract === undefined ? [] : [columnOf(suite, contract)];
      });
    if (columns.length === 0) return;
    const whole = FIRST.flatMap((backend) => joined(columns.filter((column) => column.backend === backend)));
    console.log([...contractTable(whole), ...longestOf(whole)].join('\n'));
  }
}

/** The parts of one suite as one column. */
function joined(parts: readonly Column[]): Column[] {
  const [first] = parts;
  if (first === undefined) return [];
  const both = (a: string | undefined, b: string): string => (a === undefined || a === '✓' ? b : a);
  const cells = new Map<string, string>();
  const ms = new Map<string, number>();
  for (const part of parts) {
    for (const [name, cell] of part.cells) cells.set(name, both(cells.get(name), cell));
    for (const [name, each] of part.ms) ms.set(name, each);
  }
  return [{ ...first, tests: parts.flatMap(({ tests }) => tests), cells, ms }];
}

const LONGEST = 12;

function longestOf(columns: readonly Column[]): string[] {
  const all = columns.flatMap(({ backend, ms }) => [...ms].map(([name, each]) => ({ text: `${backend}: ${name}`, each })));
  const longest = all.sort((a, b) => b.each - a.each).slice(0, LONGEST);
  return [
    'what took longest in the machine',
    ...longest.map(({ text, each }) => `${String(Math.round(each / 1000)).padStart(4)} s  ${text}`),
    '',
  ];
}

function columnOf(suite: TestSuite, contract: ContractMeta): Column {
  const cells = new Map<string, string>();
  const ms = new Map<string, number>();
  for (const test of suite.children.allTests()) {
    cells.set(test.name, { passed: '✓', failed: '✗', skipped: 'skipped', pending: '?' }[test.result().state]);
    ms.set(test.name, test.meta().msInGuest ?? 0);
  }
  return { ...contract, cells, ms };
}

function contractTable(columns: readonly Column[]): string[] {
  const reasons: string[] = [];
  const noteFor = (why: string): string => {
    if (!reasons.includes(why)) reasons.push(why);
    return `–${String(reasons.indexOf(why) + 1)}`;
  };
  const width = Math.max(...columns.map(({ backend }) => backend.length)) + 2;
  const row = (cells: readonly string[], text: string): string => `${cells.map((cell) => cell.padEnd(width)).join('')}${text}`.trimEnd();
  const names = [...new Set(columns.flatMap(({ tests }) => tests.map(({ name }) => name)))];
  const cellOf = ({ tests, cells }: Column, name: string): string => {
    const why = tests.find((test) => test.name === name)?.why ?? null;
    return why === null ? (cells.get(name) ?? '?') : noteFor(why);
  };
  const rows = names.map((name) =>
    row(
      columns.map((column) => cellOf(column, name)),
      name,
    ),
  );
  const proven = columns.map(({ tests, cells }) => tests.filter(({ name }) => cells.get(name) === '✓').length);
  return [
    '\ncontract × backend, in the test machine',
    row(
      columns.map(({ backend }) => backend),
      '',
    ),
    ...rows,
    row(proven.map(String), 'proven'),
    row(
      columns.map(({ ms }) => `${String(Math.round([...ms.values()].reduce((sum, each) => sum + each, 0) / 1000))} s`),
      'in the machine',
    ),
    ...reasons.map((why, at) => `–${String(at + 1)}: does not apply: ${why}`),
    '',
  ];
}
