import { accessOf } from './access.ts';
import { buildApp } from './app.ts';
import type { Catalogue, Services } from './services.ts';

/** Returns the OpenAPI 3.1 description without a running service: no route is called, so none needs Redis or a store. */
export async function openApiDocument(catalogue: Catalogue) {
  const services = { catalogue } as Services;
  const app = await buildApp({ ...services, access: accessOf({}, '127.0.0.1') });
  try {
    return app.swagger();
  } finally {
    await app.close();
  }
}
