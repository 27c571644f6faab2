/**
 * What the programs of OpenZFS (2.1 to 2.3) print with -H and -p, as values. Names of datasets hold neither tabs nor line breaks nor commas; values
 * of user properties may, so none is asked for but as the last column. There is JSON since 2.3 only, and it says nothing that is not here.
 */
import { RootsError } from '../../errors.ts';

export interface Dataset {
  readonly name: string;
  readonly type: 'filesystem' | 'snapshot' | 'volume';
  /** Never changes, whatever it is renamed to or becomes a clone of. */
  readonly guid: string;
  readonly createdAt: Date;
  /** The transaction that made it: later ones have greater numbers. */
  readonly createdIn: bigint;
  /** Bytes that go with it. */
  readonly used: number;
  /** Bytes that it refers to, shared ones included. */
  readonly referenced: number;
  /** The snapshot that it is a clone of. */
  readonly origin: string | null;
  /** Of a snapshot. */
  readonly clones: readonly string[];
  /** How many holds a snapshot has. */
  readonly holds: number;
  readonly readOnly: boolean;
}

export const COLUMNS = [
  'name',
  'type',
  'guid',
  'creation',
  'createtxg',
  'used',
  'referenced',
  'origin',
  'clones',
  'userrefs',
  'readonly',
] as const;

/** Of `zfs list -Hp -o COLUMNS`. Errors: `failed` for a line that is not understood. */
export function parseDatasets(output: Buffer): Dataset[] {
  return linesOf(output).map((line) => {
    const fields = line.split('\t');
    if (fields.length !== COLUMNS.length) throw notUnderstood(line);
    const [
      name = '',
      type,
      guid = '',
      creation = '',
      createtxg = '',
      used = '',
      referenced = '',
      origin = '',
      clones = '',
      userrefs = '',
      readonly,
    ] = fields;
    if (type !== 'filesystem' && type !== 'snapshot' && type !== 'volume') throw notUnderstood(line);
    if (name === '' || ![guid, creation, createtxg, used, referenced].every(isNumber)) throw notUnderstood(line);
    if (userrefs !== '-' && !isNumber(userrefs)) throw notUnderstood(line);
    return {
      name,
      type,
      guid,
      createdAt: new Date(Number(creation) * 1000),
      createdIn: BigInt(createtxg),
      used: Number(used),
      referenced: Number(referenced),
      origin: origin === '-' ? null : origin,
      clones: clones === '-' || clones === '' ? [] : clones.split(','),
      holds: userrefs === '-' ? 0 : Number(userrefs),
      readOnly: type === 'snapshot' || readonly === 'on',
    };
  });
}

/** Of `zfs list -Hp -o name,guid`: GUIDs by name. */
export function parseGuids(output: Buffer): Map<string, string> {
  return new Map(
    linesOf(output).map((line) => {
      const [name = '', guid = '', ...more] = line.split('\t');
      if (!isNumber(guid) || more.length > 0) throw notUnderstood(line);
      return [name, guid];
    }),
  );
}

/**
 * Of `zfs get -Hp -s local -o name,value PROPERTY`: values by name. A line break in a value begins a line that is no pair, or one that only looks like one:
 * at worst a pin is seen where there is none.
 */
export function parseValues(output: Buffer): Map<string, string> {
  const pairs = linesOf(output).flatMap((line) => {
    const at = line.indexOf('\t');
    return at === -1 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
  });
  // The first counts: what follows may be a part of another's value.
  return new Map(pairs.toReversed());
}

/** Of `zfs holds -H`: tags by snapshot. */
export function parseHolds(output: Buffer): Map<string, string[]> {
  const tags = new Map<string, string[]>();
  for (const line of linesOf(output)) {
    const [name, tag] = line.split('\t');
    if (name === undefined || tag === undefined) throw notUnderstood(line);
    tags.set(name, [...(tags.get(name) ?? []), tag]);
  }
  return tags;
}

/** Of `zfs list -Hp -o used,available` or `zpool list -Hp -o freeing`, one line. */
export function parseNumbers(output: Buffer, count: number): number[] {
  const [line = '', ...more] = linesOf(output);
  const fields = line.split('\t');
  if (more.length > 0 || fields.length !== count) throw notUnderstood(line);
  return fields.map((field) => {
    if (field === '-') return 0;
    if (!isNumber(field)) throw notUnderstood(line);
    return Number(field);
  });
}

function linesOf(output: Buffer): string[] {
  return output
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
}

function isNumber(text: string): boolean {
  return /^\d+$/.test(text);
}

function notUnderstood(line: string): RootsError {
  return new RootsError('failed', `a line of what zfs prints is not understood: ${JSON.stringify(line)}`);
}
