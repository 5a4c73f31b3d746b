import { defineStore } from 'pinia';
import type { SettingsChange } from '../../shared/settings.ts';
import { service } from './service.ts';
import { useFetched } from './use-call.ts';

export const useSettings = defineStore('settings', () => {
  const { value: settings, error, isPending, refresh } = useFetched(() => service.settings.get());
  /** Throws what the service throws. */
  async function change(change: SettingsChange): Promise<void> {
    settings.value = await service.settings.change(change);
  }
  return { settings, error, isPending, refresh, change };
});
