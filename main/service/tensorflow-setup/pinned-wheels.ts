/**
 * The wheels that TensorFlow is set up from. They are pinned by hash: what is unpacked and loaded is what was tried, from
 * whichever index or mirror pip fetches it. `scripts/pin_tensorflow_wheels.py` writes the list.
 */
import { ClaqError } from '../../../shared/errors.ts';
import type { TensorflowVariant } from '../../engine/tensors/tensorflow/installation.ts';
import pinned from './pinned-wheels.json' with { type: 'json' };

export const DEFAULT_TENSORFLOW = '2.21.0';

export interface PinnedWheel {
  readonly name: string;
  readonly version: string;
  /** File name as wheels have it: name, version, Python, ABI and platforms, with dashes between. */
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Of the libraries in it. */
  readonly unpackedBytes: number;
}

/** Version of TensorFlow -> machine (`linux-x64`) -> variant -> wheels, TensorFlow's own first. */
export type PinnedWheels = Readonly<
  Record<
    string,
    Readonly<Record<string, Readonly<Partial<Record<TensorflowVariant, readonly PinnedWheel[]>>>>>
  >
>;

export const PINNED_WHEELS: PinnedWheels = pinned;

/** What decides which wheels run on a machine. */
export interface Machine {
  readonly platform: string;
  readonly arch: string;
  /** Version of the GNU C library; undefined on a system with another one. */
  readonly glibc: string | undefined;
}

export function thisMachine(): Machine {
  return { platform: process.platform, arch: process.arch, glibc: glibcVersion() };
}

/**
 * The wheels of a variant for a machine.
 *
 * @throws ClaqError setup/unsupported where there are none
 */
export function wheelsFor(
  table: PinnedWheels,
  version: string,
  variant: TensorflowVariant,
  machine: Machine,
): readonly PinnedWheel[] {
  const { platform, arch, glibc } = machine;
  const there = `${platform}-${arch}`;
  if (platform !== 'linux') {
    throw new ClaqError('setup/unsupported', 'TensorFlow can be set up on Linux only', {
      expected: 'Linux on x64, or on arm64 without a GPU',
      found: there,
      remedy: 'nothing: on this system the program computes with WebAssembly, without a set-up',
    });
  }
  const ofVersion = table[version];
  if (ofVersion === undefined) {
    throw new ClaqError('setup/unsupported', 'This version of TensorFlow has not been tried', {
      where: '--tensorflow',
      expected: Object.keys(table).join(' or '),
      found: version,
      remedy: 'leave the option out, or name one of these versions',
    });
  }
  const wheels = ofVersion[there]?.[variant];
  if (wheels === undefined) {
    throw new ClaqError(
      'setup/unsupported',
      `TensorFlow ${version} has no ${variant} wheel for this machine`,
      {
        expected: describeMachines(ofVersion),
        found: there,
        remedy: 'nothing: the program computes with WebAssembly here, without a set-up',
      },
    );
  }
  for (const wheel of wheels) requireGlibc(wheel, glibc);
  return wheels;
}

/** The tags in a wheel's name: the set-up asks pip for just these. */
export function wheelTags(wheel: PinnedWheel): { readonly python: string; readonly platforms: string[] } {
  const [platforms = '', , python = ''] = wheel.file
    .replace(/\.whl$/, '')
    .split('-')
    .toReversed();
  return { python, platforms: platforms.split('.') };
}

function requireGlibc(wheel: PinnedWheel, glibc: string | undefined): void {
  const needed = glibcMinors(wheel);
  if (needed.length === 0) return;
  const lowest = Math.min(...needed);
  const minor = Number(glibc?.split('.')[1] ?? Number.NaN);
  if (minor >= lowest) return;
  throw new ClaqError('setup/unsupported', "This system's C library is not one that TensorFlow runs on", {
    where: wheel.file,
    expected: `GNU C library (glibc) 2.${lowest} or newer`,
    found: glibc === undefined ? 'another C library, or none' : `glibc ${glibc}`,
    remedy: 'nothing on this system: the program computes with WebAssembly here, without a set-up',
  });
}

/** Of the platforms that a wheel names (`manylinux_2_27_x86_64`); any one of them will do. */
function glibcMinors(wheel: PinnedWheel): number[] {
  return wheelTags(wheel).platforms.flatMap((platform) => {
    const minor = /^manylinux_2_(\d+)_/.exec(platform)?.[1];
    return minor === undefined ? [] : [Number(minor)];
  });
}

function describeMachines(
  ofVersion: Readonly<Record<string, Readonly<Partial<Record<TensorflowVariant, unknown>>>>>,
): string {
  return Object.entries(ofVersion)
    .map(([machine, variants]) => `${machine} (${Object.keys(variants).join(', ')})`)
    .join(', ');
}

function glibcVersion(): string | undefined {
  const report: unknown = process.report.getReport();
  if (typeof report !== 'object' || report === null || !('header' in report)) return undefined;
  const { header } = report;
  if (typeof header !== 'object' || header === null || !('glibcVersionRuntime' in header)) return undefined;
  return typeof header.glibcVersionRuntime === 'string' ? header.glibcVersionRuntime : undefined;
}
