/** The screens and their addresses. The first comes with the program, each other is loaded when it is first shown. */
import { createRouter, createWebHistory, type Router, type RouteRecordRaw } from 'vue-router';
import LibraryScreen from '../library/LibraryScreen.vue';

const routes: RouteRecordRaw[] = [
  { path: '/', redirect: '/library' },
  { path: '/library', name: 'library', component: LibraryScreen },
  { path: '/models/:id(\\d+)', name: 'model', component: () => import('../library/ModelScreen.vue') },
  {
    path: '/models/:id(\\d+)/inspect',
    name: 'inspect',
    component: () => import('../inspect/InspectScreen.vue'),
  },
  { path: '/models/:id(\\d+)/run', name: 'new-run', component: () => import('../run/NewRun.vue') },
  { path: '/models/:id(\\d+)/budget', name: 'budget', component: () => import('../budget/BudgetScreen.vue') },
  { path: '/runs', name: 'runs', component: () => import('../run/RunList.vue') },
  { path: '/runs/:id(\\d+)', name: 'run', component: () => import('../run/RunScreen.vue') },
  { path: '/settings', name: 'settings', component: () => import('../settings/SettingsScreen.vue') },
  { path: '/:rest(.*)*', name: 'not-found', component: () => import('./NotFound.vue') },
];

export function createAppRouter(): Router {
  return createRouter({ history: createWebHistory(), routes });
}
