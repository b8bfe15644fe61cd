"""The networks of packages/models in plain PyTorch: the same layers, with the same names of parameters.

`network(x, maps)` returns the logits. To `maps`, where a list is given, it appends what a feature loss compares: the
output of each stage, [batch, channels, height, width], or of each layer of a transformer, [batch, tokens, width].

    python networks.py '[{"architecture": {"type": "resnet", "depth": 20, "width": 1}, "task": {"classes": 10}}, …]'

prints the number of trained parameters of each network, as a JSON list.
"""

import json
import sys

import torch
from torch import nn
from torch.nn import functional
from torch.nn.functional import channel_shuffle, relu


def conv(inputs, outputs, kernel=3, stride=1, groups=1):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)


def means(x):
    return x.mean((2, 3))


def noted(x, maps):
    if maps is not None:
        maps.append(x)
    return x


class Tutorial(nn.Module):
    """A network of the tutorial on knowledge distillation: a stage ends with a pooling."""

    def __init__(self, features, classifier):
        super().__init__()
        self.features, self.classifier = nn.Sequential(*features), nn.Sequential(*classifier)

    def forward(self, x, maps=None):
        for layer in self.features:
            x = layer(x)
            if isinstance(layer, nn.MaxPool2d):
                noted(x, maps)
        return self.classifier(torch.flatten(x, 1))


def deep_nn(task, dropout):
    features = [
        nn.Conv2d(3, 128, 3, padding=1), nn.ReLU(),
        nn.Conv2d(128, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2),
        nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(),
        nn.Conv2d(64, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2),
    ]
    return Tutorial(
        features, [nn.Linear(2048, 512), nn.ReLU(), nn.Dropout(dropout), nn.Linear(512, task["classes"])]
    )


def light_nn(task, dropout):
    features = [
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2),
        nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2),
    ]
    return Tutorial(
        features, [nn.Linear(1024, 256), nn.ReLU(), nn.Dropout(dropout), nn.Linear(256, task["classes"])]
    )


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = conv(outputs, outputs), nn.BatchNorm2d(outputs)
        fits = (inputs, stride) == (outputs, 1)
        shortcut = [] if fits else [conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)]
        self.downsample = nn.Sequential(*shortcut)

    def forward(self, x):
        y = relu(self.bn1(self.conv1(x)))
        return relu(self.bn2(self.conv2(y)) + self.downsample(x))


