/** What the fake service says of the machine that it pretends to be on. */
import type { DoctorReport } from '../../shared/doctor.ts';
import type { FolderListing, Licence, ProgramInfo } from '../../shared/host.ts';
import type { Preflight } from '../../shared/preflight.ts';

export const PROGRAM: ProgramInfo = {
  version: '0.1.0',
  host: 'browser',
  node: '24.21.0',
  platform: 'linux-x64',
  hostname: 'gpu-box',
  cores: 16,
  memoryBytes: 67_430_000_000,
  dataFolder: '/home/ada/.local/share/claq-studio',
};

export const LICENCES: Licence[] = [
  ['vue', '3.5.45', 'MIT'],
  ['zod', '4.6.7', 'MIT'],
  ['echarts', '6.1.0', 'Apache-2.0'],
  ['better-sqlite3', '13.2.0', 'MIT'],
  ['pure-rand', '8.4.2', 'MIT'],
].map(([name = '', version = '', licence = '']) => ({
  name,
  version,
  licence,
  text: `${licence}\n\nCopyright of ${name}.`,
}));

export const DOCTOR: DoctorReport = {
  program: 'claq-studio 0.1.0',
  node: '24.21.0',
  platform: 'linux-x64',
  cores: 16,
  memoryBytes: 67_430_000_000,
  engine: 'auto',
  taken: 'wasm',
  engines: [
    {
      name: 'tensorflow-gpu',
      runs: false,
      fault: { why: 'TensorFlow for GPUs is not installed', remedy: 'claq setup --gpu' },
      said: [],
      fatal: false,
    },
    {
      name: 'tensorflow-cpu',
      runs: false,
      fault: { why: 'TensorFlow is not installed', remedy: 'claq setup' },
      said: [],
      fatal: false,
    },
    {
      name: 'wasm',
      runs: true,
      description: 'WebAssembly with relaxed SIMD',
      tensorflow: null,
      seconds: 0.41,
    },
  ],
  installations: [
    { variant: 'gpu', state: 'missing', folder: '/home/ada/.cache/claq/tensorflow-gpu' },
    { variant: 'cpu', state: 'missing', folder: '/home/ada/.cache/claq/tensorflow-cpu' },
  ],
  driver: {
    state: 'found',
    version: '570.86',
    devices: [
      { name: 'NVIDIA RTX 4090', memoryBytes: 25_757_220_864, computeCapability: '8.9', fault: null },
    ],
  },
  visibleDevices: null,
  kernels: { flavour: 'relaxed' },
  cache: { folder: '/home/ada/.cache/claq', freeBytes: 412_000_000_000 },
};

export const PREFLIGHT: Preflight = {
  engine: { name: 'wasm', description: 'WebAssembly with relaxed SIMD' },
  budget: '2.12 (AP 2.05 of {2,4} + OR 0.07)',
  nominalBits: 2.12,
  storedBits: 2.45,
  sourceBytes: 4_700_000,
  packedBytes: 720_000,
  time: {
    seconds: 48,
    parts: [
      { name: 'Calibration', seconds: 18, basis: '6 blocks, 128 segments of 512 tokens' },
      { name: 'Columns', seconds: 21, basis: '9,216 columns of 64 to 512 weights' },
      { name: 'Evaluation', seconds: 9, basis: 'twice 16 windows of 512 tokens' },
    ],
    source: 'run 7 on this machine',
  },
  memory: {
    needed: 890_000_000,
    free: 41_200_000_000,
    total: 67_430_000_000,
    parts: [
      { name: 'Hidden states', bytes: 184_000_000, basis: '128 segments x 512 tokens x 704 x 4 bytes' },
      { name: 'Program', bytes: 420_000_000, basis: 'Node.js and the kernels' },
    ],
  },
  gpuMemory: null,
  disk: {
    folder: '/data/runs',
    needed: 7_020_000,
    free: 412_000_000_000,
    total: 1_000_000_000_000,
    parts: [
      { name: 'Packed matrices', bytes: 720_000, basis: '2.36 M weights x 2.45 bits' },
      { name: 'Dense export', bytes: 6_300_000, basis: 'the size of the source' },
    ],
  },
  remarks: [
    { severity: 'warn', text: 'The calibration text has 128 segments of which 12 share a document.' },
  ],
};

const TREE: Readonly<Record<string, readonly (readonly [name: string, isModel: boolean])[]>> = {
  '/': [
    ['data', false],
    ['home', false],
  ],
  '/data': [
    ['models', false],
    ['runs', false],
  ],
  '/data/models': [
    ['Llama-2-7b-hf', true],
    ['Mistral-7B-v0.1', true],
    ['Qwen3-0.6B', true],
    ['datasets', false],
  ],
  '/home/ada': [
    ['Downloads', false],
    ['notes', false],
  ],
};

/** A listing, or undefined where there is no such folder. */
export function folderListing(folder = '/home/ada'): FolderListing | undefined {
  const entries = TREE[folder];
  if (entries === undefined) return undefined;
  return {
    folder,
    parent: folder === '/' ? null : folder.replace(/\/[^/]+$/, '') || '/',
    entries: entries.map(([name, isModel]) => ({
      name,
      path: `${folder === '/' ? '' : folder}/${name}`,
      kind: 'folder',
      isModel,
      bytes: null,
    })),
    truncated: false,
    places: [
      { name: 'Home', path: '/home/ada' },
      { name: 'Models', path: '/data/models' },
      { name: 'Computer', path: '/' },
    ],
  };
}
