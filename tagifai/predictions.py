"""What a version predicted for every project, in a form that loads without executing code."""

import io
import math
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import ArrayLike, NDArray

from tagifai.errors import TagifaiError, one_of, shorten
from tagifai.limits import Limit, Limits
from tagifai.matrices import (
    Matrix,
    Stored,
    as_csr,
    as_dense,
    as_matrix,
    column_of,
    is_sparse,
    pair_values,
    parts_of,
    where_stored,
)

SPLITS = ("train", "val", "test")
OUT_OF_FOLD = ("yes", "no", "unknown")
DEFAULT_THRESHOLD = 0.5
MAX_HEADER = 4096
# The share of its threshold from which a tag that was not predicted is a near miss.
NEAR_MISS = 0.5
_KINDS = {"ids": "UiuS", "split": "US", "tags": "US", "y_true": "biuf", "y_prob": "f"}


def decide(y_prob: ArrayLike | Matrix, thresholds: ArrayLike) -> Matrix:
    """Decide which tags are predicted: those whose probability reaches its threshold.

    Every decision is made here, so that figures, lists, exports, flips and predictions agree.
    Both sides are compared as float32, the precision in which probabilities are stored: a
    threshold of 0.7 is reached by a probability that was read as 0.7. A threshold of 0 is reached
    by every pair, also where a CSR matrix stores nothing.

    Parameters
    ----------
    y_prob
        Probabilities in [0, 1], of any shape that broadcasts against `thresholds`; usually
        (n_projects, n_tags), dense or CSR.
    thresholds
        Thresholds in [0, 1]: one number, or one per column, (n_tags,).

    Returns
    -------
    decided
        True where the tag is predicted, in the broadcast shape; CSR where `y_prob` is.

    Examples
    --------
    >>> decide([[0.7, 0.2], [0.6999, 0.3]], [0.7, 0.3]).tolist()
    [[True, False], [False, True]]
    """
    cuts = np.asarray(thresholds, np.float32)
    if is_sparse(y_prob):
        return _decide_stored(as_csr(y_prob), cuts)
    return np.asarray(np.asarray(y_prob, np.float32) >= cuts)


def _decide_stored(y_prob: Stored, cuts: NDArray[np.float32]) -> Stored:
    n, t = y_prob.shape
    cuts = np.broadcast_to(cuts, (t,))
    everywhere = cuts <= 0
    reached = y_prob.data.astype(np.float32, copy=False) >= cuts[y_prob.indices]
    if not everywhere.any():
        return where_stored(y_prob, reached)
    from scipy import sparse

    decided = where_stored(y_prob, reached & ~everywhere[y_prob.indices])
    columns = np.flatnonzero(everywhere)
    whole = sparse.csr_array(
        (
            np.ones(n * len(columns), bool),
            np.tile(columns, n),
            np.arange(n + 1) * len(columns),
        ),
        shape=(n, t),
    )
    return (decided + whole).tocsr()


