export { ApiError } from './api-error.ts';
export { type Client, createClient, type WatchOptions, type WeightsChoice } from './client.ts';
export type { FollowOptions } from './events.ts';
