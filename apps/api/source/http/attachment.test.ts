import { expect, test } from 'vitest';
import { attachment } from './attachment.ts';

test('an ASCII name has one form', () => {
  expect(attachment('First-Try-soft.safetensors')).toBe('attachment; filename="First-Try-soft.safetensors"');
});

test('another name has a form for clients that know only ASCII, and its own', () => {
  expect(attachment('Füße-模型.npz')).toBe(
    'attachment; filename="Fu-e--.npz"; filename*=UTF-8\'\'F%C3%BC%C3%9Fe-%E6%A8%A1%E5%9E%8B.npz',
  );
  expect(attachment("é(1)*'.npz")).toBe(
    "attachment; filename=\"e(1)*'.npz\"; filename*=UTF-8''%C3%A9%281%29%2A%27.npz",
  );
});
