import { createPinia } from 'pinia';
import { createApp } from 'vue';
import { connect } from './api/connect.ts';
import App from './app/App.vue';
import { loadAhead } from './app/load-ahead.ts';
import { createAppRouter } from './app/routes.ts';
import { showFaults } from './app/show-faults.ts';

connect();
const router = createAppRouter();
const app = createApp(App).use(createPinia()).use(router);
showFaults(app, router);
app.mount('#app');
loadAhead();
