"""Read what matters of an ONNX file before it is loaded: which files it wants, how it ends.

The file is a stranger's: only lengths and numbers are read, nothing is allocated by what it says.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tagifai.errors import TagifaiError, shorten

MAX_DEPTH = 64
# The fields of each message that lead to tensors with data in other files, by number.
_INNER: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass
class GraphSummary:
    """What was found.

    Attributes
    ----------
    locations : list of str
        Files that tensors are kept in, relative to the model's folder.
    producers : dict
        The type of the node that each value of the outermost graph comes from.
    sources : dict
        The first input of the node that each value comes from.
    """

    locations: list[str] = field(default_factory=list)
    producers: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def final_operator(self, output: str) -> str:
        """Return the type of the node that makes an output, looking through mere reshaping."""
        seen = set()
        while output in self.producers and output not in seen:
            seen.add(output)
            kind = self.producers[output]
            if kind not in ("Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten"):
                return kind
            output = self.sources.get(output, "")
        return ""


def summarize_graph(content: bytes, where: str) -> GraphSummary:
    """Read an ONNX file's structure.

    Raises
    ------
    TagifaiError
        It is no ONNX file, or nested too deeply.
    """
    found = GraphSummary()
    try:
        _walk(memoryview(content), "model", found, 0)
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise TagifaiError(f"{where}: not an ONNX file ({shorten(str(error))})") from None
    return found


def _walk(message: memoryview, kind: str, found: GraphSummary, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    inner = _INNER[kind]
    for number, value in _fields(message):
        if number in inner and value is not None:
            if inner[number] == "entry":
                _read_entry(value, found)
            else:
                _walk(value, inner[number], found, depth + 1)
    if kind == "node" and depth == 2:
        _read_node(message, found)


def _read_entry(message: memoryview, found: GraphSummary) -> None:
    texts = {number: bytes(value).decode() for number, value in _fields(message) if value}
    if texts.get(1) == "location":
        found.locations.append(texts.get(2, ""))


def _read_node(message: memoryview, found: GraphSummary) -> None:
    inputs: list[str] = []
    outputs: list[str] = []
    operator = ""
    for number, value in _fields(message):
        if value is None or number not in (1, 2, 4):
            continue
        text = bytes(value).decode()
        if number == 4:
            operator = text
        else:
            (inputs if number == 1 else outputs).append(text)
    for output in outputs:
        found.producers[output] = operator
        found.sources[output] = inputs[0] if inputs else ""


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | None]]:
    """Yield (number, content) of a message's fields; None for numbers."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            _, place = _varint(message, place)
            yield number, None
        elif wire == _BYTES:
            length, place = _varint(message, place)
            if place + length > len(message):
                raise ValueError("a field is longer than the file")
            yield number, message[place : place + length]
            place += length
        elif wire in (_FIXED64, _FIXED32):
            place += 8 if wire == _FIXED64 else 4
            if place > len(message):
                raise ValueError("a field is longer than the file")
            yield number, None
        else:
            raise ValueError(f"a field of kind {wire}")


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("a number that does not end")
