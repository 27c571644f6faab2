/** At the end of a run: which sentence of the contract is proven for which backend, which does not apply and why. */
import type { Reporter, TestModule, TestSuite } from 'vitest/node';
import type { ContractMeta } from './contract-suite.ts';

/** In the order of the columns. */
const FIRST = ['btrfs', 'ZFS', 'bcachefs', 'directory'];

interface Column extends ContractMeta {
  /** By the name of the test. */
  readonly cells: ReadonlyMap<string, string>;
  readonly seconds: number;
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
    console.log(contractTable(columns.sort((a, b) => FIRST.indexOf(a.backend) - FIRST.indexOf(b.backend))).join('\n'));
  }
}

function columnOf(suite: TestSuite, contract: ContractMeta): Column {
  const cells = new Map<string, string>();
  let ms = 0;
  for (const test of suite.children.allTests()) {
    cells.set(test.name, { passed: '✓', failed: '✗', skipped: 'skipped', pending: '?' }[test.result().state]);
    ms += test.meta().msInGuest ?? 0;
  }
  return { ...contract, cells, seconds: Math.round(ms / 1000) };
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
      columns.map(({ seconds }) => `${String(seconds)} s`),
      'in the machine',
    ),
    ...reasons.map((why, at) => `–${String(at + 1)}: does not apply: ${why}`),
    '',
  ];
}
