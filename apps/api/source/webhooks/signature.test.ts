import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { signedHeaders } from './signature.ts';

const secret = () => `whsec_${randomBytes(32).toString('base64')}`;
const payload = JSON.stringify({ type: 'job.succeeded', data: { name: 'Größe ≥ 1' } });

test('the published library verifies a signature, of the new and of the old secret', () => {
  const [fresh, old] = [secret(), secret()];
  const headers = signedHeaders([fresh, old], '1769853600000-7', Math.floor(Date.now() / 1000), payload);
  for (const one of [fresh, old])
    expect(new Webhook(one).verify(payload, headers)).toEqual(JSON.parse(payload));
  expect(() => new Webhook(secret()).verify(payload, headers)).toThrow('No matching signature found');
  expect(() => new Webhook(fresh).verify(payload.replace('1', '2'), headers)).toThrow(
    'No matching signature found',
  );
  expect(() => new Webhook(fresh).verify(payload, { ...headers, 'webhook-id': '1769853600000-8' })).toThrow(
    'No matching signature found',
  );
});

test('the signature is that of the specification', () => {
  // The example of the reference implementations.
  const headers = signedHeaders(
    ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    'msg_p5jXN8AQM9LWM0D4loKWxJek',
    1614265330,
    '{"test": 2432232314}',
  );
  expect(headers).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});
