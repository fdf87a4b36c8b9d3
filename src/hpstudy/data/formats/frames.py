"""Tables of any common format as pandas DataFrames: text through pyarrow, which is fast, else through `tables`.

A text that pyarrow refuses, or may have misread, is read again by `tables`, whose errors name the line.
"""

from __future__ import annotations

import gzip
import io
import math
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpstudy.data.formats.tables import MOST_SAMPLED, encoding_of, format_of, read_table
from hpstudy.data.integrity import ADVICE, bad_file
from hpstudy.errors import DatasetError, UserError

if TYPE_CHECKING:
    import pandas as pd

EXPECTED = "rows whose first one names the columns"
_TEXTS = ("", ".csv", ".tsv", ".txt", ".tab", ".data", ".arff")
_SHEETS = (".xlsx", ".xlsm")
_FORMATS = "CSV, TSV, Parquet, Feather, JSON lines or Excel (.xlsx)"
_GZIP = b"\x1f\x8b"


def read_frame(path: Path, missing: Collection[str], texts: Collection[str] = ()) -> pd.DataFrame:
    """The rows of a file, with the names of the columns stripped of spaces. A name may occur twice.

    Args:
        missing: The texts that stand for a missing value, in lower case.
        texts: Columns of a text file that stay texts, whatever they look like: "007" is not 7.

    Raises:
        DatasetError: the file cannot be read; the message says why.
        UserError: its format is none of those that can be read, or needs a package that is missing.
    """
    suffix = _suffix(path)
    if is_text(path):
        frame = _text_frame(path, missing, texts)
    elif suffix in (".xls", ".xlsb", ".ods"):
        raise UserError(f"{path} is a spreadsheet in an old or rare format. Save it as .xlsx or .csv.")
    else:
        frame = _binary_frame(path, suffix)
    frame.columns = [str(name).strip() for name in frame.columns]
    return frame


def is_text(path: Path) -> bool:
    """Whether a file is a table of lines, to judge by its name."""
    return _suffix(path) in _TEXTS


def place_of(path: Path, row: int) -> str:
    """Where a row, counted from 0, is in its file: "line 3" of a text, else "row 2", counted from 1."""
    return f"line {read_table(path, expected=EXPECTED).lines[row]}" if is_text(path) else f"row {row + 1}"


