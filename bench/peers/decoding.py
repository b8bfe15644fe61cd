"""Images a second of Pillow: `decoding.py FOLDER SECONDS` writes images, then reads a file, a height and a width from each line."""

import io
import sys
import time
from pathlib import Path

import numpy
from PIL import Image

folder, seconds = Path(sys.argv[1]), float(sys.argv[2])


def photograph(height, width):
    """Bytes that are related to their neighbours, as in photographs."""
    y, x, channel = numpy.ogrid[:height, :width, :3]
    wave = 60 * numpy.sin(x * (channel + 1) * 7 / width) + 50 * numpy.cos(y * 9 / height)
    return Image.fromarray((128 + wave + (x * 31 + y * 17) % 15).astype(numpy.uint8))


def decode(content, size):
    image = Image.open(io.BytesIO(content))
    # Decodes a half, a quarter or an eighth of each side, where that is enough.
    image.draft("RGB", size)
    image = image.convert("RGB")
    if image.size != size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    return numpy.asarray(image)


photograph(32, 32).save(folder / "32.png")
photograph(32, 32).save(folder / "32.jpg", quality=90)
photograph(480, 640).save(folder / "640.jpg", quality=90)
print(1, flush=True)

for line in sys.stdin:
    name, height, width = line.split()
    content, size = (folder / name).read_bytes(), (int(width), int(height))
    begun, count = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        decode(content, size)
        count += 1
    print(count / (time.perf_counter() - begun), flush=True)
