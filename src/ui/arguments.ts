/**
 * What was typed, as paths.
 */
import { fromText, joinPath, type BytePath } from '../byte-path.ts';

/** Absolute, with `.` and `..` taken out by name: a path of long ago cannot be asked for its links. */
export function absolutePath(argument: string, cwd: string): BytePath {
  const path = argument.startsWith('/') ? fromText(argument) : joinPath(fromText(cwd), fromText(argument));
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return `/${names.join('/')}` as BytePath;
}
