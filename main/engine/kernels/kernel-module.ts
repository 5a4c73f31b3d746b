import { readFile } from 'node:fs/promises';
import { ClaqError } from '../../../shared/errors.ts';

/**
 * `relaxed`: fused multiply-add (relaxed SIMD, on by default since Node 22). `simd`: separate multiply and add, a third
 * slower, for machines without it. The two round differently, so a result names the one it was made with.
 */
export type KernelFlavour = 'relaxed' | 'simd';

export interface KernelModule {
  readonly flavour: KernelFlavour;
  readonly module: WebAssembly.Module;
}

/** Loads the fastest build of the kernels that this machine's WebAssembly accepts, or the one asked for. */
export async function loadKernelModule(wanted?: KernelFlavour): Promise<KernelModule> {
  for (const flavour of wanted === undefined ? (['relaxed', 'simd'] as const) : [wanted]) {
    const file = new URL(`./build/kernels-${flavour}.wasm`, import.meta.url);
    const bytes = await readFile(file).catch((cause: unknown) => {
      throw new ClaqError('engine/kernel-failed', 'The compiled kernels are missing', {
        where: file.pathname,
        remedy: 'run `npm run build:kernels`',
        cause,
      });
    });
    if (WebAssembly.validate(bytes)) return { flavour, module: await WebAssembly.compile(bytes) };
  }
  throw new ClaqError('engine/kernel-failed', 'This machine cannot run the SIMD kernels', {
    expected: 'WebAssembly with SIMD and threads',
    found: `Node ${process.version} on ${process.arch}`,
    remedy: 'use Node 24 on x64 or arm64',
  });
}
