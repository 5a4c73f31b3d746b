/** The system's own dialogs, in front of the window where there is one. */
import { dialog, type BrowserWindow, type FileFilter, type OpenDialogOptions } from 'electron';

export interface FolderQuestion {
  readonly title: string;
  readonly startIn?: string | undefined;
}

/** Asks for a folder that is there. Null where the user changed their mind; so with the others. */
export function chooseFolder(
  window: BrowserWindow | undefined,
  question: FolderQuestion,
): Promise<string | null> {
  return choose(window, question, ['openDirectory']);
}

/** Asks for a folder to write to, which the dialog can make. */
export function chooseSaveFolder(
  window: BrowserWindow | undefined,
  question: FolderQuestion,
): Promise<string | null> {
  return choose(window, question, ['openDirectory', 'createDirectory', 'promptToCreate']);
}

export function chooseFile(
  window: BrowserWindow | undefined,
  question: FolderQuestion & { readonly filters: readonly FileFilter[] },
): Promise<string | null> {
  return choose(window, question, ['openFile'], question.filters);
}

async function choose(
  window: BrowserWindow | undefined,
  { title, startIn }: FolderQuestion,
  properties: NonNullable<OpenDialogOptions['properties']>,
  filters: readonly FileFilter[] = [],
): Promise<string | null> {
  const options: OpenDialogOptions = {
    title,
    // macOS shows no title.
    message: title,
    properties,
    filters: [...filters],
    ...(startIn === undefined ? {} : { defaultPath: startIn }),
  };
  const { canceled, filePaths } = await (window === undefined
    ? dialog.showOpenDialog(options)
    : dialog.showOpenDialog(window, options));
  return canceled ? null : (filePaths[0] ?? null);
}
