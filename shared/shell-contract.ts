/**
 * What the page of the desktop app can ask of the shell around it: dialogs, the system's file manager, the theme of the window
 * frame, and the user's Hugging Face token. What it can ask of the service stands in contract.ts. Taskbar, notifications and
 * power are not here: the shell follows the activities of the service itself, since a hidden page is given little time.
 */
import { eventIterator, oc } from '@orpc/contract';
import { z } from 'zod';
import { plainErrorSchema } from './errors.ts';
import { THEMES } from './settings.ts';

/** The one error of every call, as in contract.ts. */
const base = oc.errors({ CLAQ: { status: 422, data: plainErrorSchema } });

const nothing = z.undefined();
const path = z.string().min(1).max(4096);
const title = z.string().min(1).max(200);
const folderQuestionSchema = z.strictObject({
  title,
  /** Where the dialog opens; where the last one was, without it. */
  startIn: path.optional(),
});

/** What the menus of the window can ask of the page. */
export const MENU_COMMANDS = ['add-model', 'find', 'library', 'runs', 'settings', 'about'] as const;
export type MenuCommand = (typeof MENU_COMMANDS)[number];

export const serviceStateSchema = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('starting') }),
  z.strictObject({
    state: z.literal('running'),
    /** It had died, and was started again: runs that were active are `interrupted` and can be resumed. */
    restarted: z.boolean(),
  }),
  /** It died, and is started again in a moment. */
  z.strictObject({ state: z.literal('crashed'), message: z.string() }),
  /** It cannot be started, or dies again and again. Stays so until `service.restart`. */
  z.strictObject({ state: z.literal('failed'), error: plainErrorSchema }),
]);
export type ServiceState = z.infer<typeof serviceStateSchema>;

export const hubTokenStateSchema = z.strictObject({
  has: z.boolean(),
  /**
   * `kept`: encrypted with a key of the system's keyring. `session`: the system has no keyring, so it is forgotten when the
   * program ends.
   */
  storage: z.enum(['kept', 'session']),
});
export type HubTokenState = z.infer<typeof hubTokenStateSchema>;

/** A page of the window: `/runs/12`. */
export const routeSchema = z.string().max(500).regex(/^\//, 'a route begins with a slash');

export const shellEventSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('service'), service: serviceStateSchema }),
  z.strictObject({ kind: z.literal('menu'), command: z.enum(MENU_COMMANDS) }),
  /** A notification was clicked. */
  z.strictObject({ kind: z.literal('navigate'), route: routeSchema }),
]);
export type ShellEvent = z.infer<typeof shellEventSchema>;

export const shellContract = {
  /** The first event is the service's state. */
  events: base.output(eventIterator(shellEventSchema)),
  /** The system's own dialogs. Each gives an absolute path, or null where the user changed their mind. */
  dialogs: {
    chooseFolder: base.input(folderQuestionSchema).output(path.nullable()),
    /** A folder to write to, which the dialog can make. */
    chooseSaveFolder: base.input(folderQuestionSchema).output(path.nullable()),
    chooseFile: base
      .input(
        folderQuestionSchema.extend({
          /** `{ name: 'Texts', extensions: ['txt', 'jsonl'] }`; all files where there is none. */
          filters: z
            .array(
              z.strictObject({
                name: title,
                extensions: z.array(z.string().regex(/^(\w{1,20}|\*)$/)).max(20),
              }),
            )
            .max(10)
            .default([]),
        }),
      )
      .output(path.nullable()),
  },
  /** Shows a file or folder in the system's file manager; opens nothing. */
  showInFolder: base.input(z.strictObject({ path })).output(nothing),
  /** Shows the folder of the logs in the system's file manager. */
  openLogs: base.output(nothing),
  theme: {
    /** What the window frame follows, and which of the two it is now. */
    get: base.output(z.strictObject({ theme: z.enum(THEMES), isDark: z.boolean() })),
    set: base.input(z.strictObject({ theme: z.enum(THEMES) })).output(nothing),
  },
  /** The user's token for the Hugging Face hub. It goes to the service, and never back to the page. */
  hubToken: {
    state: base.output(hubTokenStateSchema),
    set: base.input(z.strictObject({ token: z.string().trim().min(1).max(500) })).output(hubTokenStateSchema),
    clear: base.output(hubTokenStateSchema),
  },
  service: {
    /** Starts a service that has failed once more. */
    restart: base.output(nothing),
  },
};
