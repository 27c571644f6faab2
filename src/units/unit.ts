/**
 * Unit files of systemd as values, and their text. Values of settings are as they stand in the file: what comes from outside goes through value.ts.
 */

export type Setting = readonly [key: string, value: string];

export interface Unit {
  /** `roots-prune.service` */
  readonly name: string;
  readonly sections: Readonly<Partial<Record<SectionName, readonly Setting[]>>>;
}

export type SectionName = 'Unit' | 'Service' | 'Timer' | 'Install';

/** The first line of all that `roots timer enable` writes, by which `roots timer disable` knows it again. */
export const HEADER = '# Written by `roots timer enable`. `roots timer disable` removes it.';

export function renderUnit({ sections }: Unit): string {
  const parts = Object.entries(sections).map(([name, settings]) => [`[${name}]`, ...settings.map(([key, value]) => `${key}=${value}`)]);
  return `${[[HEADER], ...parts].map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

export function isWrittenByRoots(text: string): boolean {
  return text.startsWith(`${HEADER}\n`);
}
