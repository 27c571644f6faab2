/** A list of paths in a file, as another program has written it: an array of texts in JSON. */
import { readFileSync, statSync } from 'node:fs';
import { printableText } from '../byte-path.ts';
import { RootsError, errnoOf, messageOf } from '../errors.ts';

/** A list for people is shorter. Bytes. */
const MOST = 1 << 20;

/** Null if there is no such file. Errors: `usage` if it is not such a list, `failed` if it cannot be read. */
export function readPathList(file: string): readonly string[] | null {
  const text = readText(file);
  if (text === null) return null;
  const refuse = (why: string): RootsError =>
    new RootsError('usage', `${printableText(file)} ${why}`, { hint: 'an array of absolute paths in JSON is wanted: ["/var/lib/nixos"]' });
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    throw refuse(`is no JSON: ${printableText(messageOf(error))}`);
  }
  if (!Array.isArray(list)) throw refuse('holds no array');
  return list.map((each: unknown) => {
    if (typeof each !== 'string' || !each.startsWith('/') || each.includes('\0'))
      throw refuse(`has ${JSON.stringify(each)} in it, which is no absolute path`);
    return each.replace(/(?<=.)\/+$/, '');
  });
}

function readText(file: string): string | null {
  try {
    const stats = statSync(file);
    if (!stats.isFile() || stats.size > MOST)
      throw new RootsError('usage', `${printableText(file)} is no list of paths: it is no file, or too large`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    if (error instanceof RootsError) throw error;
    throw new RootsError('failed', `${printableText(file)} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
