import { describe, expect, it } from 'vitest';
import {
  cudaLibraryOf,
  libraryOrHeaderTarget,
  libraryTarget,
} from '../../../main/service/tensorflow-setup/wheel-contents.ts';

describe('libraryTarget', () => {
  it.each([
    ['tensorflow/libtensorflow_cc.so.2', 'deps/lib/libtensorflow_cc.so.2'],
    ['tensorflow/libtensorflow_framework.so.2', 'deps/lib/libtensorflow_framework.so.2'],
    ['nvidia/cublas/lib/libcublasLt.so.12', 'deps/nvidia/cublas/lib/libcublasLt.so.12'],
    ['nvidia/cuda_cupti/lib/libcheckpoint.so', 'deps/nvidia/cuda_cupti/lib/libcheckpoint.so'],
    [
      'nvidia/cuda_nvrtc/lib/libnvrtc-builtins.so.12.9',
      'deps/nvidia/cuda_nvrtc/lib/libnvrtc-builtins.so.12.9',
    ],
  ])('puts %s to %s', (entry, target) => {
    expect(libraryTarget(entry)).toBe(target);
  });

  it.each([
    'tensorflow/python/_pywrap_tensorflow_internal.so',
    'tensorflow/include/tensorflow/c/c_api.h',
    'nvidia/cublas/include/cublas.h',
    'nvidia/cublas/lib/__init__.py',
    'nvidia/cublas/lib/',
    'nvidia/cublas/lib/more/libcublas.so.12',
    'nvidia/../lib/libcublas.so.12',
    'other/nvidia/cublas/lib/libcublas.so.12',
  ])('leaves %s in the wheel', (entry) => {
    expect(libraryTarget(entry)).toBeUndefined();
  });
});

describe('libraryOrHeaderTarget', () => {
  it('takes the C headers too, and no others', () => {
    const taken = [
      'tensorflow/include/tensorflow/c/eager/c_api.h',
      'tensorflow/include/tensorflow/core/platform/ctstring_internal.h',
      'tensorflow/include/tensorflow/core/framework/op.h',
      'tensorflow/include/tensorflow/c/',
      'tensorflow/libtensorflow_cc.so.2',
    ].map(libraryOrHeaderTarget);
    expect(taken).toEqual([
      'include/tensorflow/c/eager/c_api.h',
      'include/tensorflow/core/platform/ctstring_internal.h',
      undefined,
      undefined,
      'deps/lib/libtensorflow_cc.so.2',
    ]);
  });
});

describe('cudaLibraryOf', () => {
  it.each([
    ['nvidia-cuda-runtime-cu12', 'cuda_runtime', 'nvidia/cuda_runtime/lib/libcudart.so.12'],
    ['nvidia-cudnn-cu12', 'cudnn', 'nvidia/cudnn/lib/libcudnn.so.9'],
  ])('is the folder that %s fills: %s', (wheel, library, entry) => {
    expect(cudaLibraryOf(wheel)).toBe(library);
    expect(libraryTarget(entry)).toMatch(new RegExp(`^deps/nvidia/${library}/lib/`));
  });

  it.each(['tensorflow', 'tensorflow-cpu', 'nvidia-smi', 'other-cudnn-cu12'])('is none for %s', (wheel) => {
    expect(cudaLibraryOf(wheel)).toBeUndefined();
  });
});
