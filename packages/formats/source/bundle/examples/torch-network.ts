/**
 * A module in Python that runs the graph of a network in PyTorch: every operation of `networkGraphSchema`, so that a file of tensors
 * needs no other code. It computes in evaluation.
 */
export const torchNetwork = `"""Runs a network of Distillery in PyTorch from its graph and parameters: compute(graph, state, x) returns the logits."""
import math
import torch
from torch.nn import functional as f

# Maps are [batch, channels, height, width] here, while the graph has their shapes as [height, width, channels].


def compute(graph, state, x):
    values, shapes = [x], [graph["input"]]
    for node in graph["nodes"]:
        name, inputs = node.get("name"), [values[i] for i in node["inputs"]]
        part = lambda last: state[f"{name}.{last}"].float()
        values.append(operations[node["op"]](node, part, state, [shapes[i] for i in node["inputs"]], *inputs))
        shapes.append(node["shape"])
    return values[graph["output"]]


def bias(node, part):
    return part("bias") if node.get("bias") else None


def norm(node, part, state, shapes, x):
    tokens = len(shapes[0]) == 2
    y = x.transpose(1, 2) if tokens else x
    y = f.batch_norm(y, part("running_mean"), part("running_var"), part("weight"), part("bias"), False, 0, node["epsilon"])
    return y.transpose(1, 2) if tokens else y


def layer_norm(node, part, state, shapes, x):
    return over_last(shapes, x, lambda y: f.layer_norm(y, [y.shape[-1]], part("weight"), part("bias"), node["epsilon"]))


def over_last(shapes, x, apply):
    return apply(x.movedim(1, -1)).movedim(-1, 1) if len(shapes[0]) == 3 else apply(x)


def channels(shapes):
    return 1 if len(shapes[0]) == 3 else -1


def heads(x, count):
    return x.unflatten(-1, (count, -1)).transpose(1, 2)


def scores(node, q, k):
    q, k = heads(q, node["heads"]), heads(k, node["heads"])
    return q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])


def attention(node, part, state, shapes, q, k, v, mask=None):
    s = scores(node, q, k)
    if mask is not None:
        s = s.masked_fill(mask[:, None, None] == 0, -1e9)
    return (s.softmax(-1) @ heads(v, node["heads"])).transpose(1, 2).flatten(2)


def mean_of_tokens(node, part, state, shapes, x, mask=None):
    return x.mean(1) if mask is None else (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)


def segments(node, part, state, shapes, x, ids):
    first, second = part("weight")
    behind = (ids == node.get("separator", -1)).float()
    behind = (behind.cumsum(1) - behind).clamp(max=1)
    return x + first + behind[..., None] * (second - first)


def enlarge(node, part, state, shapes, x):
    factor = node["factor"]
    return f.conv_transpose2d(x, part("weight"), bias(node, part), factor, factor // 2)


functions = {
    "sigmoid": torch.sigmoid, "silu": f.silu, "hard_sigmoid": f.hardsigmoid, "hard_swish": f.hardswish, "tanh": torch.tanh,
}
operations = {
    "conv": lambda n, p, s, h, x: f.conv2d(x, p("weight"), bias(n, p), n["stride"], n["padding"]),
    "depthwise": lambda n, p, s, h, x: f.conv2d(x, p("weight"), bias(n, p), n["stride"], n["padding"], groups=x.shape[1]),
    "enlarge": enlarge,
    "linear": lambda n, p, s, h, x: over_last(h, x, lambda y: f.linear(y, p("weight"), bias(n, p))),
    "batchNorm": norm,
    "layerNorm": layer_norm,
    "relu": lambda n, p, s, h, x: x.relu(),
    "relu6": lambda n, p, s, h, x: f.relu6(x),
    "gelu": lambda n, p, s, h, x: f.gelu(x),
    "maxPool": lambda n, p, s, h, x: f.max_pool2d(x, n["size"], n["stride"], n.get("padding", 0)),
    "activate": lambda n, p, s, h, x: functions[n["by"]](x),
    "averagePool": lambda n, p, s, h, x: f.avg_pool2d(x, n["size"], n["stride"]),
    "globalAveragePool": lambda n, p, s, h, x: x.mean((2, 3)),
    "meanMap": lambda n, p, s, h, x: x.mean((2, 3), keepdim=True),
    "flatten": lambda n, p, s, h, x: x.flatten(1),
    "add": lambda n, p, s, h, x, y: x + y,
    "multiply": lambda n, p, s, h, x, y: x * y,
    "channelScale": lambda n, p, s, h, x: x * s[n["name"]].float(),
    "scale": lambda n, p, s, h, x: x * n["factor"],
    "concat": lambda n, p, s, h, *maps: torch.cat(maps, 1),
    "slice": lambda n, p, s, h, x: x.narrow(channels(h), n["from"], n["to"] - n["from"]),
    "shuffle": lambda n, p, s, h, x: f.channel_shuffle(x, n["groups"]),
    "tokens": lambda n, p, s, h, x: x.flatten(2).transpose(1, 2),
    "embedding": lambda n, p, s, h, ids: p("weight")[ids.long()],
    "prepend": lambda n, p, s, h, x: torch.cat([s[n["name"]].float().expand(len(x), -1, -1), x], 1),
    "positions": lambda n, p, s, h, x: x + s[n["name"]].float(),
    "positionTable": lambda n, p, s, h, x: x + p("weight")[: x.shape[1]],
    "segments": segments,
    "token": lambda n, p, s, h, x: x[:, n["index"]],
    "meanOfTokens": mean_of_tokens,
    "present": lambda n, p, s, h, ids: (ids != n["padding"]).float(),
    "attention": attention,
    "attentionScores": lambda n, p, s, h, q, k, *mask: scores(n, q, k) * (mask[0][:, None, None] if mask else 1),
    "freeParameter": lambda n, p, s, h: s[n["name"]].float(),
}
`;
