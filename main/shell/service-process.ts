/** The service's process: started, watched, started again when it dies, and ended with the program. */
import { ClaqError, plainError } from '../../shared/errors.ts';
import type { ServiceState } from '../../shared/shell-contract.ts';
import { fromServiceSchema, type ToService } from '../service/utility-process-protocol.ts';
import type { RestartPolicy } from './restart-policy.ts';

/** Electron's UtilityProcess, as far as it is used. */
export interface ServiceChild<Port> {
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
  postMessage(message: ToService, transfer?: Port[]): void;
  kill(): boolean;
}

export interface ServiceParts<Port> {
  readonly fork: () => ServiceChild<Port>;
  readonly dataFolder: string;
  readonly hubToken: () => string | undefined;
  readonly policy: RestartPolicy;
  readonly onState: (state: ServiceState) => void;
  /** A new process is there, which can be connected to. */
  readonly onProcess: () => void;
  /** The process has ended, whatever the reason. */
  readonly onGone: () => void;
}

/** Milliseconds that a service has to pause what runs and to close its library: a step of a large model takes its time. */
const CLOSING_LIMIT = 20_000;

interface Running<Port> {
  readonly child: ServiceChild<Port>;
  readonly gone: Promise<void>;
}

export class ServiceProcess<Port> {
  readonly #parts: ServiceParts<Port>;
  #running: Running<Port> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #state: ServiceState = { state: 'starting' };
  #isStopping = false;

  constructor(parts: ServiceParts<Port>) {
    this.#parts = parts;
  }

  get state(): ServiceState {
    return this.#state;
  }

  start(): void {
    this.#launch(false);
  }

  /** Starts one that has failed once more. */
  restart(): void {
    if (this.#state.state !== 'failed') return;
    this.#parts.policy.reset();
    this.#launch(true);
  }

  /** The contract is spoken on the port's other end. Returns whether there is a process to speak to. */
  connect(port: Port): boolean {
    this.#running?.child.postMessage({ kind: 'connect' }, [port]);
    return this.#running !== undefined;
  }

  /** The user gave another token, or took it back. */
  passHubToken(): void {
    this.#running?.child.postMessage({ kind: 'hub-token', hubToken: this.#parts.hubToken() ?? null });
  }

  /** Ends it for good: what runs is paused first, for as long as that may take. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    const running = this.#running;
    if (running === undefined) return;
    running.child.postMessage({ kind: 'close' });
    const limit = setTimeout(() => running.child.kill(), CLOSING_LIMIT);
    await running.gone;
    clearTimeout(limit);
  }

  #launch(again: boolean): void {
    const { fork, dataFolder, hubToken, onProcess } = this.#parts;
    this.#tell({ state: 'starting' });
    const child = fork();
    let isRefused = false;
    const gone = new Promise<void>((resolve) => {
      child.on('exit', (code) => {
        // One that was refused may take its time, and another be there already.
        if (this.#running?.child === child) {
          this.#running = undefined;
          this.#parts.onGone();
          if (!isRefused && !this.#isStopping) this.#died(code);
        }
        resolve();
      });
    });
    child.on('message', (data) => {
      const message = fromServiceSchema.parse(data);
      if (message.kind === 'opened') {
        this.#tell({ state: 'running', restarted: again });
        return;
      }
      isRefused = true;
      this.#tell({ state: 'failed', error: message.error });
      child.kill();
    });
    this.#running = { child, gone };
    child.postMessage({ kind: 'open', dataFolder, hubToken: hubToken() ?? null });
    onProcess();
  }

  #died(code: number): void {
    const found = `its process ended with code ${code}`;
    const wait = this.#parts.policy.next();
    if (wait === undefined) {
      const error = new ClaqError('service/died', 'The service ends again and again', {
        found,
        remedy: 'see the log for the reason, then start it again',
      });
      this.#tell({ state: 'failed', error: plainError(error) });
      return;
    }
    this.#tell({ state: 'crashed', message: `The service stopped (${found}) and is started again.` });
    this.#timer = setTimeout(() => this.#launch(true), wait);
  }

  #tell(state: ServiceState): void {
    this.#state = state;
    this.#parts.onState(state);
  }
}
