import { availableParallelism, hostname, totalmem } from 'node:os';
import manifest from '../../../package.json' with { type: 'json' };
import type { ProgramInfo } from '../../../shared/host.ts';

export function programInfo(host: ProgramInfo['host'], dataFolder: string): ProgramInfo {
  return {
    version: manifest.version,
    host,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    hostname: hostname(),
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    dataFolder,
  };
}
