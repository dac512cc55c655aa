/** VitePress's own theme without its fonts, which weigh more than all the rest, and with what runs on the pages. */
import type { Theme } from 'vitepress';
import DefaultTheme from 'vitepress/theme-without-fonts';
import Program from './Program.vue';
import Tool from './Tool.vue';
import './style.css';

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component('Program', Program);
    app.component('Tool', Tool);
  },
} satisfies Theme;
