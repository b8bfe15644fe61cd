"""Makes the images beside this file, and pillow.json: the pixels that Pillow decodes them to, upright and over white."""

import base64
import io
import json
import struct
from pathlib import Path

import PIL
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageCms, ImageOps

FOLDER = Path(__file__).parent
expected = {}


def add(name, content):
    """Writes a file, and keeps its size and its pixels, [height, width, 3]."""
    (FOLDER / name).write_bytes(content)
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    pixels = base64.b64encode(image.convert("RGB").tobytes()).decode()
    expected[name] = {"size": [image.height, image.width], "pixels": pixels}


def saved(image, kind, **options):
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def gradient(mode, width=16, height=10):
    """Smooth colours, which JPEG keeps nearly as they are."""
    seeds = Image.new(mode, (4, 3))
    bands = len(mode) if mode != "CMYK" else 4
    seeds.putdata([tuple((i * (47 + 29 * band) + 31 * band) % 256 for band in range(bands)) for i in range(12)])
    return seeds.resize((width, height), Image.Resampling.BILINEAR)


rgb, rgba, cmyk = gradient("RGB"), gradient("RGBA"), gradient("CMYK")

add("plain.jpg", saved(rgb, "JPEG", quality=90))
add("sharp-colours.jpg", saved(rgb, "JPEG", quality=90, subsampling=0))
add("progressive.jpg", saved(rgb, "JPEG", quality=90, progressive=True))
add("grey.jpg", saved(rgb.convert("L"), "JPEG", quality=90))
turned = Image.Exif()
turned[0x0112] = 6
add("turned.jpg", saved(rgb, "JPEG", quality=90, exif=turned))
# A profile that exchanges red and green.
profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
profile[red:red + 4], profile[green:green + 4] = b"gXYZ", b"rXYZ"
add("profile.jpg", saved(rgb, "JPEG", quality=90, icc_profile=bytes(profile)))

# Inks: with the marker of Adobe, with colours as YCCK, and without the marker.
inks = saved(cmyk, "JPEG", quality=90)
marker = inks.index(b"\xff\xee")
length = int.from_bytes(inks[marker + 2:marker + 4], "big")
add("cmyk.jpg", inks)
add("ycck.jpg", inks[:marker + 15] + b"\2" + inks[marker + 16:])
add("cmyk-unmarked.jpg", inks[:marker] + inks[marker + 2 + length:])
add("cmyk.tif", saved(cmyk, "TIFF", compression="tiff_lzw"))

add("plain.png", saved(rgb, "PNG"))
add("alpha.png", saved(rgba, "PNG"))
add("grey-alpha.png", saved(rgba.convert("LA"), "PNG"))
add("palette.png", saved(rgb.quantize(13), "PNG"))
add("palette-alpha.png", saved(rgb.quantize(13), "PNG", transparency=bytes(range(0, 256, 20))))
add("one-bit.png", saved(rgb.convert("1"), "PNG"))
add("plain.gif", saved(rgb, "GIF"))
add("lossless.webp", saved(rgb, "WEBP", lossless=True))
add("plain.tif", saved(rgb, "TIFF", compression="tiff_lzw"))


def bmp(width, height, bits, pixels, compression=0, masks=b"", palette=b"", size=40, colours=0):
    header = struct.pack("<IiiHHIIiiII", size, width, height, 1, bits, compression, len(pixels), 0, 0, colours, 0)
    if size > 40:
        header, masks = (header + masks).ljust(size, b"\0"), b""
    start = 14 + len(header) + len(masks) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + masks + palette + pixels


palette = b"".join(bytes([i * 15 % 256, i * 40 % 256, i * 7 % 256, 0]) for i in range(16))
add("24-bits.bmp", saved(rgb, "BMP"))
add("8-bits.bmp", saved(rgb.quantize(7), "BMP"))
add("1-bit.bmp", saved(rgb.convert("1"), "BMP"))
add("4-bits.bmp", bmp(5, 2, 4, bytes([0x12, 0x34, 0x50, 0, 0xFE, 0xDC, 0xB0, 0]), palette=palette))
add("16-bits.bmp", bmp(3, 2, 16, struct.pack("<8H", 0x7FFF, 0x1234, 0x03E1, 0, 0x2222, 0x7C01, 0x0455, 0)))
masks = struct.pack("<3I", 0xF800, 0x07E0, 0x001F)
add("16-bits-masks.bmp", bmp(3, 1, 16, struct.pack("<4H", 0xFFFF, 0x1234, 0xA7E1, 0), 3, masks))
add("32-bits.bmp", bmp(2, 2, 32, bytes(range(10, 26))))
add("32-bits-top-down.bmp", bmp(2, -2, 32, bytes(range(10, 26))))
masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
add("32-bits-alpha.bmp", bmp(2, 1, 32, bytes([1, 2, 3, 255, 90, 80, 70, 128]), 3, masks, size=124))
runs = bytes([4, 7, 2, 9, 0, 0, 0, 3, 1, 2, 3, 0, 3, 5, 0, 0, 6, 8, 0, 1])
add("runs-8.bmp", bmp(6, 3, 8, runs, 1, palette=palette, colours=16))
runs = bytes([4, 7, 0, 0, 1, 2, 0, 2, 1, 0, 2, 9, 0, 0, 4, 5, 0, 1])
add("runs-8-jump.bmp", bmp(4, 3, 8, runs, 1, palette=palette, colours=16))
runs = bytes([6, 0x12, 0, 0, 0, 4, 0x34, 0x56, 2, 0x78, 0, 1])
add("runs-4.bmp", bmp(6, 2, 4, runs, 2, palette=palette))
header = struct.pack("<IHHHH", 12, 9, 2, 1, 1) + bytes([10, 20, 30, 200, 210, 220])
rows = bytes([0xA5, 0x80, 0, 0, 0x3C, 0, 0, 0])
add("os2.bmp", b"BM" + struct.pack("<IHHI", 40, 0, 0, 32) + header + rows)

content = {"pillow": PIL.__version__, "images": expected}
(FOLDER / "pillow.json").write_text(json.dumps(content, indent=1) + "\n")


# As the package `datasets` writes images: the red of image i is i. In the second file the last one is only a path.
features = {"image": {"_type": "Image"}, "label": {"names": ["zebra", "ant"], "_type": "ClassLabel"}}
struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
schema = pa.schema([("image", struct), ("label", pa.int64())])
schema = schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})
for name, count in [("hugging-face.parquet", 12), ("hugging-face-path.parquet", 13)]:
    images = [{"bytes": saved(Image.new("RGB", (4, 3), (i, 0, 0)), "PNG"), "path": f"{i}.png"} for i in range(count)]
    if count == 13:
        images[12]["bytes"] = None
    table = pa.table([pa.array(images, struct), pa.array([i % 2 for i in range(count)], pa.int64())], schema=schema)
    pq.write_table(table, FOLDER / name, row_group_size=5)
