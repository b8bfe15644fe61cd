"""Images a second of torchvision's transforms on Pillow images, one thread: `transforms.py SIZE SECONDS ROUNDS`, as JSON."""

import json
import math
import statistics
import sys
import time

import numpy
import torch
from PIL import Image
from torchvision import transforms as T
from torchvision.transforms import InterpolationMode

size, seconds, rounds = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(1)
torch.manual_seed(1)

pixels = numpy.zeros((size, size, 3), numpy.uint8)
for y in range(size):
    for x in range(size):
        for channel in range(3):
            wave = 60 * math.sin(x * (channel + 1) * 7 / size) + 50 * math.cos(y * 9 / size)
            pixels[y, x, channel] = int(128 + wave + (x * 31 + y * 17) % 15)
image = Image.fromarray(pixels)
tensor = torch.from_numpy(pixels).permute(2, 0, 1).contiguous()

# Random erasing takes tensors only.
tasks = {
    "flip": (T.RandomHorizontalFlip(), image),
    "crop": (T.RandomCrop(size, padding=4), image),
    "crop_flip": (T.Compose([T.RandomCrop(size, padding=4), T.RandomHorizontalFlip()]), image),
    "random_resized_crop": (T.RandomResizedCrop(size), image),
    "color_jitter": (T.ColorJitter(0.4, 0.4, 0.4, 0.1), image),
    "rand_augment": (T.RandAugment(), image),
    "rand_augment (bilinear)": (T.RandAugment(interpolation=InterpolationMode.BILINEAR), image),
    "trivial_augment": (T.TrivialAugmentWide(), image),
    "random_erasing": (T.RandomErasing(value="random"), tensor.float()),
}


def rate(transform, given):
    rates = []
    for _ in range(rounds):
        begun, count = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            transform(given)
            count += 1
        rates.append(count / (time.perf_counter() - begun))
    return statistics.median(rates)


print(json.dumps({name: rate(*task) for name, task in tasks.items()}))
