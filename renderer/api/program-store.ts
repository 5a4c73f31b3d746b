import { defineStore } from 'pinia';
import { service } from './service.ts';
import { useFetched } from './use-call.ts';

/** Which program this is, and on which machine it runs. */
export const useProgram = defineStore('program', () => {
  const { value: info, error, refresh } = useFetched(() => service.program.info());
  return { info, error, refresh };
});
