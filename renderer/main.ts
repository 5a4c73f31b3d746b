import { createPinia } from 'pinia';
import { createApp } from 'vue';
import { connect } from './api/connect.ts';
import App from './app/App.vue';
import { createAppRouter } from './app/routes.ts';

connect();
createApp(App).use(createPinia()).use(createAppRouter()).mount('#app');
