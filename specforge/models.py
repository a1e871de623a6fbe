"""What a model's own files say: JSON and the header of its weights, read without importing torch or transformers."""

from __future__ import annotations

import importlib.metadata
import json
import math
import re
import struct
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from specforge import references
from specforge.catalog.bases import Base, known
from specforge.catalog.classifiers import Classifier
from specforge.locate import LookupFailure, locate
from specforge.spec.reranker import CrossEncoder
from specforge.spec.retriever import Retriever

Json = dict[str, object]
Based = Retriever | Classifier | CrossEncoder
"""A section of the spec with a base model."""

_POOLINGS = {"mean": "mean", "cls": "cls", "lasttoken": "last_token"}
_OLD_POOLINGS = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "last_token",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
}
"""What 1_Pooling/config.json said before version 6 -> the pooling."""

_FAMILIES = {
    "SentenceTransformer": "bi_encoder",
    "SparseEncoder": "sparse_encoder",
    "MultiVectorEncoder": "late_interaction",
    "ColBERT": "late_interaction",
    "CrossEncoder": "cross_encoder",
}
"""What config_sentence_transformers.json calls a model -> what it was trained as; `ColBERT` is PyLate's word."""

_QUERY, _DOCUMENT = ("query",), ("document", "passage", "corpus")
"""What names of prompts end with; of several the library takes the first."""

_MARKERS = {"query": ("query_token_id", "[unused0]"), "document": ("doc_token_id", "[unused1]")}
"""Role -> the key in ColBERT's artifact.metadata of the token before every text, and what the library takes without it."""

_LENGTHS = tuple(f"sentence_{kind}_config.json" for kind in ("bert", "roberta", "distilbert", "xlm-roberta"))
"""Where the library kept how many tokens are read; later it is with the tokenizer."""

_AFTER_PADDING = ("camembert", "mpnet", "roberta", "xlm-roberta", "xlm-roberta-xl")
"""Kinds of models whose positions are counted from after the padding's: two of them stand for no token."""

_LONGEST_HEADER = 100_000_000


@dataclass(frozen=True)
class Model:
    """A base model as far as it is known.

    Attributes:
        base: what its files say, and what its card says where they say nothing.
        folder: where its files lie; None where they are not at hand.
        config: its config.json; empty where it has none.
        shapes: the shape of every weight, by name; empty where the header cannot be read.
        width: bytes of one number of its weights, 4 where that is not known.
    """

    base: Base
    folder: Path | None = None
    config: Json = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    width: int = 4


def model(section: Based, spec_folder: Path) -> Model:
    """The base model of a section. Raises LookupFailure where it is a folder that is not there."""
    return named(section.base, section.revision, spec_folder)


def named(model: str, revision: str | None, spec_folder: Path) -> Model:
    """The model of a name. Raises LookupFailure where it is a folder that is not there."""
    name = references.hub_name(model)
    if name is None:
        return at(locate(model, spec_folder)[0])
    card, folder = known(name) or Base(), cached(name, revision)
    return replace(at(folder, card), folder=folder) if folder else Model(card)


def model_folder(model: str, base: Path) -> Path | None:
    """Where a model lies; None for a Hub name. Raises LookupFailure."""
    return locate(model, base)[0] if references.hub_name(model) is None else None


def folder_of(retriever: Retriever, spec_folder: Path) -> Path | None:
    """Where the files of the base lie; None where they are not at hand."""
    try:
        return model(retriever, spec_folder).folder
    except LookupFailure:
        return None


def cached(name: str, revision: str | None) -> Path | None:
    """The folder of a Hub model that was downloaded before."""
    config = cached_file(name, revision, "config.json")
    return config.parent if config is not None else None


def cached_file(name: str, revision: str | None, file: str) -> Path | None:
    """A file of a Hub model that was downloaded before; nothing is fetched."""
    from huggingface_hub import try_to_load_from_cache

    try:
        found = try_to_load_from_cache(name, file, revision=revision)
    except ValueError:
        return None
    return Path(found) if isinstance(found, str) else None