def _suffix(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def _binary_frame(path: Path, suffix: str) -> pd.DataFrame:
    try:
        return _read_binary(path, suffix)
    except ImportError as error:
        raise UserError(
            f"{path} needs the package {error.name}, which is missing: pip install {error.name}. Or save it as .csv."
        ) from None
    except (OSError, ValueError, KeyError, EOFError) as error:  # pyarrow's errors are among these
        raise DatasetError(f"{path} cannot be read ({error}). Expected: {_FORMATS}, as its name says.") from None


def _read_binary(path: Path, suffix: str) -> pd.DataFrame:
    import pandas as pd

    if suffix in (".parquet", ".pq"):
        import pyarrow.parquet

        return _to_pandas(pyarrow.parquet.read_table(path))
    if suffix in (".feather", ".arrow"):
        import pyarrow.feather

        return _to_pandas(pyarrow.feather.read_table(path))
    if suffix in (".jsonl", ".ndjson"):
        import pyarrow.json

        return _to_pandas(pyarrow.json.read_json(path))
    if suffix in _SHEETS:
        return pd.read_excel(path, engine="openpyxl")
    raise UserError(f"{path} has a name that tells no format: {suffix!r}. Expected: {_FORMATS}.")


def _to_pandas(found: Any) -> pd.DataFrame:
    """Raises ValueError if a cell is a list or a record."""
    import pyarrow as pa

    if nested := [field.name for field in found.schema if pa.types.is_nested(field.type)]:
        raise ValueError(f"its column {nested[0]!r} has lists or records, not single values")
    # Columns of their own share the memory of `found`; together, they would be copied.
    frame: pd.DataFrame = found.to_pandas(date_as_object=False, ignore_metadata=True, split_blocks=True)
    return frame


def _text_frame(path: Path, missing: Collection[str], texts: Collection[str]) -> pd.DataFrame:
    import pyarrow as pa

    content = _content(path)
    found = None
    if path.suffix.lower() != ".arff" and _ends_whole(content):
        try:
            found = _read_text(content, missing, texts)
        except (pa.ArrowException, UnicodeError, LookupError):
            found = None  # the exact reader says what is wrong, or finds nothing wrong
    return _read_exactly(path, missing) if found is None else found


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(_GZIP) else content
    except (OSError, EOFError) as error:
        raise bad_file(path, f"cannot be read ({error})", EXPECTED) from None


def _ends_whole(content: bytes) -> bool:
    """Whether the last line is whole: pyarrow takes a cell whose closing quote is missing for one that ends there."""
    last = content[content.rfind(b"\n") + 1 :]
    return not last or (last.count(b'"') % 2 == 0 and not last.endswith((b",", b";", b"\t", b"|")))


def _read_text(content: bytes, missing: Collection[str], texts: Collection[str]) -> pd.DataFrame | None:
    """The file by pyarrow; None if it may have misread it."""
    import pyarrow as pa
    import pyarrow.csv as arrow

    encoding = encoding_of(content)
    if encoding not in ("utf-8", "utf-8-sig"):
        content = content.decode(encoding).encode()
    if b"\0" in content:
        return None
    delimiter, spaced = format_of(content[:MOST_SAMPLED].decode("utf-8-sig", "ignore"))
    if spaced:
        return None
    found = arrow.read_csv(
        io.BytesIO(content),
        parse_options=arrow.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=arrow.ConvertOptions(
            null_values=_forms(missing),
            strings_can_be_null=True,
            true_values=["true", "True", "TRUE"],
            false_values=["false", "False", "FALSE"],
            column_types={name: pa.string() for name in texts},
        ),
    )
    if found.column_names[-1] == "" and found.column(found.num_columns - 1).null_count == len(found):
        found = found.drop_columns([""])  # each line ends with a delimiter
    frame = _to_pandas(found)
    if not len(frame) or any("\n" in cell for cell in frame.iloc[-1] if isinstance(cell, str)):
        return None  # a quote that is never closed takes in all lines up to the end
    if all(column.null_count for column in found.columns):  # else no line is empty
        frame = frame[frame.notna().any(axis=1)].reset_index(drop=True)
    return frame if delimiter == "," else _with_decimal_points(frame, texts)


def _forms(missing: Collection[str]) -> list[str]:
    """The texts as people write them: pyarrow compares them exactly."""
    usual = {form for text in missing for form in (text, text.upper(), text.title(), text.capitalize())}
    return sorted(usual | {"NaN", "-NaN", "NaT"})


def _with_decimal_points(frame: pd.DataFrame, texts: Collection[str]) -> pd.DataFrame:
    """Numbers with decimal commas as numbers, unless numbers of the file have decimal points."""
    if any(str(one) == "float64" and (frame[name] % 1).any() for name, one in frame.dtypes.items()):
        return frame
    for name in frame.select_dtypes(["object", "string"]).columns:
        known = frame[name].dropna()
        if name not in texts and len(known) and known.str.fullmatch(r"\s*[-+]?\d*,?\d+(?:[eE][-+]?\d+)?\s*").all():
            frame[name] = frame[name].str.replace(",", ".").astype("float64")
    return frame


def _read_exactly(path: Path, missing: Collection[str]) -> pd.DataFrame:
    """The file by `tables`, every cell as a text.

    Raises:
        DatasetError: what is wrong, and where.
    """
    import pandas as pd

    def is_missing(text: str) -> bool:
        return text.strip().lower() in missing

    try:
        file = read_table(path, expected=EXPECTED)
    except DatasetError as error:
        raise DatasetError(f"{str(error).removesuffix(ADVICE)}Correct the file.") from None
    places = range(len(file.names))
    numbers = [place for place in places if all(_is_number(one) or is_missing(one) for one in file.column(place))]
    pointed = file.with_decimal_points(numbers, is_missing)
    frame = pd.DataFrame({place: pd.Series(pointed.column(place), dtype=object) for place in places})
    frame.columns = pd.Index(file.names)
    return frame


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text.replace(",", "."))) and "_" not in text
    except ValueError:
        return False
