"""Small IDX files as the source of a data set, and ways to damage a file."""

import gzip
import subprocess
import sys

import numpy as np

FILES = {
    "train-images-idx3-ubyte": (12, 28, 28),
    "train-labels-idx1-ubyte": (12,),
    "t10k-images-idx3-ubyte": (7, 28, 28),
    "t10k-labels-idx1-ubyte": (7,),
}
IMAGES = "train-images-idx3-ubyte"


def idx(array):
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes((0, 0, 8, array.ndim)) + sizes + array.tobytes()


def write_source(folder, seed=0, packed=True):
    """Four small IDX files; returns what they hold."""
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(seed)
    arrays = {n: random.integers(0, 256, s, np.uint8) for n, s in FILES.items()}
    for name, array in arrays.items():
        raw = idx(array)
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(raw) if packed else raw)
    return arrays


def run(code):
    return subprocess.Popen([sys.executable, "-W", "error", "-c", code])


def cut_file(path):
    path.write_bytes(path.read_bytes()[:-50])


def short(path):
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-1]))


def long(path):
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + b"0"))


def wrong_magic(path):
    raw = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(raw[:2] + b"\x0d" + raw[3:]))


def flip(path):
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 255
    path.write_bytes(raw)


def wrong_count(path):
    path.write_bytes(gzip.compress(idx(np.zeros((11, 28, 28), np.uint8))))


def wrong_size(path):
    path.write_bytes(gzip.compress(idx(np.zeros((12, 28, 20), np.uint8))))


def empty(path):
    path.write_bytes(b"")
