/** Channels between the preload script and the shell; the page sees none of them. */

/** From the page's document, once it is there: it can be given ports. */
export const PORTS_WANTED_CHANNEL = 'ports-wanted';
/** Comes with two ports: the service's, the shell's. */
export const PORTS_CHANNEL = 'ports';
