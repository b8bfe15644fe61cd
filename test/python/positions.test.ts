import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { resizedPositions } from '@distillery/training';
import { expect, test } from 'vitest';
import { pythonTimeout, pythonWith } from '../testing/python.ts';

const script = `
import json, sys, torch
table, width, cases = json.loads(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
answer = []
for before, side, to in cases:
    rows = torch.tensor(table)[: (before + side * side) * width].reshape(-1, width)
    grid = rows[before:].reshape(1, side, side, width).permute(0, 3, 1, 2)
    grid = torch.nn.functional.interpolate(grid, size=(to, to), mode="bicubic", align_corners=False)
    answer.append(torch.cat([rows[:before], grid.permute(0, 2, 3, 1).reshape(-1, width)]).flatten().tolist())
print(json.dumps(answer))
`;

test("position embeddings are resized as PyTorch's bicubic interpolation does", {
  timeout: pythonTimeout + 60_000,
}, async (context) => {
  const python = await pythonWith(['torch', 'numpy']);
  if (python === undefined) return context.skip('no Python with torch can be had here');
  const width = 3;
  const cases = [
    [1, 2, 3],
    [1, 7, 4],
    [2, 4, 14],
    [1, 14, 6],
  ];
  const table = Float32Array.from({ length: 200 * width }, (_, i) => Math.sin(12.9898 * i));
  const given = [JSON.stringify([...table]), String(width), JSON.stringify(cases)];
  const { stdout } = await promisify(execFile)(python, ['-c', script, ...given]);
  const expected = JSON.parse(stdout) as number[][];
  for (const [index, [before, from, to]] of cases.entries()) {
    const resized = resizedPositions(table, width, { before, from, to });
    expect(resized).toHaveLength(expected[index].length);
    resized.forEach((value, i) => expect(value).toBeCloseTo(expected[index][i], 5));
  }
});
