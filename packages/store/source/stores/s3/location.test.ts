import { expect, test } from 'vitest';
import { s3Location, s3Url } from './location.ts';

test('a URL names the bucket, the prefix and how it is used', () => {
  const location = s3Location(
    new URL('s3://my-bucket/a/b/?region=eu-central-1&encryption=aws:kms&kms_key=k'),
  );
  expect(location).toMatchObject({
    bucket: 'my-bucket',
    prefix: 'a/b/',
    region: 'eu-central-1',
    encryption: 'aws:kms',
    kms_key: 'k',
    conditional_writes: 'required',
    timeout: 30,
    shown: 's3://my-bucket/a/b/',
  });
  expect(s3Location(new URL('s3://my-bucket')).prefix).toBe('');
});

test('a store opens under its own URL elsewhere, with the same copies', () => {
  const location = s3Location(new URL('s3://my-bucket/a?endpoint=http://127.0.0.1:9000&addressing=path'));
  const again = s3Location(new URL(s3Url(location, { folder: '/var/cache/a b', mostBytes: 1000 })));
  expect(again).toMatchObject({
    ...location,
    shown: 's3://my-bucket/a',
    cache: '/var/cache/a b',
    cache_bytes: 1000,
  });
});

test.each([
  ['s3://key:secret@my-bucket/a', /the URL has credentials; set AWS_ACCESS_KEY_ID/],
  ['s3://a', /"a" is not the name of a bucket/],
  ['s3://My_Bucket', /is not the name of a bucket/],
  ['s3://my-bucket/a//b', /"a\/\/b" is not a prefix/],
  ['s3://my-bucket/a%20b', /"a b" is not a prefix/],
  [`s3://my-bucket/${'x'.repeat(101)}`, /at most 100/],
  ['s3://my-bucket/#x', /no #/],
  ['s3://my-bucket?regoin=x', /Unrecognized key: "regoin"; it may have endpoint, region/],
  ['s3://my-bucket?endpoint=ftp://x', /endpoint: Invalid URL/],
  ['s3://my-bucket?timeout=0', /timeout: /],
  ['s3://my-bucket?conditional_writes=no', /conditional_writes: .*"required"\|"unchecked"/],
  ['s3://my-bucket?kms_key=k', /kms_key needs encryption=aws:kms/],
])('%s is refused in one sentence', (url, message) => {
  const read = () => s3Location(new URL(url));
  expect(read).toThrow(message);
  // Never the credentials, nor the options.
  expect(read).toThrow(/^no store can be opened at s3:\/\/[^?@]*: /);
});
