export { type AppOptions, buildApp } from './app.ts';
export { collectLeftovers } from './artifacts/collect.ts';
export { type Swept, sweepStore } from './artifacts/sweep.ts';
export { openApiDocument } from './document.ts';
export { createLogger } from './logger.ts';
export type { Catalogue, Services } from './services.ts';
export { type ApiOptions, type RunningApi, startApi } from './start.ts';
