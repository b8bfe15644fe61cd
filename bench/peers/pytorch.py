"""The loops that people write instead: PyTorch's knowledge-distillation tutorial, on images that lie in memory.

Reads one task a line, as JSON, and answers each with the milliseconds of every step:
  {"task": "teacher" | "student" | "distill", "precision": "float32" | "best", "steps": 20, "threads": 2}
"""

import json
import sys
import time

import torch
from torch import nn, optim

BATCH = 128


def deep_nn():
    return nn.Sequential(
        nn.Conv2d(3, 128, 3, padding=1), nn.ReLU(),
        nn.Conv2d(128, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2),
        nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(),
        nn.Conv2d(64, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2),
        nn.Flatten(), nn.Linear(2048, 512), nn.ReLU(), nn.Dropout(0.1), nn.Linear(512, 10),
    )


def light_nn():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2),
        nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2),
        nn.Flatten(), nn.Linear(1024, 256), nn.ReLU(), nn.Dropout(0.1), nn.Linear(256, 10),
    )


class Runner:
    """One network in training; kept between tasks, so that nothing but steps is timed."""

    def __init__(self, task, precision):
        torch.manual_seed(0)
        # 'best' is what a practised hand would turn on: channels-last memory and bfloat16 autocast.
        self.best = precision == "best"
        layout = torch.channels_last if self.best else torch.contiguous_format
        self.network = (deep_nn() if task == "teacher" else light_nn()).to(memory_format=layout).train()
        self.teacher = deep_nn().to(memory_format=layout).eval() if task == "distill" else None
        self.optimizer = optim.Adam(self.network.parameters(), lr=1e-3)
        self.cross_entropy = nn.CrossEntropyLoss()
        self.images = torch.randn(16 * BATCH, 3, 32, 32).contiguous(memory_format=layout)
        self.labels = torch.randint(0, 10, (16 * BATCH,))
        self.at = 0

    def step(self):
        rows = slice(self.at * BATCH, (self.at + 1) * BATCH)
        self.at = (self.at + 1) % 16
        images, labels = self.images[rows], self.labels[rows]
        self.optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.best):
            if self.teacher is None:
                loss = self.cross_entropy(self.network(images), labels)
            else:
                # The tutorial's own loop: the teacher answers anew at every step.
                with torch.no_grad():
                    teacher_logits = self.teacher(images)
                logits = self.network(images)
                soft_targets = nn.functional.softmax(teacher_logits / 2, dim=-1)
                soft_prob = nn.functional.log_softmax(logits / 2, dim=-1)
                soft = torch.sum(soft_targets * (soft_targets.log() - soft_prob)) / soft_prob.size()[0] * 4
                loss = 0.25 * soft + 0.75 * self.cross_entropy(logits, labels)
        loss.backward()
        self.optimizer.step()
        return loss.item()


runners = {}
for line in sys.stdin:
    request = json.loads(line)
    torch.set_num_threads(request["threads"])
    key = (request["task"], request["precision"])
    if key not in runners:
        runners[key] = Runner(*key)
    times = []
    for _ in range(request["steps"]):
        begun = time.perf_counter()
        runners[key].step()
        times.append((time.perf_counter() - begun) * 1000)
    print(json.dumps({"milliseconds": times, "version": f"PyTorch {torch.__version__}"}), flush=True)
