/** Text → configuration: every problem is collected, and only a text without any becomes a configuration. */
import * as v from 'valibot';
import type { Config, DiffConfig, TargetConfig } from '../config.ts';
import type { Policy } from '../retention/policy.ts';
import { isTable, readDocument, type Document, type KeyPath, type Table, type Value } from './document.ts';
import { lies, readAbsolute } from './paths.ts';
import { configError, quote, suggest, type Problem } from './problem.ts';
import { impossible, readPlace, type Place } from './rules.ts';
import { DIFF, KEEP, PRUNE, ROTATE, TABLE, TARGET, TOP_LEVEL, type KeepTable, type PruneTable } from './schema.ts';

export function parseConfig(text: string, file: string): Config {
  const document = readDocument(text);
  if ('message' in document) throw configError(file, [document]);
  const reader = new Reader(document);
  const { values } = reader.readTable(TOP_LEVEL, [], document.root);
  const diff = reader.readDiff(values.diff ?? {});
  const targets = reader.readTargets(values.targets ?? {});
  if (reader.problems.length > 0) throw configError(file, reader.problems);
  return { file, timezone: values.timezone, nameTimezone: values.name_timezone ?? 'UTC', diff, targets };
}

/** A name is written before a colon, on command lines and into file names. */
const TARGET_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;

/** Where a key that was put into the wrong table belongs. */
const HOMES = [
  { keys: ['timezone', 'name_timezone'], home: 'at the top of the file, before the first table' },
  { keys: Object.keys(TARGET.entries), home: 'in a table `[targets.NAME]`' },
  { keys: Object.keys(KEEP.entries), home: 'in the table `keep` of a target' },
  { keys: Object.keys(PRUNE.entries), home: 'in the table `prune` of a target' },
  { keys: Object.keys(ROTATE.entries), home: 'in the table `rotate` of a target' },
  { keys: Object.keys(DIFF.entries), home: 'in the table `[diff]`' },
];

type TableSchema = typeof TOP_LEVEL | typeof DIFF | typeof TARGET | typeof KEEP | typeof PRUNE | typeof ROTATE;

interface TableReading<Schema extends TableSchema> {
  /** Of the keys that are in order. */
  readonly values: v.InferOutput<Schema>;
  /** All keys that are there. */
  readonly given: ReadonlySet<string>;
}

class Reader {
  readonly problems: Problem[] = [];
  readonly #document: Document;

  constructor(document: Document) {
    this.#document = document;
  }

  readTable<Schema extends TableSchema>(schema: Schema, path: KeyPath, table: Table): TableReading<Schema> {
    this.#refuseUnknown(schema, path, table);
    const bad = new Set<string>();
    for (const issue of v.safeParse(schema, table).issues ?? []) {
      const key = String(issue.path?.[0].key);
      bad.add(key);
      this.#complain([...path, key], issue.message);
    }
    const sound = Object.fromEntries(Object.entries(table).filter(([key]) => !bad.has(key)));
    return { values: v.parse(schema, sound), given: new Set(Object.keys(table)) };
  }

  readDiff(table: Table): DiffConfig {
    const { persisted = [], persisted_list: persistedList, ignore = [] } = this.readTable(DIFF, ['diff'], table).values;
    for (const text of persisted) {
      const reading = readAbsolute(text, ', as on the live system');
      if ('problem' in reading) this.#complain(['diff', 'persisted'], reading.problem);
    }
    if (persistedList !== undefined) {
      const reading = readAbsolute(persistedList, '');
      if ('problem' in reading) this.#complain(['diff', 'persisted_list'], reading.problem);
    }
    // A line of the file, which is what a pattern is in git.
    for (const pattern of ignore) {
      if (pattern.trim() === '' || pattern.includes('\n'))
        this.#complain(['diff', 'ignore'], `must hold patterns, each of one line, not ${quote(pattern)}`);
    }
    return { persisted, ignore, ...(persistedList === undefined ? {} : { persistedList }) };
  }

  readTargets(tables: Table): readonly TargetConfig[] {
    const targets = Object.entries(tables).flatMap(([name, value]) => this.#readTarget(name, value) ?? []);
    this.#refuseShared(targets);
    this.#refuseNested(targets);
    return targets;
  }

  #readTarget(name: string, value: Value): TargetConfig | undefined {
    const path = ['targets', name];
    if (!TARGET_NAME.test(name)) {
      this.#add(
        path,
        `${quote(name)} cannot name a target: a name is made of letters, digits, \`-\` and \`_\`, and begins with a letter or digit`,
      );
    }
    const table = v.safeParse(TABLE, value);
    if (!table.success) {
      this.#complain(path, table.issues[0].message);
      return undefined;
    }
    const { values, given } = this.readTable(TARGET, path, table.output);
    const place: Place = readPlace(values, given, (key, message) => {
      if (key === null) this.#add(path, `target ${quote(name)}: ${message}`);
      else this.#complain([...path, key], message);
    });
    return { name, ...place, ...this.#readRemoval(path, values.keep, values.prune), ...this.#readRotation(path, values.rotate) };
  }

