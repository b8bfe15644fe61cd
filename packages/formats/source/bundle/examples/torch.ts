import type { Preparation } from '../preparation.ts';
import { pythonExample } from './python.ts';
import { torchNetwork } from './torch-network.ts';

/** How each file of tensors is read: the lines that set `metadata` and `state`. */
const readers = {
  safetensors: {
    imports: 'import torch\nfrom safetensors import safe_open',
    packages: 'torch safetensors',
    lines: `with safe_open(folder / "model.safetensors", "pt") as file:
    metadata, state = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}`,
  },
  torch: {
    imports: 'import torch, zipfile',
    packages: 'torch',
    lines: `metadata = json.loads(zipfile.ZipFile(folder / "model.pt").read("archive/extra/metadata.json"))
state = torch.load(folder / "model.pt", weights_only=True)`,
  },
  npz: {
    imports: 'import torch',
    packages: 'torch',
    lines: `arrays = np.load(folder / "model.npz")
metadata = json.loads(arrays["metadata.json"])
state = {name: torch.from_numpy(arrays[name]) for name in arrays.files if name != "metadata.json"}`,
  },
} as const;

/** An example that runs a file of tensors in PyTorch, with the module that rebuilds the network from its graph. */
export function torchExample(format: keyof typeof readers, preparation: Preparation): Record<string, string> {
  const { imports, packages, lines } = readers[format];
  const compute = `${lines}
logits = compute(json.loads(metadata["graph"]), state, torch.from_numpy(x))[0].numpy()`;
  return {
    'network.py': torchNetwork,
    'example.py': pythonExample(preparation, {
      packages,
      imports: `${imports}\nfrom network import compute`,
      compute,
    }),
  };
}
