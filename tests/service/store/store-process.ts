/**
 * A process of its own that opens a library (first argument) and adds a model of a name (second argument). With `die` behind
 * them it is killed in the middle of a transaction that adds another.
 */
import { openStore } from '../../../main/service/store/store.ts';
import { MODEL } from './samples.ts';

const [file = '', name = '', end] = process.argv.slice(2);
const store = openStore(file);
store.models.insert({ ...MODEL, name, folder: `/models/${name}` });
if (end === 'die') {
  store.transaction(() => {
    store.models.insert({ ...MODEL, name: 'half-written', folder: '/models/half-written' });
    process.kill(process.pid, 'SIGKILL');
  });
}
store.close();
