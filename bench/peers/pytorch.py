"""The other side of the benchmark: PyTorch trains the networks of `networks.py` on inputs in memory.

Its ways are those of people: as it comes (NCHW, eager), with channels-last memory, and that through torch.compile; in
bfloat16 each with autocast. What is better than in practice: inputs are float tensors, normalised before the clock
starts, batches are slices of them (no DataLoader), and a stored teacher's logits and maps are tensors that are ready.
The experiment is PyTorch's tutorial on knowledge distillation, with its networks, losses and loops:
https://docs.pytorch.org/tutorials/beginner/knowledge_distillation_tutorial.html

`bench/protocol.ts` describes the messages.
"""

import json
import platform
import resource
import sys
import time

import torch
from networks import network_of
from torch import nn, optim
from torch.nn import functional

EPOCHS = 10
DEEP, LIGHT = ({"type": kind, "dropout": 0.1} for kind in ("deepnn", "lightnn"))


def soft_target(logits, _maps, labels, teacher):
    """.25 of the tutorial's loss between softened predictions, with T = 2, and .75 of cross-entropy."""
    soft_targets = functional.softmax(teacher[0] / 2, dim=-1)
    soft_prob = functional.log_softmax(logits / 2, dim=-1)
    distillation = torch.sum(soft_targets * (soft_targets.log() - soft_prob)) / soft_prob.size()[0] * 2**2
    return 0.25 * distillation + 0.75 * functional.cross_entropy(logits, labels)


def attention(logits, maps, labels, teacher):
    def energy(x):
        return functional.normalize(x.pow(2).mean(1).flatten(1))

    distillation = sum((energy(own) - energy(other)).pow(2).mean() for own, other in zip(maps, teacher[1], strict=True))
    return 1000 * distillation + functional.cross_entropy(logits, labels)


def hidden_states(logits, maps, labels, teacher):
    distillation = sum(functional.mse_loss(own, other) for own, other in zip(maps, teacher[1], strict=True))
    return distillation + functional.cross_entropy(logits, labels)


def cosine(logits, maps, labels, teacher):
    hidden = torch.flatten(maps[-1], 1)
    pooled = functional.avg_pool1d(torch.flatten(teacher[1][-1], 1), 2)
    distillation = functional.cosine_embedding_loss(hidden, pooled, torch.ones(len(hidden)))
    return 0.25 * distillation + 0.75 * functional.cross_entropy(logits, labels)


def plain(logits, _maps, labels, _teacher):
    return functional.cross_entropy(logits, labels)


class Hint(nn.Module):
    """The tutorial's regressor and its loss."""

    def __init__(self):
        super().__init__()
        self.regressor = nn.Conv2d(16, 32, 3, padding=1)

    def forward(self, logits, maps, labels, teacher):
        distillation = functional.mse_loss(self.regressor(maps[-1]), teacher[1][-1])
        return 0.25 * distillation + 0.75 * functional.cross_entropy(logits, labels)


FEATURES = {"attention": attention, "hidden_states": hidden_states}


class Way:
    """The way in which PyTorch runs: the memory layout, torch.compile and the precision."""

    def __init__(self, channelsLast, compiled, precision):
        self.layout = torch.channels_last if channelsLast else torch.contiguous_format
        self.compiled = compiled
        self.lower = precision == "bfloat16"

    def placed(self, of):
        """Returns a network, or a tensor of any shape, in the layout; channels-last is for four axes."""
        is_map = isinstance(of, nn.Module) or of.dim() == 4
        return of.to(memory_format=self.layout) if is_map else of

    def autocast(self):
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.lower)


class Trainer:
    """A network in training. `teach` returns a teacher's logits and maps for a batch."""

    def __init__(self, way, network, loss, teach=None):
        self.way, self.loss, self.teach = way, loss, teach
        self.network = way.placed(network).train()
        self.run = torch.compile(self.network) if way.compiled else self.network
        parameters = list(network.parameters())
        if isinstance(loss, nn.Module):
            parameters += way.placed(loss).parameters()
        self.reads_maps = loss not in (plain, soft_target)
        self.optimizer = optim.Adam(parameters, lr=1e-3)

    def step(self, inputs, labels, stored=None):
        self.optimizer.zero_grad()
        with self.way.autocast():
            teacher = stored if self.teach is None else self.teach(inputs)
            maps = [] if self.reads_maps else None
            loss = self.loss(self.run(inputs, maps), maps, labels, teacher)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def accuracy(self, inputs, labels, batch):
        self.network.eval()
        with torch.no_grad(), self.way.autocast():
            pairs = zip(inputs.split(batch), labels.split(batch))
            right = sum((self.network(part).argmax(1) == answers).sum().item() for part, answers in pairs)
        return right / len(inputs)


