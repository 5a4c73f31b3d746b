/** process.parentPort as a utility process has it, over the channel of a child process (electron-22.cjs is the other end). */
import { EventEmitter } from 'node:events';

class Port extends EventEmitter {
  #number;
  #waiting = [];
  #isStarted = false;

  constructor(number) {
    super();
    this.#number = number;
  }

  postMessage(data) {
    if (process.connected) process.send({ port: this.#number, data });
  }

  start() {
    this.#isStarted = true;
    for (const data of this.#waiting.splice(0)) this.emit('message', { data });
  }

  receive(data) {
    if (this.#isStarted) this.emit('message', { data });
    else this.#waiting.push(data);
  }
}

const ports = new Map();
process.parentPort = new EventEmitter();
process.parentPort.postMessage = (data) => process.send({ data });
process.on('message', (message) => {
  if (message.port !== undefined) ports.get(message.port)?.receive(message.data);
  else if (message.closed !== undefined) {
    ports.get(message.closed)?.emit('close');
    ports.delete(message.closed);
  } else {
    for (const number of message.ports) ports.set(number, new Port(number));
    process.parentPort.emit('message', {
      data: message.data,
      ports: message.ports.map((number) => ports.get(number)),
    });
  }
});
// As with a utility process, whose parent ends it.
process.on('disconnect', () => process.exit(0));
