/** What the doctor's report means for the user: which engine computes, why no better one, and what can be done about it here. */
import type { DoctorReport, EngineReport, InstallationReport } from '../../shared/doctor.ts';
import { ENGINE_CHOICES, type EngineChoice, type EngineName } from '../../shared/engine.ts';
import { ENGINE_WORDS } from '../run/method-words.ts';

/** Naming one means this one or none. */
export const ENGINE_OPTIONS: readonly { readonly value: EngineChoice; readonly label: string }[] =
  ENGINE_CHOICES.map((value) => ({ value, label: ENGINE_WORDS[value] }));

/** What a set-up fetches: its wheels, as packed. */
export const SETUP_DOWNLOADS = { gpu: '3.3 GB', cpu: '274 MB' } as const;

export interface EngineAdvice {
  readonly name: EngineName;
  readonly runs: boolean;
  /** A run takes it. */
  readonly isTaken: boolean;
  /** "TensorFlow 2.21.0 on the CPU", or why it does not run. */
  readonly text: string;
  /** What mends it, where that is not the set-up. */
  readonly remedy: string | null;
  /** Last lines of a process that failed. */
  readonly said: readonly string[];
  /** What the button sets up; null where there is nothing to set up, or it would not help. */
  readonly setUp: 'gpu' | 'cpu' | null;
  /** What is on the disk and can be removed. */
  readonly installed: { readonly variant: 'gpu' | 'cpu'; readonly bytes: number } | null;
}

/** One for each engine, best first. */
export function engineAdvice(report: DoctorReport): readonly EngineAdvice[] {
  return report.engines.map((engine) => {
    const installation = report.installations.find(({ variant }) => `tensorflow-${variant}` === engine.name);
    const setUp = setUpThatHelps(report, engine, installation);
    return {
      name: engine.name,
      runs: engine.runs,
      isTaken: report.taken === engine.name,
      text: engine.runs ? engine.description : engine.fault.why,
      remedy: engine.runs || setUp !== null ? null : engine.fault.remedy,
      said: engine.runs ? [] : engine.said,
      setUp,
      installed:
        installation === undefined || installation.state === 'missing'
          ? null
          : { variant: installation.variant, bytes: installation.bytes },
    };
  });
}

/** A set-up mends what is missing or broken; for GPUs only where a driver has found a card that can be used. */
function setUpThatHelps(
  { driver, platform }: DoctorReport,
  engine: EngineReport,
  installation: InstallationReport | undefined,
): 'gpu' | 'cpu' | null {
  if (engine.runs || installation === undefined || installation.state === 'installed') return null;
  // The recipe builds against Linux' wheels.
  if (!platform.startsWith('linux')) return null;
  const hasCard = driver.state === 'found' && driver.devices.some(({ fault }) => fault === null);
  return installation.variant === 'gpu' && !hasCard ? null : installation.variant;
}

/** The cards of the machine in a sentence. */
export function cardsText({ driver }: DoctorReport): string {
  if (driver.state === 'missing') return 'No NVIDIA driver';
  if (driver.state === 'failed') return `The NVIDIA driver gives no answer: ${driver.why}`;
  if (driver.devices.length === 0) return `No card (driver ${driver.version})`;
  return driver.devices
    .map(({ name, fault }) => (fault === null ? name : `${name}: ${fault.why}`))
    .join('; ');
}
