/** What the desktop app tells the page: menus, notifications that were clicked, how the service fares. */
import { shallowRef, type ShallowRef } from 'vue';
import type { Router } from 'vue-router';
import type { MenuCommand, ServiceState, ShellEvent } from '../../shared/shell-contract.ts';
import { shell, shellConnection } from '../api/shell.ts';
import { useWatch } from '../api/use-watch.ts';
import { say } from '../components/status-messages.ts';
import { focusSearch } from './use-shortcuts.ts';

/** Null in a browser, and before the shell has said it. */
export const serviceState: ShallowRef<ServiceState | null> = shallowRef(null);

const ROUTES: Readonly<Record<Exclude<MenuCommand, 'find'>, string>> = {
  'add-model': '/library?add=folder',
  library: '/library',
  runs: '/runs',
  settings: '/settings',
  about: '/settings?part=about',
};

export function useShellEvents(router: Router): void {
  if (shell === null || shellConnection === null) return;
  const { events } = shell;

  function hear(event: ShellEvent): void {
    switch (event.kind) {
      case 'menu':
        if (event.command === 'find') focusSearch();
        else void router.push(ROUTES[event.command]);
        return;
      case 'navigate':
        void router.push(event.route);
        return;
      case 'service':
        serviceState.value = event.service;
        if (event.service.state === 'running' && event.service.restarted) {
          say('The service was started again. A run that was going on can be resumed.');
        }
    }
  }

  useWatch(
    (signal) => events(undefined, { signal }),
    (heard) => {
      for (const event of heard) hear(event);
    },
    undefined,
    shellConnection,
  );
}