def at(folder: Path, card: Base | None = None) -> Model:
    """The model in a folder; `card` says what its files do not."""
    modules = _modules(folder)
    first = folder / _path(modules[0]) if modules else folder
    config = read_object(first / "config.json")
    shapes, width = _weights(first)
    said = card or Base()
    family = _family(folder, modules, config) or said.family
    base = Base(
        family=family,
        pooling=_pooling(folder, modules) or said.pooling,
        plain=not modules and bool(config) and (said.plain if card else family is None),
        static=_is_static(modules) or said.static,
        normalised=any(_kind(module) == "Normalize" for module in modules) if modules else said.normalised,
        similarity=_similarity(folder) or said.similarity,
        positions=_positions(config) or said.positions,
        length=(_length(first) if modules else None) or said.length,
        dimension=_dimension(folder, modules, config, shapes) or said.dimension,
        layers=_number(config, "num_hidden_layers", "n_layers", "n_layer", "num_layers") or said.layers,
        parameters=sum(map(math.prod, shapes.values())) or said.parameters,
        code=_needs_code(modules, config) if modules or config else said.code,
    )
    base = _with_prompts(base, _named(folder, modules, config), said)
    return Model(base, folder, config, shapes, width)


def read_object(file: Path) -> Json:
    """Empty where the file is not there, or holds no object."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _modules(folder: Path) -> list[Json]:
    try:
        found = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _kind(module: Json) -> str:
    return str(module.get("type", "")).rpartition(".")[2]


def _path(module: Json) -> str:
    return str(module.get("path", ""))


def _is_static(modules: list[Json]) -> bool:
    return bool(modules) and _kind(modules[0]) == "StaticEmbedding"


def _family(folder: Path, modules: list[Json], config: Json) -> str | None:
    """What it was trained as, as far as the files say. A classifier with one output scores pairs."""
    found = read_object(folder / "config_sentence_transformers.json").get("model_type")
    if str(found) in _FAMILIES:
        return _FAMILIES[str(found)]
    names, labels = _architectures(config), config.get("id2label")
    if not modules and any(name.endswith("ForSequenceClassification") for name in names):
        return "cross_encoder" if isinstance(labels, dict) and len(labels) == 1 else None
    if not modules and "HF_ColBERT" in names:
        return "late_interaction"
    return "bi_encoder" if any(_kind(module) == "Pooling" for module in modules) else None


def _architectures(config: Json) -> list[str]:
    found = config.get("architectures")
    return [str(name) for name in found] if isinstance(found, list) else []


def _named(folder: Path, modules: list[Json], config: Json) -> dict[str, str]:
    """The prompts by their names. What ColBERT's libraries put before a text as a token of its own is text here as well."""
    found = read_object(folder / "config_sentence_transformers.json")
    given = found.get("prompts")
    texts = {str(name): text for name, text in (given if isinstance(given, dict) else {}).items()}
    markers = {role: found.get(f"{role}_prefix") for role in _MARKERS}
    if not modules and "HF_ColBERT" in _architectures(config):
        metadata = read_object(folder / "artifact.metadata")
        markers = {role: f"{metadata.get(key) or default} " for role, (key, default) in _MARKERS.items()}
    for role, marker in markers.items():
        if isinstance(marker, str):
            texts[role] = marker + str(texts.get(role) or "").removeprefix(marker)
    return {name: text for name, text in texts.items() if isinstance(text, str)}


def _with_prompts(base: Base, named: dict[str, str], said: Base) -> Base:
    """Empty prompts say nothing: the library writes them for every model. An instruction may say any task, and prompts for
    other tasks than search are for texts of one kind."""
    query, document = (_ending(named, endings) for endings in (_QUERY, _DOCUMENT))
    if not query and not document:
        return replace(base, prompts=said.prompts, alike=said.alike)
    prompts = (_INSTRUCTION.sub(r"\1{task}\n", query), document)
    others = (text for name, text in named.items() if _last(name) not in (*_QUERY, *_DOCUMENT))
    alike = said.alike if prompts == said.prompts else ()
    return replace(base, prompts=prompts, alike=tuple(dict.fromkeys((*alike, *others))))


_INSTRUCTION = re.compile(r"^(Instruct: )[^\n]+\n")


def _ending(named: dict[str, str], endings: tuple[str, ...]) -> str:
    """The prompt of this name, or else of one that ends with it, such as `retrieval.query`."""
    found = (named[name] for ending in endings for name in sorted(named, key=len) if _last(name) == ending)
    return next(found, "")


def _last(name: str) -> str:
    return re.split(r"[^a-z]", name.lower())[-1]


