/** The app that Electron 22 starts in tests: the shim, what records, then the shell that is tested. */
'use strict';
require('./electron-22.cjs');
require('./recorded.cjs');
require(process.env.CLAQ_TEST_SHELL);
