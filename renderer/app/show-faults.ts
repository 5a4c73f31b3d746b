/** Faults that no screen has caught: said, so that nothing fails in silence. */
import type { App } from 'vue';
import type { Router } from 'vue-router';
import { shownError } from '../api/shown-error.ts';
import { say } from '../components/status-messages.ts';

export function showFaults(app: App, router: Router): void {
  const show = (thrown: unknown): void => {
    const { message, found } = shownError(thrown);
    say(found === undefined ? message : `${message}: ${found}`, 'bad');
    // The browser's own record of errors, with the stack.
    reportError(thrown);
  };
  app.config.errorHandler = show;
  addEventListener('unhandledrejection', ({ reason }) => {
    const { message, found } = shownError(reason);
    say(found === undefined ? message : `${message}: ${found}`, 'bad');
  });
  router.onError((thrown: unknown) => {
    say('This screen could not be loaded: is the service still there?', 'bad');
    reportError(thrown);
  });
}
