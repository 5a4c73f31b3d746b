import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultDataFolder } from '../../../main/service/serve/served-folders.ts';

describe('defaultDataFolder', () => {
  it('is where the system keeps such things', () => {
    expect(defaultDataFolder('linux', {})).toBe(join(homedir(), '.local', 'share', 'claq-studio'));
    expect(defaultDataFolder('linux', { XDG_DATA_HOME: '' })).toBe(defaultDataFolder('linux', {}));
    expect(defaultDataFolder('linux', { XDG_DATA_HOME: '/data' })).toBe(join('/data', 'claq-studio'));
    expect(defaultDataFolder('darwin', {})).toBe(
      join(homedir(), 'Library', 'Application Support', 'CLAQ Studio'),
    );
    expect(defaultDataFolder('win32', { APPDATA: 'C:\\roaming' })).toBe(join('C:\\roaming', 'CLAQ Studio'));
  });
});
