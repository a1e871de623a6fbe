"""The values that the templates of an adaptation are filled with."""

from __future__ import annotations

from specforge.catalog.adaptations import ATTENTION, Adaptation, Freeze, Lora
from specforge.quote import Code
from specforge.templating import At

Values = dict[str, object]


def values(adaptation: Adaptation, trainer: str, at: At) -> Values:
    """What train.py needs to know of an adaptation; `trainer` is the library's class for the family."""
    kind = at.kind.value
    return {
        "adaptation": at,
        "adaptation_partial": None if kind == "full" else f"python/adaptation/{kind}.py.jinja",
        "trainer_class": Code("AdapterTrainer" if isinstance(adaptation, Lora) else trainer),
        "merged": isinstance(adaptation, Lora),
        **(_of_lora(adaptation, at) if isinstance(adaptation, Lora) else {}),
        **(_of_freeze(adaptation, at) if isinstance(adaptation, Freeze) else {}),
    }


_TARGETS = {"all_linear": "all-linear", "attention": ATTENTION}


def _of_lora(adaptation: Lora, at: At) -> Values:
    target = adaptation.target
    named = _TARGETS[target] if isinstance(target, str) else list(target)
    variants = {name: At(adaptation.variant == name, at.variant.trail) for name in ("rslora", "dora")}
    return {"adaptation_target": At(named, at.target.trail), "adaptation_variant": variants}


def _of_freeze(adaptation: Freeze, at: At) -> Values:
    """The layers as a slice."""
    if adaptation.layers is not None:
        return {"frozen_layers": At(Code(f":{adaptation.layers}"), at.layers.trail)}
    if adaptation.all_but_last is not None:
        return {
            "frozen_layers": At(
                Code(f":-{adaptation.all_but_last}" if adaptation.all_but_last else ":"), at.all_but_last.trail
            )
        }
    return {"frozen_layers": None}