def threshold_array(tags: Sequence[str], thresholds: Mapping[str, float]) -> NDArray[np.float64]:
    """Return the thresholds of `tags`, in their order, as `decide` takes them.

    Raises
    ------
    TagifaiError
        A tag has no threshold, or one outside [0, 1].
    """
    missing = [tag for tag in tags if tag not in thresholds]
    if missing:
        raise TagifaiError(f"thresholds: none for {missing[0]!r}")
    found = np.array([thresholds[tag] for tag in tags], dtype=float)
    bad = np.flatnonzero(~((found >= 0) & (found <= 1)))
    if len(bad):
        raise TagifaiError(
            f"threshold of {tags[bad[0]]!r}: a number from 0 to 1 is needed, "
            f"got {float(found[bad[0]])}"
        )
    return found


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a version predicted: one row per project, one column per tag.

    Attributes
    ----------
    ids : tuple of str
        The projects, each once.
    split : array of shape (n_projects,)
        "train", "val" or "test".
    tags : tuple of str
        The tags, each once.
    y_true : array or scipy.sparse.csr_array of shape (n_projects, n_tags)
        0 or 1.
    y_prob : array or scipy.sparse.csr_array of shape (n_projects, n_tags)
        Probabilities in [0, 1]; those that CSR leaves out are 0. Both are dense, or both CSR. All
        arrays are read-only.
    out_of_fold : {"yes", "no", "unknown"}
        Whether the probabilities of train projects come from models that did not see them.
    decisions_only : bool
        Whether "probabilities" are decisions, 0 or 1, for want of better: then there is no
        threshold to move and nothing to calibrate.

    Raises
    ------
    TagifaiError
        Shapes disagree, or a value is outside its range.

    Examples
    --------
    >>> p = Predictions.of(["7", "8"], ["train", "test"], ["cv"], [[1], [0]], [[0.9], [0.2]])
    >>> p.select("test").ids
    ('8',)
    """

    ids: tuple[str, ...]
    split: NDArray[np.str_]
    tags: tuple[str, ...]
    y_true: Matrix
    y_prob: Matrix
    out_of_fold: str = "yes"
    decisions_only: bool = False

    def __post_init__(self) -> None:
        _check(self)
        self.split.flags.writeable = False
        for matrix in (self.y_true, self.y_prob):
            for array in parts_of(matrix):
                array.flags.writeable = False

    @classmethod
    def of(
        cls,
        ids: Iterable[object],
        split: ArrayLike,
        tags: Iterable[object],
        y_true: ArrayLike | Matrix,
        y_prob: ArrayLike | Matrix,
    ) -> "Predictions":
        """Convert lists, arrays or sparse matrices of any numeric type to the types above.

        Where one of both is sparse, both are CSR.
        """
        truth, prob = as_matrix(y_true), as_matrix(y_prob)
        if not np.isin(pair_values(truth), (0, 1)).all():
            raise TagifaiError("y_true: only 0 and 1 are allowed")
        if is_sparse(truth) or is_sparse(prob):
            truth, prob = _as_stored(truth, np.uint8), _as_stored(prob, np.float32)
        else:
            truth, prob = np.array(truth, dtype=np.uint8), np.array(prob, dtype=np.float32)
        return cls(
            tuple(str(one) for one in ids),
            np.array(split, dtype=np.str_, ndmin=1),
            tuple(str(one) for one in tags),
            truth,
            prob,
        )

    @property
    def is_sparse(self) -> bool:
        """Whether labels and probabilities are CSR: of many tags, only what is not 0."""
        return is_sparse(self.y_prob)

    @property
    def held_out(self) -> NDArray[np.bool_]:
        """Return which rows are predicted by a model that did not see them, (n,).

        All of them where `out_of_fold` is "yes", else those of val and test.

        >>> p = Predictions.of(["7", "8"], ["train", "val"], ["cv"], [[1], [0]], [[0.9], [0.2]])
        >>> p.held_out.tolist(), replace(p, out_of_fold="unknown").held_out.tolist()
        ([True, True], [False, True])
        """
        if self.out_of_fold == "yes":
            return np.ones(len(self.ids), bool)
        return np.asarray(self.split != "train")

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Map each project's id to its row."""
        return {one: row for row, one in enumerate(self.ids)}

    @cached_property
    def rows_by_split(self) -> dict[str, NDArray[np.intp]]:
        """Map each of `SPLITS` to its rows."""
        found = {split: np.flatnonzero(self.split == split) for split in SPLITS}
        for rows in found.values():
            rows.flags.writeable = False
        return found

    @cached_property
    def test_by_column(self) -> tuple[Matrix, Matrix]:
        """Return `y_true` and `y_prob` of the test split, each tag's values side by side.

        Of CSR predictions they are scipy.sparse.csc_array.
        """
        rows = self.rows_by_split["test"]
        if is_sparse(self.y_true) and is_sparse(self.y_prob):
            return self.y_true[rows].tocsc(), self.y_prob[rows].tocsc()
        true, prob = np.asfortranarray(self.y_true[rows]), np.asfortranarray(self.y_prob[rows])
        true.flags.writeable = prob.flags.writeable = False
        return true, prob

    def test_column(self, column: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Return a tag's labels and probabilities in the test split, (n_test,) each."""
        true, prob = self.test_by_column
        return column_of(true, column), column_of(prob, column)

    def select(self, split: str) -> "Predictions":
        """Keep the projects of one split, in their order."""
        return self.take(np.flatnonzero(self.split == split))

    def take(self, rows: ArrayLike) -> "Predictions":
        """Keep these rows, in this order."""
        rows = np.asarray(rows, dtype=np.intp)
        return replace(
            self,
            ids=tuple(self.ids[row] for row in rows),
            split=self.split[rows],
            y_true=self.y_true[rows],
            y_prob=self.y_prob[rows],
        )

    def tags_of(self, row: int) -> tuple[str, ...]:
        """Return the tags that a project has, in the order of the columns."""
        if is_sparse(self.y_true):
            found = self.y_true.indices[self.y_true.indptr[row] : self.y_true.indptr[row + 1]]
        else:
            found = np.flatnonzero(self.y_true[row])
        return tuple(self.tags[column] for column in found.tolist())

    def to_dense(self) -> "Predictions":
        """Return the same predictions as arrays, whatever memory that takes."""
        if not self.is_sparse:
            return self
        return replace(self, y_true=as_dense(self.y_true), y_prob=as_dense(self.y_prob))

    def decide(self, thresholds: Mapping[str, float]) -> Matrix:
        """Decide (n, t) by `decide`, 0 or 1, CSR where probabilities are; 0.5 is the default.

        >>> p = Predictions.of(["7"], ["test"], ["cv", "nlp"], [[1, 0]], [[0.7, 0.4]])
        >>> p.decide({"cv": 0.7}).tolist()
        [[1, 0]]
        """
        given = {tag: thresholds.get(tag, DEFAULT_THRESHOLD) for tag in self.tags}
        return decide(self.y_prob, threshold_array(self.tags, given)).astype(np.uint8)

    def to_bytes(self) -> bytes:
        """Pack as a compressed `.npz`; equal predictions give equal bytes."""
        arrays = {
            "ids": np.array(self.ids, dtype=np.str_),
            "split": self.split,
            "tags": np.array(self.tags, dtype=np.str_),
            "y_true": as_dense(self.y_true),
            "y_prob": as_dense(self.y_prob),
        }
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name, array in arrays.items():
                # A ZipInfo of its own carries no clock and no umask: the bytes stay the same.
                member = zipfile.ZipInfo(f"{name}.npy")
                member.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(member, "w", force_zip64=array.nbytes >= 2**30) as file:
                    npy.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
        return packed.getvalue()

    @staticmethod
    def unpacked_size(ids: Sequence[str], tags: Sequence[str]) -> int:
        """Return how many bytes predictions of these ids and tags take at most once unpacked.

        >>> p = Predictions.of(["7"], ["test"], ["cv"], [[1]], [[0.9]])
        >>> Predictions.unpacked_size(p.ids, p.tags) >= p.y_true.nbytes + p.y_prob.nbytes
        True
        """
        # Strings are arrays too, each as wide as the longest, in four bytes a character.
        names = sum(4 * len(some) * max(map(len, some), default=0) for some in (ids, tags))
        splits = 4 * len(ids) * max(map(len, SPLITS))
        return len(ids) * len(tags) * 5 + names + splits + len(_KINDS) * MAX_HEADER

    @classmethod
    def from_bytes(
        cls,
        content: bytes,
        where: str = "predictions.npz",
        unpacked: Limit = Limits().unpacked,  # noqa: B008 - frozen
        out_of_fold: str = "yes",
    ) -> "Predictions":
        """Unpack an `.npz` with arrays ids, split, tags, y_true and y_prob; run nothing of it.

        `out_of_fold` is not in it, but in a version's version.json.

        Raises
        ------
        TagifaiError
            Not such an archive, too large once unpacked, or invalid values; the message starts
            with `where` and names the array.
        """
        try:
            found = cls.of(**read_arrays(content, tuple(_KINDS), unpacked))
            return found if out_of_fold == "yes" else replace(found, out_of_fold=out_of_fold)
        except TagifaiError as error:
            raise TagifaiError(f"{where}: {error}") from None


def read_arrays(
    content: bytes,
    names: Sequence[str],
    unpacked: Limit = Limits().unpacked,  # noqa: B008 - frozen
) -> dict[str, NDArray[Any]]:
    """Unpack some of the arrays of saved predictions; run nothing of the file.

    Parameters
    ----------
    content : bytes
        An `.npz` file.
    names : sequence of str
        Which of the arrays ids, split, tags, y_true and y_prob; others are not looked at.
    unpacked : Limit
        How large it may be once unpacked.

    Raises
    ------
    TagifaiError
        It is no such archive, too large, or an array is missing or of another type.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(member.file_size for member in archive.infolist())
            if size > unpacked.num_bytes:
                raise TagifaiError(f"{size:,} bytes once unpacked; at most {unpacked} are read")
            missing = [name for name in names if f"{name}.npy" not in archive.NameToInfo]
            if missing:
                raise TagifaiError(f"no array {missing[0]!r}; needed: {', '.join(names)}")
            return {name: _array(archive, name) for name in names}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise TagifaiError(f"not an .npz archive ({shorten(str(error))})") from None
    except (ValueError, OSError, SyntaxError, TypeError, zlib.error) as error:
        raise TagifaiError(f"damaged ({shorten(str(error))})") from None


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    with archive.open(f"{name}.npy") as file:
        version = npy.read_magic(file)
        # Stubs of numpy before 2.4 lack `max_header_size`.
        readers: dict[tuple[int, int], Callable[..., tuple[Any, bool, np.dtype[Any]]]] = {
            (1, 0): npy.read_array_header_1_0,
            (2, 0): npy.read_array_header_2_0,
        }
        read_header = readers.get(version)
        if read_header is None:
            raise TagifaiError(f"{name}: .npy format {version} is unknown")
        shape, by_column, dtype = read_header(file, max_header_size=MAX_HEADER)
        if dtype.kind not in _KINDS[name] or dtype.hasobject:
            raise TagifaiError(f"{name}: an array of type {shorten(str(dtype))} does not fit")
        content = file.read()
    # The header's shape is only a claim: numpy would allocate it before reading.
    if math.prod(shape) * dtype.itemsize != len(content):
        raise TagifaiError(f"{name}: shape {shape} does not match {len(content):,} bytes")
    array = np.frombuffer(content, dtype=dtype)
    array = array.reshape(shape, order="F" if by_column else "C")
    if dtype.kind == "S":
        return np.char.decode(array, "utf-8")
    return array


def _check(p: Predictions) -> None:
    if p.out_of_fold not in OUT_OF_FOLD:
        raise one_of("out_of_fold", p.out_of_fold, OUT_OF_FOLD)
    n, t = len(p.ids), len(p.tags)
    if p.y_true.shape != (n, t) or p.y_prob.shape != (n, t) or p.split.shape != (n,):
        raise TagifaiError(
            f"{n} ids and {t} tags need split ({n},), y_true and y_prob ({n}, {t}); "
            f"got {p.split.shape}, {p.y_true.shape} and {p.y_prob.shape}"
        )
    for what, names in (("ids", p.ids), ("tags", p.tags)):
        if len(set(names)) != len(names):
            twice, _ = Counter(names).most_common(1)[0]
            raise TagifaiError(f"{what}: {shorten(twice)!r} comes twice")
        if "" in names:
            raise TagifaiError(f"{what}: an empty name")
    unknown = set(np.unique(p.split).tolist()) - set(SPLITS)
    if unknown:
        raise TagifaiError(f"split: {shorten(min(unknown))!r} is not one of {', '.join(SPLITS)}")
    if is_sparse(p.y_true) != is_sparse(p.y_prob):
        raise TagifaiError("y_true and y_prob: both dense or both sparse are needed")
    values = pair_values(p.y_prob)
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        place = int(np.flatnonzero(~((values >= 0) & (values <= 1)))[0])
        row, column = _pair_of(p.y_prob, place)
        raise TagifaiError(
            f"y_prob: project {shorten(p.ids[row])!r}, tag {shorten(p.tags[column])!r}: a "
            f"probability between 0 and 1 is needed, got {values[place]}"
        )


def _pair_of(matrix: Matrix, place: int) -> tuple[int, int]:
    """Return row and column of the value at a place of what is stored."""
    if is_sparse(matrix):
        row = int(np.searchsorted(matrix.indptr, place, side="right")) - 1
        return row, int(matrix.indices[place])
    row, column = divmod(place, matrix.shape[1])
    return row, column


def _as_stored(matrix: Matrix, kind: type[np.generic]) -> Matrix:
    """Return a copy as CSR of another type; labels of 0 are left out."""
    from scipy import sparse

    found = sparse.csr_array(matrix, dtype=kind, copy=True)
    found.sort_indices()
    if kind is np.uint8:
        found.eliminate_zeros()
    return found
