"""MNIST and Fashion-MNIST: 70,000 grey images of 28x28 in four IDX files."""

from pathlib import Path

import tensorflow_datasets as tfds
from tensorflow_datasets.core.download.checksums import UrlInfo

from jaxad.data.builders import Arrays, ImageBuilder, download
from jaxad.data.idx import find, read_pair
from jaxad.data.store import sha256
from jaxad.errors import DataError

_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


class IdxBuilder(ImageBuilder):
    """Reads the four files of `_FILES` from a folder, or downloads them."""

    SHAPE = (28, 28, 1)
    VERSION = tfds.core.Version("1.0.0")

    def arrays(self, dl_manager) -> dict[str, Arrays]:
        if self.source is None:
            names = {
                url.rpartition("/")[2].removesuffix(".gz"): url
                for url in self.url_infos
            }
            files = download(self, dl_manager, names)
        else:
            files = {n: find(self.source, n) for pair in _FILES.values() for n in pair}
            _refuse_other_sets(self, files)
        return {
            split: read_pair(files[image], files[label])
            for split, (image, label) in _FILES.items()
        }


def _refuse_other_sets(builder: IdxBuilder, files: dict[str, Path]) -> None:
    """The sets name their files alike: a file that another set publishes is a mistake.

    Files that nobody here publishes are one's own. Raises DataError.
    """
    others = [cls for cls in IdxBuilder.__subclasses__() if cls.name != builder.name]
    for path in files.values():
        size = path.stat().st_size
        for other in others:
            same = [i for i in other.url_infos.values() if i.size == size]
            if same and sha256(path) in {i.checksum for i in same}:
                raise DataError(
                    f"{builder.source} is not a source of {builder.name}: these are "
                    f"the files of {other.name} ({path.name})"
                )


def url_infos(base: str, files: dict[str, tuple[int, str]]) -> dict[str, UrlInfo]:
    """Name -> (bytes, sha256) below `base`, in the form of tfds."""
    return {
        f"{base}/{name}.gz": UrlInfo(size, digest, f"{name}.gz")
        for name, (size, digest) in files.items()
    }


class Mnist(IdxBuilder):
    """Handwritten digits (Y. LeCun, C. Cortes and C. Burges)."""

    url_infos = url_infos(
        "https://storage.googleapis.com/cvdf-datasets/mnist",
        {
            "train-images-idx3-ubyte": (
                9912422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            "train-labels-idx1-ubyte": (
                28881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            "t10k-images-idx3-ubyte": (
                1648877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            "t10k-labels-idx1-ubyte": (
                4542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        },
    )


class FashionMnist(IdxBuilder):
    """Articles of clothing (H. Xiao, K. Rasul and R. Vollgraf, arXiv:1708.07747)."""

    url_infos = url_infos(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        {
            "train-images-idx3-ubyte": (
                26421880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            "train-labels-idx1-ubyte": (
                29515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            ),
            "t10k-images-idx3-ubyte": (
                4422102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            ),
            "t10k-labels-idx1-ubyte": (
                5148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        },
    )
