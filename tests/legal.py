"""Which choices go together, by what the catalog declares, and the code that refuses those that do not.

A choice that no rule speaks of must go with every other: the coverage test says where the compiler thinks otherwise.
"""

from __future__ import annotations

import legal_classifiers
import legal_rerankers
import legal_retrievers
import legal_sources
from chosen import Rule
from grown import documents

from specforge.spec.base import Section
from specforge.spec.document import Classification, Spec

DOCUMENTS = documents()

RULES: dict[type[Section], tuple[Rule, ...]] = {
    Spec: (*legal_sources.RULES, *legal_retrievers.RULES, *legal_rerankers.RULES),
    Classification: (*legal_sources.RULES, *legal_classifiers.RULES),
}
"""Kind of spec -> its rules."""
