"""Where datasets come from: addresses, checksums, system folders. Tests pass a registry of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from hpstudy.data.fallbacks import unpack_debian_package, unpack_from_wheel
from hpstudy.data.integrity import Checksum, UnavailableError

# The addresses in keras/src/datasets/*.py (Keras 3.15) and of OpenML's data set 40945, which is what
# sklearn.datasets.fetch_openml("titanic", version=1) downloads.
KERAS_BASE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
OPENML_TITANIC = "https://www.openml.org/data/v1/download/16826755/Titanic.arff"

# Digests of the content of the .gz files: Zalando's and Debian's copies are packed differently.
_FASHION = {
    "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
_NPZ = {
    "mnist": "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    "imdb": "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
}

TEMPORARY_PREFIX = ".debian-"  # prefix of the folders, beside the datasets, in which a package is unpacked


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file to download."""

    file: str  # path below the folder of datasets
    address: str
    checksum: Checksum


@dataclass(frozen=True, kw_only=True)
class Fallback:
    """Another way of getting a dataset, in case its address cannot be reached."""

    title: str  # for error messages
    get: Callable[[Path], None]  # puts the files into the folder of datasets, or raises UnavailableError


@dataclass(frozen=True, kw_only=True)
class Registry:
    """Every way of getting every dataset."""

    downloads: Mapping[str, tuple[Download, ...]]
    fallbacks: Mapping[str, tuple[Fallback, ...]] = field(default_factory=dict)
    system_dirs: tuple[Path, ...] = (Path("/usr/local/share/datasets"), Path("/usr/share/datasets"))
    timeout_s: float = 10.0  # for connecting, and for the longest silence of a server


def default_downloads(
    keras_base: str = KERAS_BASE, openml_titanic: str = OPENML_TITANIC
) -> dict[str, tuple[Download, ...]]:
    """The files of each dataset, below other base addresses if a mirror is wanted."""
    fashion = tuple(
        Download(
            file=f"fashion-mnist/{name}",
            address=keras_base + name,
            checksum=Checksum(algorithm="sha256", hexdigest=digest, unpacked=True),
        )
        for name, digest in _FASHION.items()
    )
    npz = {
        dataset: (
            Download(
                file=f"{dataset}.npz",
                address=f"{keras_base}{dataset}.npz",
                checksum=Checksum(algorithm="sha256", hexdigest=digest),
            ),
        )
        for dataset, digest in _NPZ.items()
    }
    titanic = Download(
        file="titanic/titanic.arff",
        address=openml_titanic,
        checksum=Checksum(algorithm="md5", hexdigest="60ac7205eee0ba5045c90b3bba95b1c4"),
    )
    return {"fashion_mnist": fashion, **npz, "titanic": (titanic,)}


def fashion_mnist_from_debian(datasets: Path, *, own_lists: bool = False) -> None:
    """Put Fashion-MNIST's four files from Debian's package below the folder `datasets`.

    Raises:
        UnavailableError: there are no Debian tools or no connection, or a file is not the published one.
    """
    target = datasets / "fashion-mnist"
    target.mkdir(parents=True, exist_ok=True)
    # It is beside the target, because a rename is atomic only within one file system.
    with TemporaryDirectory(prefix=TEMPORARY_PREFIX, dir=datasets) as temporary:
        root = unpack_debian_package("dataset-fashion-mnist", Path(temporary), own_lists=own_lists)
        for name, digest in _FASHION.items():
            path = root / "usr/share/datasets/fashion-mnist" / name
            problem = Checksum(algorithm="sha256", hexdigest=digest, unpacked=True).problem(path)
            if problem:
                raise UnavailableError(f"{name} in the package {problem}")
            path.replace(target / name)


def titanic_from_pypi(datasets: Path) -> None:
    """Put bokeh_sampledata's passenger list below the folder `datasets`."""
    unpack_from_wheel(
        "bokeh_sampledata", "bokeh_sampledata/_data/titanic_all.csv", datasets / "titanic/titanic_all.csv"
    )


DEFAULT_REGISTRY = Registry(
    downloads=default_downloads(),
    fallbacks={
        "fashion_mnist": (Fallback(title="Debian's package dataset-fashion-mnist", get=fashion_mnist_from_debian),),
        "titanic": (Fallback(title="the PyPI package bokeh_sampledata", get=titanic_from_pypi),),
    },
)
