/** Looks, once a run and before all tests, at what the machine can do. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { messageOf } from '../../src/errors.ts';
import { makeBtrfsImage } from './loop-image.ts';
import { makeScratch } from './scratch.ts';

export type Requirement = 'root' | 'btrfs' | 'acl' | 'attr' | 'capabilities' | 'mandoc' | 'systemd';

/** Why each thing is missing that is, with what would help. */
export type Missing = Readonly<Partial<Record<Requirement, string>>>;

const AS_ROOT = 'needs root (run: sudo npm test)';

export default function find(project: TestProject): void {
  const missing: Record<Requirement, string | undefined> = {
    root: whyNotRoot(),
    btrfs: whyNotBtrfs(),
    acl: whyNotProgram('setfacl', 'acl'),
    attr: whyNotProgram('setfattr', 'attr'),
    capabilities: whyNotRoot() ?? whyNotProgram('setcap', 'libcap2-bin'),
    mandoc: whyNotProgram('mandoc', 'mandoc'),
    systemd: whyNotProgram('systemd-analyze', 'systemd'),
  };
  project.provide('missing', Object.fromEntries(Object.entries(missing).filter(([, why]) => why !== undefined)));
}

function whyNotRoot(): string | undefined {
  return process.geteuid?.() === 0 ? undefined : AS_ROOT;
}

/** Whether a kernel has btrfs and gives out loop devices (containers often do not) can only be tried. */
function whyNotBtrfs(): string | undefined {
  const why = whyNotRoot() ?? whyNotProgram('mkfs.btrfs', 'btrfs-progs') ?? whyNotProgram('losetup', 'mount');
  if (why !== undefined) return why;
  const scratch = makeScratch();
  try {
    const image = makeBtrfsImage({ sizeMiB: 128, dir: scratch.path });
    try {
      image.mount({}, join(scratch.path, 'mounted'));
    } finally {
      image.close();
    }
    return undefined;
  } catch (error) {
    return `needs a kernel that can mount a btrfs image (${messageOf(error).split('\n', 1).join('')})`;
  } finally {
    scratch.remove();
  }
}

function whyNotProgram(program: string, debianPackage: string): string | undefined {
  const path = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  return path.some((folder) => isExecutable(join(folder, program))) ? undefined : `needs the program ${program} (Debian: ${debianPackage})`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

declare module 'vitest' {
  interface ProvidedContext {
    missing: Missing;
  }
}