def _similarity(folder: Path) -> str | None:
    """`cosine` says nothing: the library writes it for every model."""
    found = read_object(folder / "config_sentence_transformers.json").get("similarity_fn_name")
    return "dot" if found == "dot" else None


def _pooling(folder: Path, modules: list[Json]) -> str | None:
    """The language's word for it, or else the library's own."""
    for module in modules:
        if _kind(module) == "Pooling":
            config = read_object(folder / _path(module) / "config.json")
            old = [word for key, word in _OLD_POOLINGS.items() if config.get(key)]
            words = config.get("pooling_mode", old or "mean")
            words = words if isinstance(words, list) else [words]
            return " and ".join(_POOLINGS.get(str(word), str(word)) for word in words)
    return None


def _positions(config: Json) -> int | None:
    found = _number(config, "max_position_embeddings", "n_positions")
    return found - 2 if found and config.get("model_type") in _AFTER_PADDING else found


def _length(first: Path) -> int | None:
    """How many tokens the library reads of a text where nobody says otherwise: as many as the model was trained to."""
    files = (*(first / name for name in _LENGTHS), first / "tokenizer_config.json")
    found = (_number(read_object(file), "max_seq_length", "model_max_length") for file in files)
    return next((number for number in found if number is not None), None)


def _dimension(folder: Path, modules: list[Json], config: Json, shapes: dict[str, tuple[int, ...]]) -> int | None:
    """Of the last module that changes it, else of the hidden layers, or of a table of vectors."""
    for module in reversed(modules):
        if _kind(module) == "Dense":
            return _number(read_object(folder / _path(module) / "config.json"), "out_features")
    if _is_static(modules):
        return next((shape[1] for shape in shapes.values() if len(shape) == 2), None)
    return _number(config, "hidden_size", "d_model", "dim")


def _number(config: Json, *names: str) -> int | None:
    found = next((config[name] for name in names if name in config), None)
    return found if isinstance(found, int) else None


def _needs_code(modules: list[Json], config: Json) -> bool:
    """Modules of the model's own, or a kind of model that the installed transformers does not have. PyLate's modules are
    the library's."""
    libraries = ("sentence_transformers.", "pylate.")
    foreign = any(not str(module.get("type", "")).startswith(libraries) for module in modules)
    return foreign or ("auto_map" in config and not _is_native(config))


def _is_native(config: Json) -> bool:
    """Whether transformers has the model; where it is not installed, it is taken to. A model may call itself `bert` and be
    another: then its class is not among those of that kind."""
    try:
        library = importlib.metadata.distribution("transformers")
    except importlib.metadata.PackageNotFoundError:
        return True
    kind = str(config.get("model_type", "")).replace("-", "_")
    folder = Path(str(library.locate_file(f"transformers/models/{kind}")))
    if not kind or not folder.is_dir():
        return False
    code = "".join(file.read_text(encoding="utf-8") for file in folder.glob("modeling_*.py"))
    return all(f"class {name}(" in code for name in _classes(config))


def _classes(config: Json) -> list[str]:
    """The class of the model by its own code, without its head."""
    found = config.get("auto_map")
    named = found.get("AutoModel") if isinstance(found, dict) else None
    return [named.rpartition(".")[2]] if isinstance(named, str) else []


def _weights(folder: Path) -> tuple[dict[str, tuple[int, ...]], int]:
    """The shape of every weight, and the bytes of a number, by the headers of the files of safetensors. Whole numbers are
    the places of tokens, and no weights."""
    shapes: dict[str, tuple[int, ...]] = {}
    widths: list[int] = []
    for file in sorted(folder.glob("*.safetensors")):
        for name, weight in _header(file).items():
            if name != "__metadata__" and isinstance(weight, dict) and weight["dtype"] != "I64":
                shapes[name] = tuple(cast(list[int], weight["shape"]))
                widths += [_WIDTHS[str(weight["dtype"])]] if weight["dtype"] in _WIDTHS else []
    return shapes, max(widths, default=4)


_WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}


def _header(file: Path) -> Json:
    """Eight bytes that say how long it is, then JSON."""
    try:
        with file.open("rb") as opened:
            (length,) = struct.unpack("<Q", opened.read(8))
            found = json.loads(opened.read(length)) if length < _LONGEST_HEADER else {}
    except (OSError, ValueError, struct.error):
        return {}
    return found if isinstance(found, dict) else {}
