import { mount } from 'svelte';
import './app.css';
import App from './App.svelte';
import { i18n } from './i18n/index.svelte';
import { useTheme } from './lib/theme';

i18n.use('system');
useTheme('system');
mount(App, { target: document.getElementById('app')! });
