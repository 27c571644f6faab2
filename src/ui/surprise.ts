/**
 * What a person would miss most, by where it is: people's own things first, what programs make by themselves last. Only an order of showing; nothing is left out for it.
 */
import type { BytePath } from '../byte-path.ts';

/** 0: somebody's own. 1: how the machine is set up, and what services keep. 2: other traces of running. 3: made anew by itself. */
export type Rank = 0 | 1 | 2 | 3;

/** The first that matches counts; what none matches is at a place that nobody but its owner knows of. */
const RANKS: readonly (readonly [RegExp, Rank])[] = [
  [/(^|\/)(\.cache|\.Trash|__pycache__|node_modules)(\/|$)/, 3],
  [/^(tmp|run|proc|sys|dev)(\/|$)/, 3],
  [/^var\/(cache|tmp|run|lock|empty)(\/|$)/, 3],
  [/^etc\/(machine-id|\.updated|\.clean|\.pwd\.lock|resolv\.conf|mtab|NIXOS|\.NIXOS_CHANGED_BY_STAGE_1)$/, 3],
  [/^var\/(\.updated|lib\/systemd\/(random-seed|timers|catalog|backlight|rfkill|ephemeral-trees))(\/|$)/, 3],
  [/(^|\/)\.(bash|zsh|python|node_repl)_?history$/, 2],
  [/^var\/(log|spool)(\/|$)/, 2],
  [/^(etc|var|usr|boot|nix|bin|lib|lib64|sbin)(\/|$)/, 1],
];

export function rankOf(path: BytePath): Rank {
  return RANKS.find(([pattern]) => pattern.test(path))?.[1] ?? 0;
}

/** Whose or what for it is: `/home/alice`, `/var/lib`, `/etc`. Below the root itself, the root. */
export function placeOf(path: BytePath, isDirectory: boolean): BytePath {
  const names = path.split('/');
  const depth = HAS_PLACES.has(names[0] ?? '') ? 2 : 1;
  return names.slice(0, Math.min(depth, isDirectory ? names.length : names.length - 1)).join('/') as BytePath;
}

/** What is in these is for one thing each. */
const HAS_PLACES: ReadonlySet<string> = new Set(['home', 'var']);

/** Whether a directory is a place or holds such: to be told that it is new as a whole says too little. */
export function isPlace(path: BytePath): boolean {
  return placeOf(path, true) === path;
}
