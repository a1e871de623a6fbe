"""Faults of the text itself: keys that are ignored, values that are read as something else, code that is not the spec's."""

from __future__ import annotations

from mutations.fault import Fault

_TRAIN = "train: {epochs: 1,"

TEXT = (
    Fault(
        "key_misspelt",
        "a key is misspelt, ignored, and its default is taken",
        "pydantic documentation, Config: `extra` is 'ignore' unless one says otherwise",
        "question_answer",
        "SF002",
        edits=(("learning_rate: 5e-5", "learning_rat: 5e-5"),),
    ),
    Fault(
        "key_in_another_section",
        "a key stands one level too high, and is ignored",
        "pydantic documentation, Config: `extra` is 'ignore' unless one says otherwise",
        "question_answer",
        "SF002",
        edits=(("  max_length: 64", "  max_length: 64\n  batch_size: 64"),),
    ),
    Fault(
        "key_twice",
        "a key stands twice, and the last one counts",
        "yaml/pyyaml#165, Duplicate keys are not handled properly; rbgirshick/yacs#17",
        "question_answer",
        "SF005",
        edits=(("  max_length: 64", "  max_length: 64\n  max_length: 256"),),
    ),
    Fault(
        "no_is_false",
        "a column is called yes, and YAML 1.1 makes it true",
        "StrictYAML documentation, The Norway Problem",
        "mutual_like",
        same=True,
        edits=(("liked: yes", 'liked: "yes"'),),
    ),
    Fault(
        "rate_read_as_text",
        "the rate 5e-5 has no point, and a YAML reader takes it for a text",
        "yaml/pyyaml#173, Numbers in scientific notation without dot are parsed as string",
        "question_answer",
        same=True,
        edits=(("learning_rate: 5e-5", "learning_rate: 0.00005"),),
    ),
    Fault(
        "number_in_quotes",
        "a number stands in quotes, and compares as a text",
        "yaml/pyyaml#173, Numbers in scientific notation without dot are parsed as string",
        "question_answer",
        "SF003",
        edits=(("batch_size: 16", 'batch_size: "16"'),),
    ),
    Fault(
        "unpinned_data",
        "a data set of the Hub is read from a branch, and may be another one tomorrow",
        "bandit documentation, B615: huggingface_unsafe_download",
        "question_answer",
        "SF403",
        edits=(("faq: {path: data/faq.csv}", "faq: {path: hub:org/faq, part: train, revision: main}"),),
    ),
    Fault(
        "password_in_the_spec",
        "the address of a database stands in the spec, with its password, and goes to git",
        "CWE-798, Use of Hard-coded Credentials",
        "question_answer",
        "SF003",
        edits=(("faq: {path: data/faq.csv}", "faq: {path: 'postgresql://shop:secret@db/shop', table: faq}"),),
    ),
    Fault(
        "chance_in_the_query",
        "the query draws its rows by lot, and every run has other ones",
        "Pineau et al. 2021, Improving Reproducibility in Machine Learning Research (JMLR)",
        "sql",
        "SF003",
        edits=(("where length(a.text) > 20", "where length(a.text) > 20 and random() < 0.9"),),
    ),
    Fault(
        "clock_in_the_query",
        "the query keeps the last year from today on, and tomorrow it keeps another one",
        "Pineau et al. 2021, Improving Reproducibility in Machine Learning Research (JMLR)",
        "sql",
        "SF003",
        edits=(("where length(a.text) > 20", "where t.opened_at > current_date - interval 1 year"),),
    ),
    Fault(
        "table_that_nobody_reads",
        "a table stands in the spec, and nothing reads it",
        "Sculley et al. 2015, Hidden Technical Debt in Machine Learning Systems (NeurIPS): dead experimental codepaths",
        "question_answer",
        "SF401",
        edits=(("  faq: {path: data/faq.csv}", "  faq: {path: data/faq.csv}\n  clicks: {path: data/searches.csv}"),),
    ),
    Fault(
        "warning_accepted_for_nothing",
        "a warning is switched off that does not occur, and would be missed when it does",
        "astral-sh/ruff documentation, RUF100: unused noqa",
        "interacted",
        "SF401",
        edits=(("\naccept:\n", "\naccept:\n  SF204: no text is long\n"),),
    ),
    Fault(
        "error_switched_off",
        "an error is accepted to get on",
        "Sculley et al. 2015, Hidden Technical Debt in Machine Learning Systems (NeurIPS)",
        "interacted",
        "SF003",
        edits=(("\naccept:\n", "\naccept:\n  SF103: it is only a warning\n"),),
    ),
)

CODE = (
    Fault(
        "stale_code",
        "the spec was changed, and the generated code was not",
        "protocolbuffers/protobuf and sqlc: generated files that are committed need a check in CI (`sqlc diff`)",
        "question_answer",
        stale=True,
        edits=(("batch_size: 16", "batch_size: 32"),),
    ),
    Fault(
        "code_edited_by_hand",
        "the generated code was changed by hand, and the spec says something else",
        "golang.org, Command go: `Code generated ... DO NOT EDIT.`",
        "question_answer",
        stale=True,
        generated=("train.py", "learning_rate=5e-5", "learning_rate=5e-4"),
    ),
)
