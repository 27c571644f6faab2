/**
 * The units that prune, and rotate where that is configured: what starts, when, and what it may do.
 */
import { fromText, type BytePath } from '../byte-path.ts';
import type { Setting, Unit } from './unit.ts';
import { calendarEvent, commandLine, optionalPath, unitName } from './value.ts';

export interface TimerOptions {
  /** What starts `roots`, with absolute paths. */
  readonly program: readonly [program: BytePath, ...args: readonly BytePath[]];
  /** Absolute; null for the file that is read without being named. */
  readonly config: BytePath | null;
  /** Absolute paths that are written to where they are: archives that are not mounted privately. */
  readonly writable: readonly BytePath[];
  /** Whether a target is configured to be rotated. */
  readonly rotates: boolean;
  /** A calendar event of systemd; null for once a day. */
  readonly onCalendar: string | null;
  /** A unit to start when a run fails, or null. */
  readonly onFailure: string | null;
}

export const PRUNE_SERVICE = 'roots-prune.service';
export const PRUNE_TIMER = 'roots-prune.timer';
export const ROTATE_SERVICE = 'roots-rotate.service';

/** Errors: `usage` for what a unit file cannot say. */
export function timerUnits(options: TimerOptions): readonly Unit[] {
  const prune = service('prune', 'Remove the old roots that the policy does not keep', options, options.rotates ? AFTER_ROTATION : []);
  const rotate = service('rotate', 'Take the snapshot of the day and move the others on', options, []);
  return [prune, timer(options), ...(options.rotates ? [rotate] : [])];
}

/**
 * Pulled in by pruning and not by a timer of its own: two at once would find the archive locked. Its failure is its own and stops no pruning.
 */
const AFTER_ROTATION: readonly Setting[] = [
  ['Wants', ROTATE_SERVICE],
  ['After', ROTATE_SERVICE],
];

/**
 * Persistent= is of no use on a root that forgets: its stamps are in /var/lib/systemd/timers. So every boot has a run of its own, which also makes up for
 * one that was missed. Where nothing is due, a run changes nothing.
 */
function timer({ onCalendar, rotates }: TimerOptions): Unit {
  // Days of the calendar for a rotation: every 24 hours would drift, and one day have no snapshot.
  const event = onCalendar ?? (rotates ? 'daily' : null);
  return {
    name: PRUNE_TIMER,
    sections: {
      Unit: [['Description', `Prune ${rotates ? 'and rotate ' : ''}old roots regularly`]],
      Timer: [
        ['OnBootSec', '15min'],
        event === null ? ['OnUnitActiveSec', '1d'] : ['OnCalendar', calendarEvent(event)],
        ['AccuracySec', '5min'],
        ['RandomizedDelaySec', '10min'],
      ],
      Install: [['WantedBy', 'timers.target']],
    },
  };
}

function service(command: 'prune' | 'rotate', description: string, options: TimerOptions, order: readonly Setting[]): Unit {
  const { program, config, writable, onFailure } = options;
  const name = `roots-${command}`;
  const named = config === null ? [] : [fromText('--config'), config];
  return {
    name: `${name}.service`,
    sections: {
      Unit: [['Description', description], ...order, ...(onFailure === null ? [] : [['OnFailure', unitName(onFailure)] as const])],
      Service: [
        ['Type', 'oneshot'],
        ['ExecStart', commandLine([...program, fromText(command), fromText('--yes'), ...named])],
        ['SyslogIdentifier', 'roots'],
        ...STOPPING,
        ...IDLE,
        ...MOUNTING,
        ['RuntimeDirectory', name],
        ['RuntimeDirectoryMode', '0700'],
        ['ReadWritePaths', ['/run', ...writable.map(optionalPath)].join(' ')],
        ...HARDENING,
      ],
    },
  };
}

/**
 * SIGTERM to the program alone: it finishes the step under way, and what it started must not be ended below it. A stop is no failure (130). All else is,
 * that a part was not done (3) as well: OnFailure= is to hear of it. What hangs is ended before the next run is due, and its next run goes on.
 */
const STOPPING: readonly Setting[] = [
  ['KillMode', 'mixed'],
  ['SuccessExitStatus', '130'],
  ['TimeoutStartSec', '12h'],
  ['TimeoutStopSec', '90s'],
];

const IDLE: readonly Setting[] = [
  ['Nice', '19'],
  ['CPUSchedulingPolicy', 'idle'],
  ['IOSchedulingClass', 'idle'],
];

/** RestrictNamespaces= forbids the namespace that mounts are otherwise hidden in; that of the unit does as well (system/plain-mount.ts). */
const MOUNTING: readonly Setting[] = [
  ['PrivateMounts', 'yes'],
  ['Environment', 'ROOTS_PRIVATE_NAMESPACE=1'],
];

/**
 * Measured with systemd 257: with these, mounting, listing, snapshots and deletion work. What is missing breaks them: MemoryDenyWriteExecute=
 * and a SystemCallFilter= without an error number end Node, PrivateDevices= hides the disk. ProtectProc= stays as it is: the mount tables of all
 * processes are read. ProtectClock= allows some devices and so forbids all others, but for those that DeviceAllow= names; one that is not there, as without ZFS, is
 * passed over.
 */
const HARDENING: readonly Setting[] = [
  ['ProtectSystem', 'strict'],
  ['ProtectHome', 'read-only'],
  ['PrivateTmp', 'yes'],
  ['PrivateNetwork', 'yes'],
  ['DevicePolicy', 'closed'],
  ['DeviceAllow', 'block-* rw'],
  ['DeviceAllow', '/dev/zfs rw'],
  ['ProtectKernelTunables', 'yes'],
  ['ProtectKernelModules', 'yes'],
  ['ProtectKernelLogs', 'yes'],
  ['ProtectControlGroups', 'yes'],
  ['ProtectClock', 'yes'],
  ['ProtectHostname', 'yes'],
  ['RestrictRealtime', 'yes'],
  ['RestrictNamespaces', 'yes'],
  ['RestrictSUIDSGID', 'yes'],
  ['RestrictAddressFamilies', 'AF_UNIX AF_NETLINK'],
  ['LockPersonality', 'yes'],
  ['NoNewPrivileges', 'yes'],
  ['IPAddressDeny', 'any'],
  ['UMask', '0077'],
  ['SystemCallArchitectures', 'native'],
  ['SystemCallFilter', '@system-service @mount'],
  ['SystemCallErrorNumber', 'EPERM'],
  [
    'CapabilityBoundingSet',
    'CAP_SYS_ADMIN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_CHOWN CAP_FSETID CAP_SETFCAP CAP_MKNOD CAP_LINUX_IMMUTABLE',
  ],
];
