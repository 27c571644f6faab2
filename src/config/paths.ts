/** The form of a path in the configuration. Pure text: nothing here looks at the machine. */
import { quote } from './problem.ts';

/** A path as the rest of the program takes it, or what is wrong with it. */
export type PathReading = { readonly path: string } | { readonly problem: string };

/** Absolute, as it is. */
export function readAbsolute(text: string, why: string): PathReading {
  if (!text.startsWith('/')) return { problem: `must be an absolute path${why}, not ${quote(text)}` };
  const problem = text === '/' ? undefined : componentProblem(text.slice(1));
  return problem === undefined ? { path: text } : { problem };
}

/** Relative to the top level of the filesystem; a leading slash is the top level and is left out. */
export function readInTopLevel(text: string): PathReading {
  const path = text.startsWith('/') ? text.slice(1) : text;
  if (path === '' && text !== '') return { problem: 'must name a place below the top level of the filesystem, not the top level itself' };
  const problem = componentProblem(path);
  return problem === undefined ? { path } : { problem };
}

/** `/` holds every absolute path. */
export function lies(path: string, place: { readonly in: string }): boolean {
  return path !== place.in && path.startsWith(place.in === '/' ? '/' : `${place.in}/`);
}

function componentProblem(path: string): string | undefined {
  if (path === '') return 'must not be empty';
  if (path.includes('\0')) return 'must not hold a NUL character';
  const components = path.split('/');
  if (components.at(-1) === '') return 'must not end in a slash';
  if (components.includes('')) return 'must not hold `//`';
  const dots = components.find((component) => component === '.' || component === '..');
  return dots === undefined ? undefined : `must not hold a component \`${dots}\``;
}
