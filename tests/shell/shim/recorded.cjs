/** What people and the desktop would see and answer, recorded and answered by the test: `recorded` and `answers` in the global scope. */
'use strict';
const electron = require('electron');
const { app, dialog, shell } = electron;

globalThis.electron = electron;

globalThis.recorded = { opened: [], shown: [], asked: [], bars: [] };
/** To dialogs: paths (none: called off), and the number of a button. */
globalThis.answers = { paths: [], button: 0 };

shell.openExternal = async (address) => void recorded.opened.push(address);
shell.showItemInFolder = (path) => void recorded.shown.push(path);
dialog.showOpenDialog = async (_window, { properties }) => {
  recorded.asked.push(properties);
  return { canceled: answers.paths.length === 0, filePaths: answers.paths };
};
dialog.showMessageBox = async (_window, { message, detail, buttons }) => {
  recorded.asked.push({ message, detail, buttons });
  return { response: answers.button };
};
app.on('browser-window-created', (_event, window) => {
  window.setProgressBar = (share) => void recorded.bars.push(share);
});
