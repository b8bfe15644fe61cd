import { expect, test } from 'vitest';
import { etaSeconds, type StageMeasure, type Waiting } from './estimate.ts';
import type { Claim, Standing } from './standing.ts';

// At this pace a stage of 8 units takes 1 + 8 + 1 seconds.
const pace = { before: 1, after: 1, perWork: 1 };
const standing = (backlog: Claim[] = [], slots = 1): Standing => ({
  slots,
  capabilities: [],
  paces: { kinds: { train: pace, report: { before: 1, after: 0, perWork: null } } },
  backlog,
});
const stage = (id: string, needs: string[] = [], more: Partial<StageMeasure> = {}): StageMeasure => ({
  id,
  kind: 'train',
  needs,
  state: needs.length === 0 ? 'queued' : 'waiting',
  work: 8,
  fraction: 0,
  furthest: 0,
  measuredAt: null,
  from: null,
  ...more,
});
const report = (needs: string[]) => stage('report', needs, { kind: 'report', work: 0 });
const own: Waiting = { id: 'b', rank: 10, owner: 'me', begun: false };
const claim = (id: string, seconds: number, more: Partial<Claim> = {}): Claim => ({
  ...own,
  id,
  seconds,
  runningSeconds: 0,
  ...more,
});

test('fixed costs count, and stages that need each other run in turn, others side by side on free trainers', () => {
  const chain = [stage('one'), stage('two', ['one']), report(['two'])];
  expect(etaSeconds(own, chain, standing([], 1))).toBe(21);
  expect(etaSeconds(own, chain, standing([], 4))).toBe(21);
  const fan = [stage('one'), stage('two'), stage('three'), report(['one', 'two', 'three'])];
  expect(etaSeconds(own, fan, standing([], 1))).toBe(31);
  expect(etaSeconds(own, fan, standing([], 2))).toBe(21);
  expect(etaSeconds(own, fan, standing([], 3))).toBe(11);
});

test('a report that waits for its turn still takes its time', () => {
  const stages = [stage('one', [], { state: 'succeeded' }), report([])];
  expect(etaSeconds(own, stages, standing())).toBe(1);
});

test('the measured rate of a stage counts, also for the stages that follow', () => {
  // A quarter of the work, 2 units, took 4 s: twice as long as the pace says.
  const running = {
    state: 'running',
    fraction: 0.5,
    furthest: 0.5,
    from: { fraction: 0.25, at: 0 },
  } as const;
  const stages = [stage('one', [], { ...running, measuredAt: 4000 }), stage('two', ['one'])];
  expect(etaSeconds(own, stages, standing())).toBe(8 + 1 + (1 + 16 + 1));
});

test('a stage that resumes has done what it has reached before, while it loads', () => {
  const stages = [stage('one', [], { state: 'running', furthest: 0.75 })];
  expect(etaSeconds(own, stages, standing())).toBe(1 + 2 + 1);
});

test('jobs with a higher priority and those of the same owner that come first are waited for, later ones are not', () => {
  const stages = [stage('one')];
  const eta = (...backlog: Claim[]) => etaSeconds(own, stages, standing(backlog));
  expect(eta(claim('b', 1000))).toBe(10);
  expect(eta(claim('a', 100))).toBe(110);
  expect(eta(claim('c', 100))).toBe(10);
  expect(eta(claim('c', 100, { begun: true }))).toBe(110);
  expect(eta(claim('c', 100, { rank: 9 }))).toBe(110);
  expect(eta(claim('a', 100, { rank: 11 }))).toBe(10);
  expect(eta(claim('a', 100, { rank: 11, runningSeconds: 7 }))).toBe(17);
});

test('another owner gets as much as this one, or what it needs', () => {
  const stages = [stage('one')];
  const eta = (...backlog: Claim[]) => etaSeconds(own, stages, standing(backlog));
  expect(eta(claim('a', 1000, { owner: 'you' }))).toBe(20);
  expect(eta(claim('a', 4, { owner: 'you' }))).toBe(14);
  expect(eta(claim('a', 30), claim('0', 1000, { owner: 'you' }))).toBe(80);
});

test('without a worker or any speed there is no estimate', () => {
  expect(etaSeconds(own, [stage('one')], standing([], 0))).toBeNull();
  const unknown = { ...standing(), paces: { kinds: {} } };
  expect(etaSeconds(own, [stage('one')], unknown)).toBeNull();
  expect(etaSeconds(own, [report([])], unknown)).toBe(2.5);
});
