import { render } from 'preact';
import { App } from './app.tsx';
import { followLinks } from './router/location.ts';
import { matchPage } from './router/match.ts';
import './styles/tokens.css';
import './styles/base.css';
import './styles/frame.css';
import './styles/controls.css';
import './styles/blocks.css';
import './styles/tables.css';
import './styles/charts.css';
import './styles/overlays.css';
import './styles/phone.css';

followLinks((path) => path === '/' || matchPage(path) !== undefined);
render(<App />, document.querySelector('#page') as HTMLElement);
