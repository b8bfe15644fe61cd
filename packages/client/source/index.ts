export { ApiError, type Client, createClient, type WatchOptions, type WeightsChoice } from './client.ts';
