/** The packaged app that Electron 22 starts in tests: the shim, then the shell that was packaged. */
'use strict';
require('./electron-22.cjs');
require('../build/shell/main.cjs');
