"""The other side of the benchmark: PyTorch's knowledge-distillation tutorial, on images that lie in memory.

https://docs.pytorch.org/tutorials/beginner/knowledge_distillation_tutorial.html, with its networks, losses and loops.
What is better than there: images are normalised float tensors before the clock starts, batches are slices of them
(no DataLoader), and precision "bfloat16" turns on what a practised hand would on a CPU: channels-last memory and
autocast. `bench/protocol.ts` says how this process is spoken to.
"""

import json
import platform
import resource
import sys
import time

import torch
from torch import nn, optim
from torch.nn import functional

BATCH = 128
EPOCHS = 10


class Network(nn.Module):
    """A network of the tutorial: answers the logits and the last map, [batch, channels, 8, 8]."""

    def __init__(self, features, classifier):
        super().__init__()
        self.features = features
        self.classifier = classifier

    def forward(self, images):
        maps = self.features(images)
        return self.classifier(torch.flatten(maps, 1)), maps


def deep_nn():
    return Network(
        nn.Sequential(
            nn.Conv2d(3, 128, 3, padding=1), nn.ReLU(),
            nn.Conv2d(128, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2),
            nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(),
            nn.Conv2d(64, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2),
        ),
        nn.Sequential(nn.Linear(2048, 512), nn.ReLU(), nn.Dropout(0.1), nn.Linear(512, 10)),
    )


def light_nn():
    return Network(
        nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2),
            nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2),
        ),
        nn.Sequential(nn.Linear(1024, 256), nn.ReLU(), nn.Dropout(0.1), nn.Linear(256, 10)),
    )


def soft_target(student, teacher, _regressor):
    soft_targets = functional.softmax(teacher[0] / 2, dim=-1)
    soft_prob = functional.log_softmax(student[0] / 2, dim=-1)
    return torch.sum(soft_targets * (soft_targets.log() - soft_prob)) / soft_prob.size()[0] * 2**2


def cosine(student, teacher, _regressor):
    hidden = torch.flatten(student[1], 1)
    pooled = functional.avg_pool1d(torch.flatten(teacher[1], 1), 2)
    return functional.cosine_embedding_loss(hidden, pooled, torch.ones(len(hidden)))


def hint(student, teacher, regressor):
    return functional.mse_loss(regressor(student[1]), teacher[1])


class Trainer:
    """One network in training, with cross-entropy alone or .25 of a loss against a teacher that answers every batch."""

    def __init__(self, images, network, teacher=None, loss=None):
        self.best = images.best
        self.network = network.to(memory_format=images.layout).train()
        self.teacher = None if teacher is None else teacher.to(memory_format=images.layout).eval()
        self.loss = loss
        self.regressor = nn.Conv2d(16, 32, 3, padding=1).to(memory_format=images.layout) if loss is hint else None
        parameters = [*network.parameters(), *([] if self.regressor is None else self.regressor.parameters())]
        self.optimizer = optim.Adam(parameters, lr=1e-3)
        self.cross_entropy = nn.CrossEntropyLoss()

    def step(self, images, labels):
        self.optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.best):
            if self.teacher is None:
                loss = self.cross_entropy(self.network(images)[0], labels)
            else:
                with torch.no_grad():
                    teacher = self.teacher(images)
                student = self.network(images)
                distillation = self.loss(student, teacher, self.regressor)
                loss = 0.25 * distillation + 0.75 * self.cross_entropy(student[0], labels)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def epoch(self, images, labels):
        order = torch.randperm(len(images))
        shuffled = zip(images[order].split(BATCH), labels[order].split(BATCH))
        return sum(self.step(batch, answers) for batch, answers in shuffled)

    def accuracy(self, images, labels):
        self.network.eval()
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.best):
            pairs = zip(images.split(BATCH), labels.split(BATCH))
            right = sum((self.network(batch)[0].argmax(1) == answers).sum().item() for batch, answers in pairs)
        return right / len(images)


class Images:
    """Both splits as float tensors, in the memory layout of a precision."""

    def __init__(self, setup, precision):
        self.best = precision == "bfloat16"
        self.layout = torch.channels_last if self.best else torch.contiguous_format
        count, pixels = setup["train"] + setup["test"], 32 * 32 * 3
        with open(setup["file"], "rb") as file:
            data = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8)
        mean, std = (torch.tensor(setup["normalization"][name]).view(3, 1, 1) for name in ("mean", "std"))
        images = data[: count * pixels].view(count, 32, 32, 3).permute(0, 3, 1, 2)
        images = ((images / 255 - mean) / std).contiguous(memory_format=self.layout)
        labels = data[count * pixels :].long()
        self.train = images[: setup["train"]], labels[: setup["train"]]
        self.test = images[setup["train"] :], labels[setup["train"] :]


class Side:
    """Answers requests; networks and images are kept between them, so that nothing but the work is timed."""

    def __init__(self, setup):
        self.setup = setup
        self.images = {}
        self.trainers = {}

    def answer(self, task, precision, steps):
        images = self.images.get(precision) or self.images.setdefault(precision, Images(self.setup, precision))
        if task == "experiment":
            parts = list(experiment(images))
            return {"milliseconds": [sum(part["milliseconds"] for part in parts)], "parts": parts}
        trainer = self.trainers.get((task, precision)) or self.trainers.setdefault(
            (task, precision), trainer_of(task, images)
        )
        if task == "distill":
            return {"milliseconds": [timed(lambda: trainer.epoch(*images.train))]}
        batches = list(zip(*(part.split(BATCH) for part in images.train)))
        batches = [batch for batch in batches if len(batch[1]) == BATCH]
        return {"milliseconds": [timed(lambda: trainer.step(*batches[i % len(batches)])) for i in range(steps)]}


def trainer_of(task, images):
    torch.manual_seed(42)
    if task == "distill":
        return Trainer(images, light_nn(), deep_nn(), soft_target)
    return Trainer(images, deep_nn() if task == "teacher" else light_nn())


def experiment(images):
    """The tutorial from top to bottom: each network is trained for ten epochs, then scored on the test images."""
    teacher, answer = part("teacher", images, deep_nn)
    yield answer
    yield part("control", images, light_nn)[1]
    for name, loss in (("soft_target", soft_target), ("cosine", cosine), ("regressor", hint)):
        yield part(name, images, light_nn, teacher, loss)[1]


def part(name, images, network_of, teacher=None, loss=None):
    begun = time.perf_counter()
    torch.manual_seed(42)
    trainer = Trainer(images, network_of(), teacher, loss)
    for _ in range(EPOCHS):
        trainer.epoch(*images.train)
    accuracy = trainer.accuracy(*images.test)
    milliseconds = (time.perf_counter() - begun) * 1000
    return trainer.network, {"name": name, "milliseconds": milliseconds, "accuracy": accuracy}


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


def main():
    setup = json.loads(sys.argv[1])
    torch.set_num_threads(setup["threads"])
    side = Side(setup)
    version = f"PyTorch {torch.__version__}, Python {platform.python_version()}"
    for line in sys.stdin:
        answer = side.answer(**json.loads(line))
        print(json.dumps({**answer, "peakBytes": peak_bytes(), "version": version}), flush=True)


main()
