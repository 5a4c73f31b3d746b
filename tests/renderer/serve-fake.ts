/**
 * The built page on the fake service, in a browser: `node tests/renderer/serve-fake.ts [scenario] [port]`. The page has to be
 * built before (`vite build`).
 */
import { RENDERER_FOLDER } from '../../main/service/serve/served-folders.ts';
import { startServer, type RunningServer } from '../../main/service/serve/start-server.ts';
import { fakeService, type FakeService } from './fake-service.ts';
import { SCENARIOS, type Scenario } from './fake-state.ts';

export interface ServedFake {
  readonly server: RunningServer;
  readonly service: FakeService;
  close(): Promise<void>;
}

export interface ServeFakeOptions {
  /** Of the built page; where `npm run build` puts it, without one. */
  readonly rendererFolder?: string;
  readonly port?: number;
  readonly token?: string;
}

export async function serveFake(
  scenario: Scenario,
  { rendererFolder = RENDERER_FOLDER, port = 0, token }: ServeFakeOptions = {},
): Promise<ServedFake> {
  const service = fakeService(scenario);
  const server = await startServer({ router: service.router, rendererFolder, port, token });
  return {
    server,
    service,
    close: async () => {
      service.stop();
      await server.close();
    },
  };
}

if (process.argv[1] === import.meta.filename) {
  const [, , asked = 'demo', port = '0'] = process.argv;
  const scenario = SCENARIOS.find((name) => name === asked);
  if (scenario === undefined) throw new RangeError(`there is no scenario ${asked}: ${SCENARIOS.join(', ')}`);
  const { server } = await serveFake(scenario, { port: Number(port) });
  console.log(server.url);
}
