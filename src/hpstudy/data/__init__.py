"""The datasets: find, fetch, verify, and prepare as arrays.

No other package opens a dataset's files. Trials get `Arrays`, which never hold a row of the test split.
"""

from hpstudy.data.arrays import Arrays, TestArrays
from hpstudy.data.constant import constant_scores
from hpstudy.data.kind import kind_file
from hpstudy.data.own import resolved
from hpstudy.data.places import Source
from hpstudy.data.prepare import prepare, prepare_test
from hpstudy.data.raw import example, row_description, test_row_numbers
from hpstudy.data.scaling import decode
from hpstudy.data.sources import fetch, locate, verify

__all__ = [
    "Arrays",
    "Source",
    "TestArrays",
    "constant_scores",
    "decode",
    "example",
    "fetch",
    "kind_file",
    "locate",
    "prepare",
    "prepare_test",
    "resolved",
    "row_description",
    "test_row_numbers",
    "verify",
]