class ResNet(nn.Module):
    def __init__(self, task, depth, width):
        super().__init__()
        stem, *stages = {1: (16, 16, 32, 64), 4: (32, 64, 128, 256)}[width]
        self.conv1, self.bn1 = conv(3, stem), nn.BatchNorm2d(stem)
        self.layer1, self.layer2, self.layer3 = stages_of(Block, stem, stages, (depth - 2) // 6)
        self.fc = nn.Linear(stages[-1], task["classes"])

    def forward(self, x, maps=None):
        x = relu(self.bn1(self.conv1(x)))
        for stage in (self.layer1, self.layer2, self.layer3):
            x = noted(stage(x), maps)
        return self.fc(means(x))


def stages_of(block, inputs, widths, count):
    """Yields the stages of a residual network; all but the first begin with a stride of 2."""
    for index, width in enumerate(widths):
        first = block(inputs, width, 1 if index == 0 else 2)
        yield nn.Sequential(first, *[block(width, width, 1) for _ in range(count - 1)])
        inputs = width


class PreBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv(inputs, outputs, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(outputs), conv(outputs, outputs)
        self.convShortcut = None if inputs == outputs else conv(inputs, outputs, 1, stride)

    def forward(self, x):
        y = relu(self.bn1(x))
        z = self.conv2(relu(self.bn2(self.conv1(y))))
        return z + (x if self.convShortcut is None else self.convShortcut(y))


class Layer(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)


class WideResNet(nn.Module):
    def __init__(self, task, depth, width):
        super().__init__()
        widths = [16 * width, 32 * width, 64 * width]
        self.conv1 = conv(3, 16)
        self.block1, self.block2, self.block3 = map(Layer, stages_of(PreBlock, 16, widths, (depth - 4) // 6))
        self.bn1, self.fc = nn.BatchNorm2d(widths[-1]), nn.Linear(widths[-1], task["classes"])

    def forward(self, x, maps=None):
        x = self.conv1(x)
        for stage in (self.block1, self.block2, self.block3):
            x = noted(stage(x), maps)
        return self.fc(means(relu(self.bn1(x))))


class VGG(nn.Module):
    """For images of 32×32 pixels: the last two blocks have maps of the same size."""

    COUNTS = {8: (1, 1, 1, 1, 1), 11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}

    def __init__(self, task, depth):
        super().__init__()
        inputs = 3
        for index, (count, width) in enumerate(zip(self.COUNTS[depth], (64, 128, 256, 512, 512))):
            layers = []
            for _ in range(count):
                layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
                inputs = width
            setattr(self, f"block{index}", nn.Sequential(*layers))
        self.classifier = nn.Linear(512, task["classes"])

    def forward(self, x, maps=None):
        for index in range(5):
            if 0 < index < 4:
                x = functional.max_pool2d(x, 2)
            x = noted(getattr(self, f"block{index}")(x), maps)
        return self.classifier(means(x))


class Inverted(nn.Module):
    def __init__(self, inputs, outputs, expansion, stride):
        super().__init__()
        inner, self.keeps = inputs * expansion, stride == 1 and inputs == outputs
        self.conv = nn.Sequential(
            conv(inputs, inner, 1), nn.BatchNorm2d(inner), nn.ReLU(),
            conv(inner, inner, 3, stride, inner), nn.BatchNorm2d(inner), nn.ReLU(),
            conv(inner, outputs, 1), nn.BatchNorm2d(outputs),
        )

    def forward(self, x):
        return x + self.conv(x) if self.keeps else self.conv(x)


class MobileNetV2(nn.Module):
    """Groups of blocks: expansion, channels at width 1, blocks, stride, and whether a stage ends with the group."""

    GROUPS = (
        (1, 16, 1, 1, False), (6, 24, 2, 1, True), (6, 32, 3, 2, True), (6, 64, 4, 2, False),
        (6, 96, 3, 1, True), (6, 160, 3, 2, False), (6, 320, 1, 1, True),
    )

    def __init__(self, task, width):
        super().__init__()
        inputs = int(32 * width)
        self.conv1 = nn.Sequential(conv(3, inputs, 3, 2), nn.BatchNorm2d(inputs), nn.ReLU())
        groups = []
        for expansion, channels, count, stride, _ in self.GROUPS:
            outputs, blocks = int(channels * width), []
            for block in range(count):
                blocks.append(Inverted(inputs, outputs, expansion, stride if block == 0 else 1))
                inputs = outputs
            groups.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*groups)
        self.conv2 = nn.Sequential(conv(inputs, 1280, 1), nn.BatchNorm2d(1280), nn.ReLU())
        self.classifier = nn.Sequential(nn.Linear(1280, task["classes"]))

    def forward(self, x, maps=None):
        x = self.conv1(x)
        for group, (*_, ends) in zip(self.blocks, self.GROUPS):
            x = group(x)
            if ends:
                noted(x, maps)
        return self.classifier(means(self.conv2(x)))


class Keeping(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1, self.bn1 = conv(width, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3, 1, width), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = conv(width, width, 1), nn.BatchNorm2d(width)

    def forward(self, x):
        left, right = x.chunk(2, 1)
        right = self.bn2(self.conv2(relu(self.bn1(self.conv1(right)))))
        return channel_shuffle(torch.cat([left, relu(self.bn3(self.conv3(right)))], 1), 2)


class Halving(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, inputs, 3, 2, inputs), nn.BatchNorm2d(inputs)
        self.conv2, self.bn2 = conv(inputs, outputs, 1), nn.BatchNorm2d(outputs)
        self.conv3, self.bn3 = conv(inputs, outputs, 1), nn.BatchNorm2d(outputs)
        self.conv4, self.bn4 = conv(outputs, outputs, 3, 2, outputs), nn.BatchNorm2d(outputs)
        self.conv5, self.bn5 = conv(outputs, outputs, 1), nn.BatchNorm2d(outputs)

    def forward(self, x):
        left = relu(self.bn2(self.conv2(self.bn1(self.conv1(x)))))
        right = self.bn4(self.conv4(relu(self.bn3(self.conv3(x)))))
        return channel_shuffle(torch.cat([left, relu(self.bn5(self.conv5(right)))], 1), 2)


class ShuffleNetV2(nn.Module):
    def __init__(self, task, width):
        super().__init__()
        self.conv1, self.bn1, inputs = conv(3, 24, 1), nn.BatchNorm2d(24), 24
        widths = {0.5: (48, 96, 192), 1: (116, 232, 464), 1.5: (176, 352, 704)}[width]
        for index, (outputs, count) in enumerate(zip(widths, (4, 8, 4))):
            kept = [Keeping(outputs // 2) for _ in range(count - 1)]
            setattr(self, f"layer{index + 1}", nn.Sequential(Halving(inputs, outputs // 2), *kept))
            inputs = outputs
        self.conv2, self.bn2 = conv(inputs, 1024, 1), nn.BatchNorm2d(1024)
        self.linear = nn.Linear(1024, task["classes"])

    def forward(self, x, maps=None):
        x = relu(self.bn1(self.conv1(x)))
        for stage in (self.layer1, self.layer2, self.layer3):
            x = noted(stage(x), maps)
        return self.linear(means(relu(self.bn2(self.conv2(x)))))


class Attention(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x, mask):
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        rate = self.dropout if self.training else 0.0
        y = functional.scaled_dot_product_attention(q, k, v, mask, rate)
        return functional.dropout(self.proj(y.transpose(1, 2).flatten(2)), self.dropout, self.training)


class Mlp(nn.Module):
    def __init__(self, width, hidden, dropout):
        super().__init__()
        self.fc1, self.fc2, self.drop = nn.Linear(width, hidden), nn.Linear(hidden, width), nn.Dropout(dropout)

    def forward(self, x):
        return self.drop(self.fc2(self.drop(functional.gelu(self.fc1(x)))))


class Encoder(nn.Module):
    """A layer of a transformer with LayerNorm before attention and MLP."""

    def __init__(self, width, heads, ratio, dropout, epsilon):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width, epsilon), Attention(width, heads, dropout)
        self.norm2, self.mlp = nn.LayerNorm(width, epsilon), Mlp(width, round(ratio * width), dropout)

    def forward(self, x, mask=None):
        x = x + self.attn(self.norm1(x), mask)
        return x + self.mlp(self.norm2(x))


class Patches(nn.Module):
    def __init__(self, width, patch):
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, patch)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class ViT(nn.Module):
    """For images of 32×32 pixels."""

    SIZES = {"tiny": (192, 12, 3), "small": (384, 12, 6)}

    def __init__(self, task, size, patch, mlpRatio, dropout, distillationToken, width=None, depth=None, heads=None):
        super().__init__()
        width, depth, heads = (own or usual for own, usual in zip((width, depth, heads), self.SIZES[size]))
        count = (32 // patch) ** 2 + 1 + distillationToken
        self.patch_embed, self.pos_drop = Patches(width, patch), nn.Dropout(dropout)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.dist_token = nn.Parameter(torch.zeros(1, 1, width)) if distillationToken else None
        self.pos_embed = nn.Parameter(torch.zeros(1, count, width))
        self.blocks = nn.ModuleList(Encoder(width, heads, mlpRatio, dropout, 1e-6) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(width, 1e-6), nn.Linear(width, task["classes"])
        self.head_dist = nn.Linear(width, task["classes"]) if distillationToken else None

    def forward(self, x, maps=None):
        tokens = [token.expand(len(x), -1, -1) for token in (self.cls_token, self.dist_token) if token is not None]
        x = self.pos_drop(torch.cat([*tokens, self.patch_embed(x)], 1) + self.pos_embed)
        for block in self.blocks:
            x = noted(block(x), maps)
        x = self.norm(x)
        if self.head_dist is None:
            return self.head(x[:, 0])
        return (self.head(x[:, 0]) + self.head_dist(x[:, 1])) / 2


class Text(nn.Module):
    """The token 0 is padding, which attention and the mean leave out."""

    def __init__(self, task, width, depth, heads, mlpRatio, dropout):
        super().__init__()
        self.token_embed = nn.Embedding(task["vocabulary"], width)
        self.pos_embed, self.pos_drop = nn.Parameter(torch.zeros(1, task["length"], width)), nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Encoder(width, heads, mlpRatio, dropout, 1e-5) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, task["classes"])

    def forward(self, ids, maps=None):
        present = ids != 0
        x = self.pos_drop(self.token_embed(ids) + self.pos_embed)
        for block in self.blocks:
            x = noted(block(x, present[:, None, None, :]), maps)
        return self.head((self.norm(x) * present[..., None]).sum(1) / present.sum(1, keepdim=True))


KINDS = {
    "deepnn": deep_nn, "lightnn": light_nn, "resnet": ResNet, "wide_resnet": WideResNet, "vgg": VGG,
    "mobilenet_v2": MobileNetV2, "shufflenet_v2": ShuffleNetV2, "vit": ViT, "text_transformer": Text,
}


def network_of(architecture, task):
    """Returns a network by its architecture in a job, with every default filled in, and the task: the number of
    classes, for texts also the vocabulary and the length."""
    options = {name: value for name, value in architecture.items() if name != "type"}
    return KINDS[architecture["type"]](task, **options)


def parameter_count(network):
    return sum(parameter.numel() for parameter in network.parameters())


if __name__ == "__main__":
    print(json.dumps([parameter_count(network_of(**described)) for described in json.loads(sys.argv[1])]))