def taught_by(way, teacher):
    """Returns the passes of a teacher in the training loop, as the tutorial has them."""
    teacher = way.placed(teacher).eval()

    def teach(inputs):
        maps = []
        with torch.no_grad():
            return teacher(inputs, maps), maps

    return teach


class Inputs:
    """Both splits: images as normalised float tensors, or texts as token ids."""

    def __init__(self, way, file, train, test, shape, normalization=None):
        with open(file, "rb") as opened:
            data = bytearray(opened.read())
        count = train + test
        labels = torch.frombuffer(data, dtype=torch.uint8, offset=len(data) - count).long()
        if normalization is None:
            inputs = torch.frombuffer(data, dtype=torch.int16, count=count * shape[0]).view(count, *shape).long()
        else:
            mean, std = (torch.tensor(normalization[name]).view(3, 1, 1) for name in ("mean", "std"))
            pixels = torch.frombuffer(data, dtype=torch.uint8, count=len(data) - count).view(count, *shape)
            inputs = way.placed(((pixels.permute(0, 3, 1, 2) / 255 - mean) / std).contiguous())
        self.train = inputs[:train], labels[:train]
        self.test = inputs[train:], labels[train:]


class Steps:
    """Training steps of a task. Network and inputs are kept between requests, so that only the work is timed."""

    def __init__(self, way, inputs, task, described, batch, feature, teacherMaps):
        torch.manual_seed(42)
        network = network_of(**described)
        loss = {"plain": plain, "feature": FEATURES[feature]}.get(task, soft_target)
        in_loop = taught_by(way, network_of(DEEP, described["task"])) if task == "in_loop" else None
        self.trainer = Trainer(way, network, loss, in_loop)
        images, labels = inputs.train
        logits = torch.randn(len(images), described["task"]["classes"])
        maps = [torch.randn(batch, *shape) for shape in teacherMaps] if task == "feature" else []
        # Maps come as [batch, height, width, channels]; those of autocast would be bfloat16, too.
        ready = [way.placed((x.permute(0, 3, 1, 2) if x.dim() == 4 else x).contiguous()) for x in maps]
        ready = [x.bfloat16() if way.lower else x for x in ready]
        parts = zip(images.split(batch), labels.split(batch), logits.split(batch))
        self.batches = [(part, answers, (z, ready)) for part, answers, z in parts if len(answers) == batch]
        self.done = 0

    def take(self, count):
        return [self.next() for _ in range(count)]

    def next(self):
        batch = self.batches[self.done % len(self.batches)]
        self.done += 1
        return timed(lambda: self.trainer.step(*batch))


def experiment(way, inputs, task, batch):
    """The tutorial from top to bottom: each network is trained for ten epochs, then scored on the test images."""

    def part(name, architecture, loss, teach=None):
        begun = time.perf_counter()
        torch.manual_seed(42)
        trainer = Trainer(way, network_of(architecture, task), loss, teach)
        images, labels = inputs.train
        for _ in range(EPOCHS):
            order = torch.randperm(len(images))
            for shuffled, answers in zip(images[order].split(batch), labels[order].split(batch)):
                trainer.step(shuffled, answers)
        accuracy = trainer.accuracy(*inputs.test, batch)
        milliseconds = (time.perf_counter() - begun) * 1000
        parts.append({"name": name, "milliseconds": milliseconds, "accuracy": accuracy})
        return trainer.network

    parts = []
    teach = taught_by(way, part("teacher", DEEP, plain))
    part("control", LIGHT, plain)
    for name, loss in (("soft_target", soft_target), ("cosine", cosine), ("regressor", Hint())):
        part(name, LIGHT, loss, teach)
    return parts


def timed(work):
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def peak_bytes():
    # Linux's own count where there is one: ru_maxrss of a child begins with what its parent held.
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def worker(work):
    """Returns a function that does the work: it takes a number of steps and returns what is measured."""
    way = Way(**work["way"], precision=work["precision"])
    inputs = Inputs(way, **work["inputs"])
    if work["task"] == "experiment":

        def whole(_):
            parts = experiment(way, inputs, work["described"]["task"], work["batch"])
            return {"milliseconds": [sum(part["milliseconds"] for part in parts)], "parts": parts}

        return whole
    steps = Steps(way, inputs, **{name: work[name] for name in ("task", "described", "batch", "feature", "teacherMaps")})
    return lambda count: {"milliseconds": steps.take(count)}


def main():
    work = json.loads(sys.argv[1])
    torch.set_num_threads(work["threads"])
    version = f"PyTorch {torch.__version__}, Python {platform.python_version()}"
    take = None
    for line in sys.stdin:
        try:
            take = take or worker(work)
            answer = {**take(json.loads(line)["steps"]), "peakBytes": peak_bytes(), "version": version}
        except Exception as error:  # The row shows it; the others go on.
            answer = {"refused": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main()
