import type { SessionView } from '@distillery/spec';
import type { CallOptions, Transport } from '../transport.ts';

/** The calls about the session of a browser, which holds its cookie. Programs send an API key instead. */
export function session(transport: Transport) {
  return {
    /**
     * Tells whether requests need an API key, and whose key this client has.
     *
     * @example
     * const { keys, caller } = await client.session.get();
     * if (keys === 'required' && caller === null) console.log('sign in first');
     */
    get: (options: CallOptions = {}): Promise<SessionView> =>
      transport.json<SessionView>({ path: '/v1/session', ...options }),

    /**
     * Exchanges an API key for a session of this browser, by a cookie that scripts cannot read.
     *
     * @throws ApiError `unauthorized` for a key that is not valid
     * @example
     * const { caller } = await createClient('/').session.create('dk_…');
     */
    create: (key: string, options: CallOptions = {}): Promise<SessionView> =>
      transport.json<SessionView>({ path: '/v1/session', method: 'POST', body: { key }, ...options }),

    /**
     * Ends the session of this browser.
     *
     * @example
     * await createClient('/').session.end();
     */
    end: (options: CallOptions = {}): Promise<void> =>
      transport.done({ path: '/v1/session', method: 'DELETE', ...options }),
  };
}