  #readRemoval(path: KeyPath, keepTable: Table = {}, pruneTable: Table = {}): Pick<TargetConfig, 'policy' | 'grace'> {
    const { values: keep } = this.readTable(KEEP, [...path, 'keep'], keepTable);
    const { values: prune } = this.readTable(PRUNE, [...path, 'prune'], pruneTable);
    const contradiction = impossible(keep.within, prune.max_age, '`max_age`');
    if (contradiction !== undefined) this.#complain([...path, 'keep', 'within'], contradiction);
    return { policy: policyOf(keep, prune), ...(prune.grace && { grace: prune.grace }) };
  }

  #readRotation(path: KeyPath, table: Table | undefined): Pick<TargetConfig, 'rotate'> {
    if (table === undefined) return {};
    const { values, given } = this.readTable(ROTATE, [...path, 'rotate'], table);
    if (!given.has('slots')) this.#add([...path, 'rotate'], '`rotate` needs `slots`, which is missing');
    return values.slots === undefined ? {} : { rotate: { slots: values.slots } };
  }

  #refuseUnknown(schema: TableSchema, path: KeyPath, table: Table): void {
    const known = Object.keys(schema.entries);
    for (const [key, value] of Object.entries(table)) {
      if (!known.includes(key)) this.#add([...path, key], unknownKey(path, key, value, known));
    }
  }

  #refuseShared(targets: readonly TargetConfig[]): void {
    const owners = new Map<string, string>();
    for (const { name, device = '', dataset, archive } of targets) {
      for (const [key, value, scope] of [
        ['dataset', dataset, ''],
        ['archive', archive, dataset === undefined ? device : 'zfs'],
      ] as const) {
        if (value === undefined) continue;
        const id = `${key}\0${scope}\0${value}`;
        const owner = owners.get(id);
        const what = key === 'archive' ? 'the archive' : 'the live root';
        if (owner === undefined) owners.set(id, name);
        else this.#complain(['targets', name, key], `is ${what} of target ${quote(owner)} already, ${quote(value)}`);
      }
    }
  }

  /** Whatever is in an archive may be an old root, and what is in a live root goes where that goes. So no other target's place may be there. */
  #refuseNested(targets: readonly TargetConfig[]): void {
    const pairs = targets.flatMap((one) => targets.filter((each) => each.name !== one.name).map((other) => ({ one, other })));
    for (const { one, other } of pairs) {
      if (one.dataset === undefined || other.dataset === undefined) continue;
      const { dataset, archive } = one;
      const whose = `of target ${quote(one.name)}`;
      if (archive !== undefined && (archive === other.dataset || lies(other.dataset, { in: archive })))
        this.#complain(['targets', other.name, 'dataset'], `must not be in the archive ${whose}, ${quote(archive)}`);
      else if (other.archive !== undefined && lies(other.archive, { in: dataset }))
        this.#complain(['targets', other.name, 'archive'], `must not be in the live root ${whose}, ${quote(dataset)}`);
      // A snapshot of the one is one of the other, too.
      else if (lies(other.dataset, { in: dataset }))
        this.#complain(['targets', other.name, 'dataset'], `must not be in the live root ${whose}, ${quote(dataset)}`);
    }
  }

  /** About the value of a key. */
  #complain(path: KeyPath, message: string): void {
    this.problems.push({ at: this.#document.valueAt(path), message: `${quote(path.at(-1) ?? '')} ${message}` });
  }

  /** About a key, or about what is not there. */
  #add(path: KeyPath, message: string): void {
    this.problems.push({ at: this.#document.keyAt(path), message });
  }
}

function unknownKey(path: KeyPath, key: string, value: Value, known: readonly string[]): string {
  const where = path.length === 0 ? '' : ` in ${quote(`[${path.join('.')}]`)}`;
  return `unknown key ${quote(key)}${where}${advice(path, key, value, known)}`;
}

function advice(path: KeyPath, key: string, value: Value, known: readonly string[]): string {
  const home = HOMES.find(({ keys }) => keys.includes(key));
  if (home !== undefined) return `; it belongs ${home.home}`;
  const suggestion = suggest(key, known);
  if (suggestion === '' && path.length === 0 && isTable(value)) return `; a target is written ${quote(`[targets.${key}]`)}`;
  return suggestion;
}

function policyOf({ within, ...counts }: KeepTable, { max_age: maxAge, min_free: minFree }: PruneTable): Policy {
  return { ...counts, ...(within && { within }), ...(maxAge && { maxAge }), ...(minFree && { minFree }) };
}
