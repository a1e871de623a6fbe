"""Rules about the base model: whether the spec treats it as it was trained. `judge` is asked twice: with what the model's
card says, before anything is looked at, and with what its own files say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from specforge import named, references
from specforge.catalog.bases import Base, is_prompt, known
from specforge.checks.words import clipped, listed
from specforge.named import Named
from specforge.problems import Keys, Problem
from specforge.source import Source
from specforge.spec.document import Experiment, Spec
from specforge.spec.models import Prompts
from specforge.spec.retriever import BiEncoder

_COMMIT = r"[0-9a-f]{40}"
_COMMITS = 'set "revision" to the commit, 40 hex digits, that the Hub shows under "History"'
_TASK = "a sentence that says what is sought"


def cards(spec: Spec, source: Source) -> Iterator[Problem]:
    """What the cards of known Hub models say."""
    name = references.hub_name(spec.encoded.base)
    base = known(name) if name is not None else None
    if base is not None:
        yield from judge(spec, source, base)


def judge(spec: Spec, source: Source, base: Base) -> Iterator[Problem]:
    """Every way in which the spec contradicts the base model."""
    for rule in _JUDGES:
        yield from rule(spec, source, base)


def family(spec: Spec, source: Source, base: Base) -> Iterator[Problem]:
    """A model that gives something else has vectors that nobody trained to be compared."""
    wanted, keys = spec.encoded.family, ("retriever", "base")
    if base.family in (None, "bi_encoder", wanted) or spec.static is not None:
        return
    message = f'the base model was trained as "{base.family}", and the family is "{wanted}"'
    hint = f'set "family: {base.family}", or take an encoder'
    if base.family == "cross_encoder":
        hint = 'it scores a query and a document that it reads together: make it the base of a "reranker"'
    yield Problem("SF202", message, source.value_span(keys), keys, hint)


def prompts(spec: Spec, source: Source, base: Base) -> Iterator[Problem]:
    """A model that was trained with prompts wants them; one that was trained without wants none. What becomes a model of
    another family is trained anew."""
    given, same = spec.encoded.prompts, base.family in (None, spec.encoded.family)
    if base.prompts is None or not same or spec.static is not None or _accepted(spec, base):
        return
    keys: Keys = ("retriever", "prompts")
    expected = _written(base.prompts)
    if given == Prompts():
        message = "the base model expects prompts, and the spec gives none"
        yield Problem("SF201", message, source.value_span(("retriever", "base")), keys, f'add "prompts: {expected}"')
    elif base.prompts == ("", ""):
        message = "the base model expects no prompts, and the spec gives some"
        yield Problem("SF201", message, source.key_span(keys), keys, 'leave "prompts" out')
    else:
        side = "query" if not is_prompt(given.query, base.prompts[0]) else "document"
        message = f'the base model expects another "{side}" prompt, not {clipped(_quoted(getattr(given, side)))}'
        place: Keys = (*keys, side)
        yield Problem("SF201", message, source.value_span(place), place, f'set "prompts: {expected}"')


def _accepted(spec: Spec, base: Base) -> bool:
    """Those for search; where queries are documents, those for texts of one kind as well."""
    given = spec.encoded.prompts
    assert base.prompts is not None
    if is_prompt(given.query, base.prompts[0]) and given.document == base.prompts[1]:
        return True
    of_items = all(objective.queries == "documents" for objective in spec.objectives.values())
    same = given.query == given.document
    return of_items and same and any(is_prompt(given.query, prompt) for prompt in base.alike)


def _written(prompts: tuple[str, str]) -> str:
    """As YAML."""
    query, document = (_quoted(text.replace("{task}", _TASK)) for text in prompts)
    return f"{{query: {query}, document: {document}}}" if prompts[1] else f"{{query: {query}}}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\n", "\\n") + '"'


def pooling(spec: Spec, source: Source, base: Base) -> Iterator[Problem]:
    """The vector that the base model was trained to give."""
    keys: Keys = ("retriever", "pooling")
    if spec.static is not None or not isinstance(spec.retriever, BiEncoder):
        return
    chosen = spec.retriever.pooling
    if chosen is None and base.plain:
        message = "the base model has no pooling of its own, and gets the mean of its tokens"
        hint = 'say which, as in "pooling: mean"'
        yield Problem("SF202", message, source.value_span(("retriever", "base")), keys, hint)
    elif chosen is not None and base.pooling not in (None, chosen):
        message = f'pooling is "{chosen}", and the base model was trained with "{base.pooling}"'
        yield Problem("SF202", message, source.value_span(keys), keys, 'leave "pooling" out')


def similarity(spec: Spec, source: Source, base: Base) -> Iterator[Problem]:
    """What it was trained to be compared by; on vectors of length 1 both are the same."""
    chosen, keys = spec.encoded.similarity, ("retriever", "similarity")
    if not isinstance(spec.retriever, BiEncoder) or spec.static is not None:
        return
    if base.normalised is not False or base.similarity in (None, chosen):
        return
    message = f'similarity is "{chosen}", and the base model was trained for "{base.similarity}"'
    why = "it scales no vector to length 1, and says something by the length"
    if base.similarity == "cosine":
        why = "it scales no vector to length 1, and its lengths say nothing"
    span = source.value_span(keys if keys in source.places else ("retriever", "base"))
    yield Problem("SF202", message, span, keys, f'{why}: set "similarity: {base.similarity}"')


def length(spec: Spec, source: Source, base: Base) -> Iterator[Problem]:
    """Texts longer than those that it was trained on are new to a model that is not trained here."""
    if base.length is None or spec.train is not None or spec.static is not None:
        return
    chosen, keys = spec.encoded.max_length, ("retriever", "max_length")
    if isinstance(spec.retriever, BiEncoder) and base.length < chosen <= (base.positions or chosen):
        message = f'"max_length" is {chosen}, and the base model was trained to read {base.length} tokens'
        hint = f'nothing is trained here, and it is worse on longer texts: set "max_length: {base.length}"'
        span = source.value_span(keys if keys in source.places else ("retriever", "base"))
        yield Problem("SF202", message, span, keys, hint)


def positions(spec: Experiment, source: Source, base: Base) -> Iterator[Problem]:
    """What the encoder reads of a text."""
    if spec.encoder is not None and not (isinstance(spec, Spec) and spec.static is not None):
        yield from past_positions(source, (spec.trains,), spec.encoder.max_length, base.positions)


def past_positions(source: Source, section: Keys, max_length: int, most: int | None) -> Iterator[Problem]:
    """A model with learnt positions has none for tokens past the last."""
    if most is not None and max_length > most:
        keys: Keys = (*section, "max_length")
        message = f'"max_length" is {max_length}, and the model has positions for {most} tokens'
        keys = next(found for found in (keys, (*section, "base"), (*section, "model")) if found in source.places)
        yield Problem("SF003", message, source.value_span(keys), keys)


def layers(spec: Spec, source: Source, base: Base) -> Iterator[Problem]:
    """What is frozen is a part of the model, and leaves something to train."""
    adaptation = spec.encoded.adaptation
    if adaptation.kind != "freeze" or base.layers is None:
        return
    for name in ("layers", "all_but_last"):
        number, keys = getattr(adaptation, name), ("retriever", "adaptation", name)
        most = base.layers - 1 if name == "layers" and adaptation.embeddings else base.layers
        if number is not None and number > most:
            message = f'"{name}" is {number}, and the base model has {base.layers} layers'
            hint = 'what follows the layers is trained alone by "all_but_last: 0"' if number == base.layers else ""
            yield Problem("SF003", message, source.value_span(keys), keys, hint)


def static(spec: Spec, source: Source, base: Base) -> Iterator[Problem]:
    """A model without layers is named as one."""
    section, keys = spec.static, ("retriever", "static")
    if base.static and (section is None or section.embeddings != "own"):
        span = source.value_span((*keys, "embeddings") if section else ("retriever", "base"))
        message = 'the base is a static model already, and needs "static: {embeddings: own}"'
        yield Problem("SF003", message, span, keys)
    if section is None or base.static:
        return
    if section.embeddings == "own" and (base.layers or base.plain or base.pooling):
        message, place = 'the base is no static model, and cannot be taken as its "own"', (*keys, "embeddings")
        hint = 'take its input embeddings by "embeddings: base"'
        yield Problem("SF003", message, source.value_span(place), place, hint)
    elif section.embeddings == "base" and section.dimension and section.dimension > (base.dimension or 8192):
        message = f'"dimension" is {section.dimension}, and the embeddings of the base have {base.dimension}'
        place = (*keys, "dimension")
        yield Problem("SF003", message, source.value_span(place), place)


def code(spec: Spec, source: Source, base: Base) -> Iterator[Problem]:
    """A model with code of its own runs it only where the spec says so."""
    if base.code and not spec.encoded.trust_remote_code:
        keys: Keys = ("retriever", "base")
        message = "the base model runs only with Python code of its own, which the spec does not trust"
        hint = 'read the code, then set "trust_remote_code: true", or take another base'
        yield Problem("SF403", message, source.value_span(keys), keys, hint)


_JUDGES = (family, prompts, pooling, similarity, length, positions, layers, static, code)


def revision(spec: Experiment, source: Source) -> Iterator[Problem]:
    """A commit names one content for good."""
    for one in named.models(spec):
        if one.revision is not None and references.hub_name(one.model) and not re.fullmatch(_COMMIT, one.revision):
            keys: Keys = (*one.section, "revision")
            message = f'revision "{clipped(one.revision)}" is a branch or tag, which may move, and no commit'
            yield Problem("SF403", message, source.value_span(keys), keys, _COMMITS)


def trusted(spec: Spec, source: Source) -> Iterator[Problem]:
    """Code that is trusted is that of one commit."""
    if spec.encoded.trust_remote_code and spec.encoded.revision is None and references.hub_name(spec.encoded.base):
        keys: Keys = ("retriever", "trust_remote_code")
        message = "code is trusted that may be another tomorrow: the base model is not pinned to a commit"
        yield Problem("SF403", message, source.key_span(keys), keys, _COMMITS)


def without_commit(source: Source, one: Named) -> Iterator[Problem]:
    """Without a commit, the newest is taken, whichever it is on the day."""
    name = references.hub_name(one.model)
    if name is not None and one.revision is None:
        message = f"{one.role} {listed([clipped(name)])} is not pinned to a commit"
        yield Problem("SF402", message, source.value_span(one.keys), one.keys, _COMMITS)


RULES = (cards, trusted)
