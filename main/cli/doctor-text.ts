/** The report of `claq doctor` for a terminal. */
import pc from 'picocolors';
import type {
  DoctorReport,
  DriverReport,
  EngineReport,
  Fault,
  GpuDevice,
  InstallationReport,
} from '../../shared/doctor.ts';
import { readableBytes } from '../../shared/readable-quantities.ts';

/** A name, and the lines beside it. */
type Entry = readonly [name: string, lines: readonly string[]];

export function doctorText(report: DoctorReport): string {
  const { program, node, platform, cores, memoryBytes } = report;
  const counted = cores === 1 ? '1 core' : `${cores} cores`;
  const sections = [
    [`${program}, Node ${node}, ${platform}, ${counted}, ${readableBytes(memoryBytes)} of memory`],
    [pc.bold(verdict(report))],
    aligned(report.engines.map((engine) => [engine.name, engineLines(engine)])),
    aligned(machineEntries(report)),
  ];
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function verdict({ engine, taken, engines, kernels }: DoctorReport): string {
  const found = engines.find(({ name }) => name === taken);
  if (found?.runs === true) return `A run computes with ${found.name}: ${found.description}.`;
  if ('fault' in kernels)
    return 'No run is possible: the SIMD kernels, which every engine needs, do not run.';
  if (engine !== 'auto') return `A run with --engine ${engine} ends with an error.`;
  const fatal = engines.find((each) => !each.runs && each.fatal);
  const other = engines.find(({ runs }) => runs);
  const way = other === undefined ? '' : ` Until that is mended, use --engine ${other.name}.`;
  return fatal === undefined
    ? 'No run is possible: no engine runs.'
    : `A run would be ended by ${fatal.name}.${way}`;
}

function engineLines(engine: EngineReport): string[] {
  if (engine.runs)
    return [`${pc.green('runs')}: ${engine.description}, tried in ${engine.seconds.toFixed(1)} s`];
  return [
    `${pc.yellow('does not run')}: ${engine.fault.why}`,
    ...engine.said.map((line) => pc.dim(`it said: ${line}`)),
    remedyLine(engine.fault),
  ];
}

function machineEntries(report: DoctorReport): Entry[] {
  const { installations, driver, visibleDevices, kernels, cores, cache } = report;
  const kernelLines =
    'fault' in kernels
      ? faultLines(kernels.fault)
      : [`${FLAVOURS[kernels.flavour]}, ${cores === 1 ? '1 thread' : `${cores} threads`}`];
  return [
    ...installations.map(installationEntry),
    ['NVIDIA driver', driverLines(driver)],
    ...(driver.state === 'found' ? driver.devices.map(deviceEntry) : []),
    ...(visibleDevices === null ? [] : [['CUDA_VISIBLE_DEVICES', [`"${visibleDevices}"`]] as const]),
    ['SIMD kernels', kernelLines],
    ['free disk', [`${readableBytes(cache.freeBytes)}, for ${cache.folder}`]],
  ];
}

const FLAVOURS = {
  relaxed: 'relaxed SIMD, with fused multiply-add',
  simd: 'plain SIMD, a third slower than relaxed SIMD',
} as const;
const PURPOSE = { cpu: 'TensorFlow for CPUs', gpu: 'TensorFlow for GPUs' } as const;

function installationEntry(installation: InstallationReport): Entry {
  const name = PURPOSE[installation.variant];
  switch (installation.state) {
    case 'missing':
      return [name, ['not installed']];
    case 'broken':
      return [name, [`${pc.yellow('broken')}, in ${installation.folder}`, ...faultLines(installation.fault)]];
    case 'installed': {
      const { tensorflow, addon, origin, bytes, folder, cuda, cudnn } = installation;
      const came = origin === 'built' ? 'built here' : 'as it came with the program';
      const libraries = [
        ...(cuda === null ? [] : [`CUDA ${cuda}`]),
        ...(cudnn === null ? [] : [`cuDNN ${cudnn}`]),
      ];
      return [
        name,
        [
          [tensorflow, ...libraries, `addon ${addon} ${came}`].join(', '),
          `${readableBytes(bytes)} in ${folder}`,
        ],
      ];
    }
  }
}

function driverLines(driver: DriverReport): string[] {
  switch (driver.state) {
    case 'missing':
      return ['no nvidia-smi on the PATH'];
    case 'failed':
      return [driver.why];
    case 'found': {
      const isEnough = driver.devices.every(({ fault }) => fault === null);
      return [isEnough ? `${driver.version}, new enough` : driver.version];
    }
  }
}

function deviceEntry({ name, memoryBytes, computeCapability, fault }: GpuDevice, index: number): Entry {
  const known = [
    name,
    ...(memoryBytes === null ? [] : [readableBytes(memoryBytes)]),
    ...(computeCapability === null ? [] : [`compute capability ${computeCapability}`]),
  ];
  return [`GPU ${index}`, [known.join(', '), ...(fault === null ? [] : faultLines(fault))]];
}

function faultLines(fault: Fault): string[] {
  return [fault.why, remedyLine(fault)];
}

function remedyLine({ remedy }: Fault): string {
  return `what to do: ${remedy}`;
}

/** Names in a column, and what belongs to each beside it. */
function aligned(entries: readonly Entry[]): string[] {
  const width = Math.max(...entries.map(([name]) => name.length)) + 2;
  return entries.flatMap(([name, lines]) =>
    lines.map((line, index) => (index === 0 ? name : '').padEnd(width) + line),
  );
}
