/** The service as the window sees it, typed by the contract: `service.models.list()`. */
import { createORPCClient } from '@orpc/client';
import type { ContractRouterClient } from '@orpc/contract';
import type { contract } from '../../shared/contract.ts';
import { browserLines } from './browser-line.ts';
import { Connection } from './connection.ts';
import { desktopLines } from './desktop-line.ts';

export type ServiceClient = ContractRouterClient<typeof contract>;

/** Whether the page is shown by the desktop app, and not by a browser. */
export const isDesktop = location.protocol === 'claq:';

export const connection = new Connection(isDesktop ? desktopLines('service') : browserLines());

export const service: ServiceClient = createORPCClient(connection);
