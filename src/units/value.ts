/**
 * What comes from outside as a value of a unit file: quoted and escaped as systemd.syntax(7) wants it, with the `%` of its specifiers and the `$`
 * of its variables doubled. What no escape can express there is an error.
 */
import { isUtf8, printable, printableText, toText, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';

/** For ExecStart=. Errors: `usage` if systemd would not take the program. */
export function commandLine([program, ...args]: readonly [program: BytePath, ...args: readonly BytePath[]]): string {
  // What systemd refuses in the path of a program, however it is escaped.
  if (!program.startsWith('/') || /["'\\\p{Cc}]/u.test(toText(program)) || !isText(program)) {
    throw new RootsError(
      'usage',
      `systemd cannot start the program ${printable(program)}: its path has characters that are not allowed there`,
      {
        hint: 'put it in another directory',
      },
    );
  }
  return [quoted(toText(program), undefined), ...args.map(argument)].join(' ');
}

/** `$` is for arguments only: in the path of the program there are no variables. */
function argument(bytes: BytePath): string {
  const text = isText(bytes) ? toText(bytes) : bytes;
  return quoted(text.replaceAll('$', '$$$$'), isText(bytes) ? undefined : /[\u0080-\u00ff]/);
}

/** Whether systemd takes it as UTF-8. It does not where a character is none by definition (U+FFFE). */
function isText(bytes: BytePath): boolean {
  return isUtf8(bytes) && !/\p{Noncharacter_Code_Point}/u.test(toText(bytes));
}

/**
 * For lists of paths such as ReadWritePaths=; one that is missing is passed over. Errors: `usage`, as these know neither escaped bytes nor escaped
 * newlines.
 */
export function optionalPath(path: BytePath): string {
  if (isText(path) && !/\p{Cc}/u.test(toText(path))) return quoted(`-${toText(path)}`, undefined);
  throw new RootsError('usage', `a systemd unit cannot name the path ${printable(path)}`, {
    hint: 'give it a name in UTF-8 without control characters',
  });
}

/** For OnCalendar=. Errors: `usage`. What the words mean only systemd knows. */
export function calendarEvent(text: string): string {
  const event = text.trim();
  if (/^[A-Za-z0-9 .,:*~/+_-]+$/.test(event)) return event;
  throw new RootsError('usage', `\`${printableText(text)}\` is no calendar event of systemd`, {
    hint: 'write it like `daily`, `Sun 03:00` or `*-*-* 04:30:00`; see systemd.time(7)',
  });
}

const UNIT_TYPES = ['service', 'target', 'timer', 'path', 'socket', 'mount', 'automount', 'swap', 'slice', 'scope', 'device'];

/** For OnFailure=: `.service` is understood, as systemctl does, and specifiers stay (`mail@%n.service`). Errors: `usage`. */
export function unitName(text: string): string {
  const name = UNIT_TYPES.some((type) => text.endsWith(`.${type}`)) ? text : `${text}.service`;
  if (/^(?:[A-Za-z0-9:_.@-]|\\x[0-9a-f]{2}|%[A-Za-z%])+$/.test(name) && !/^[.@]/.test(name) && name.length <= 255) return name;
  throw new RootsError('usage', `\`${printableText(text)}\` is no name of a systemd unit`, {
    hint: 'for example `mail-admin.service` or `notify@%n.service`',
  });
}

function quoted(text: string, raw: RegExp | undefined): string {
  const escaped = Array.from(text, (character) => {
    if (character === '\\' || character === '"') return `\\${character}`;
    if (character === '%') return '%%';
    return character < ' ' || character === '\u007f' || raw?.test(character) === true ? hex(character) : character;
  }).join('');
  // What is plain stays as people would write it. A lone `;` is plain nowhere: it separates commands.
  return /^[\w./:@%+=,-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}

function hex(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
