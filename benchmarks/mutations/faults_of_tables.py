"""Faults of the tables: columns, ids, labels, times, texts, joins."""

from __future__ import annotations

import hashlib

from mutations.fault import (
    Fault,
    Row,
    as_json,
    by_line,
    by_row,
    by_rows,
    by_value,
    in_order,
    on,
    without_header,
)


def _stars(clicked: str) -> str:
    return "5" if clicked == "1" else "2"


def _german(moment: str) -> str:
    date, time = moment.split(" ")
    return f"{'.'.join(reversed(date.split('-')))} {time}"


def _distance(score: str) -> str:
    return f"{5 - float(score):.2f}"


def _milliseconds(moment: str) -> str:
    import datetime as dt

    return str(int(dt.datetime.fromisoformat(f"{moment}+00:00").timestamp() * 1000))


def _numbered(row: Row) -> dict[str, object]:
    return {**row, "product_id": int(row["product_id"].removeprefix("p"))}


def _renamed(place: int, row: Row) -> Row:
    return row | {"article_id": f"b{place:03}"}


def _copies(rows: list[Row]) -> list[Row]:
    """A second row for every article, under an id of its own."""
    return [*rows, *(_renamed(place, row) for place, row in enumerate(rows))]


def _latin(text: str) -> bytes:
    return text.replace("tent", "zelt für zwei").encode("latin-1")


def _of_others(rows: list[Row]) -> list[Row]:
    """The answers in another order, the questions as they were."""
    places = sorted(range(len(rows)), key=lambda place: hashlib.md5(str(place).encode()).hexdigest())
    return [row | {"article_id": rows[place]["article_id"]} for row, place in zip(rows, places, strict=True)]


def _garbled(text: str) -> str:
    """UTF-8 that was read as Latin-1 and saved again."""
    return text.replace("advice", "advice für alle").encode("utf-8").decode("latin-1")


def _joined_ids(answer: dict[str, object]) -> dict[str, object]:
    cited = answer["cited"]
    assert isinstance(cited, list)
    return answer | {"cited": ", ".join(cited)}


COLUMNS = (
    Fault(
        "query_and_document_swapped",
        "the columns with the query's id and the document's id stand in each other's place",
        "sbert.net, Training Overview: the order of a dataset's columns counts, and their names do not",
        "judged",
        "SF004",
        edits=(("query: query_id", "query: article_id"), ("document: article_id", "document: query_id")),
    ),
    Fault(
        "question_and_answer_swapped",
        "the question's column is named as the answer, and the other way round",
        "huggingface/sentence-transformers#2928, models that were trained with answer and query in the wrong order",
        "question_answer",
        "SF004",
        edits=(("question: question", "question: article_id"), ("answer: article_id", "answer: question")),
    ),
    Fault(
        "columns_in_another_order",
        "a table has its columns as negative, positive, anchor",
        "sbert.net, Training Overview: the order of a dataset's columns counts, and their names do not",
        "triplets",
        same=True,
        data=on("triplets.csv", in_order("negative positive anchor")),
    ),
    Fault(
        "positive_and_negative_swapped",
        "the columns with the positives and with the negatives stand in each other's place",
        "sbert.net, Training Overview: the order of a dataset's columns counts, and their names do not",
        "triplets",
        "SF115",
        edits=(("positive: positive  ", "positive: negative  "), ("negative: negative", "negative: positive")),
    ),
    Fault(
        "score_and_text_swapped",
        "the column with the score is named as the first text",
        "huggingface.co/docs/autotrain, Understanding Column Mapping: it has no way of knowing what a column means",
        "scored_pairs",
        "SF102",
        edits=(("first: one", "first: score"), ("score: score ", "score: one ")),
    ),
    Fault(
        "answers_of_other_questions",
        "one column was shuffled and the other was not, so every question has the answer of another",
        "pytorch/text#266, Fields get misaligned in larger datasets; penghao-wu/visual_jigsaw#12, paired after a shuffle",
        "question_answer",
        "SF116",
        data=on("faq.csv", by_rows(_of_others)),
    ),
    Fault(
        "no_header",
        "the CSV has no first line with names, so its first row is taken for it",
        "pandas documentation, read_csv: `header='infer'` takes the names from the first line",
        "question_answer",
        "SF004",
        data=on("faq.csv", without_header),
    ),
    Fault(
        "column_misspelt",
        "a column is named that the table does not have",
        "huggingface/transformers, Trainer: `remove_unused_columns=True` drops what the model does not know without an error",
        "question_answer",
        "SF004",
        edits=(("question: question", "question: questions"),),
    ),
)

IDS = (
    Fault(
        "leading_zeros_lost",
        "ids such as 007 were read as numbers on the way and are 7 in the log",
        "data-tutorials.com, How to work with numbers beginning with zero in pandas",
        "interacted",
        "SF305",
        edits=(("data/purchases.csv", "data/purchases.jsonl"),),
        data=(
            ("products.csv", "products.csv", by_value("product_id", lambda id: id.removeprefix("p"))),
            ("purchases.jsonl", "purchases.csv", as_json(_numbered)),
        ),
    ),
    Fault(
        "ids_with_fraction",
        "ids went through a float column and are 12.0 instead of 12",
        "pandas documentation, Working with missing data: a missing value turns whole numbers into floats",
        "interacted",
        "SF003",
        edits=(("data/purchases.csv", "data/purchases.jsonl"),),
        data=(
            ("products.csv", "products.csv", by_value("product_id", lambda id: id.removeprefix("p"))),
            (
                "purchases.jsonl",
                "purchases.csv",
                as_json(lambda row: row | {"product_id": int(row["product_id"][1:]) + 0.0}),
            ),
        ),
    ),
    Fault(
        "documents_missing",
        "a third of the judged documents is not in the collection, such as after a refresh of one of the two",
        "beir-cellar/beir#101, Inconsistency in Arguana: a relevant passage that the corpus lacks",
        "judged",
        "SF305",
        data=on("articles.csv", by_rows(lambda rows: [row for place, row in enumerate(rows) if place % 3])),
    ),
    Fault(
        "log_of_another_shop",
        "the log's ids are of another system than the collection's",
        "beir-cellar/beir#11, webis-touche2020 qrels: those of another version of the corpus",
        "judged",
        "SF004",
        data=on("articles.csv", by_value("article_id", lambda id: f"shop-{id}")),
    ),
    Fault(
        "ids_empty",
        "one row in ten has no document's id",
        "pandas documentation, merge: two missing keys match each other",
        "judged",
        "SF305",
        data=on("qrels.csv", by_value("article_id", lambda _: "", every=10)),
    ),
    Fault(
        "one_text_several_ids",
        "every article stands in the collection twice, under two ids",
        "embeddings-benchmark/mteb#4626, SyntheticText2SQL evaluation penalizes exact text duplicates",
        "judged",
        "SF304",
        data=on("articles.csv", by_rows(_copies)),
    ),
    Fault(
        "one_id_several_texts",
        "an id was given to other things over time, and its rows say different texts",
        "UCI Machine Learning Repository, Online Retail: one StockCode has several Descriptions",
        "judged",
        "SF003",
        data=on(
            "articles.csv",
            by_rows(lambda rows: [*rows, *(row | {"text": f"Withdrawn: {row['text']}"} for row in rows[:9])]),
        ),
    ),
    Fault(
        "session_for_search",
        "the column of the session is named as the search, so that one list of results has several queries",
        "ChuXiaokai/baidu_ultr_dataset#9, Found different queries share same qids",
        "clicked",
        "SF003",
        data=on("searches.csv", by_value("search", lambda search: f"s{int(search[1:]) // 3}")),
    ),
)

LABELS = (
    Fault(
        "scores_to_5_for_a_cosine",
        "scores from 0 to 5 go into a loss that compares them with a cosine",
        "huggingface/sentence-transformers#1095, Label range",
        "cosine_loss",
        "SF102",
        edits=(("    range: [0, 5]              # the scores that there can be\n", ""),),
    ),
    Fault(
        "scores_past_their_range",
        "the scores go to 100, and the spec says that they go to 5",
        "huggingface/sentence-transformers#1095, Label range",
        "cosine_loss",
        "SF102",
        data=on("scores.csv", by_value("score", lambda score: str(20 * float(score)))),
    ),
    Fault(
        "distances_for_scores",
        "the column says how far two texts are apart, and is taken for how near they are",
        "keras-team/keras#16935: the paper (Hadsell, Chopra and LeCun 2006) has 0 for alike, and most code has 1",
        "scored_pairs",
        "SF115",
        data=on("scores.csv", by_value("score", _distance)),
    ),
    Fault(
        "distances_for_a_loss_of_scores",
        "the same, where the scores themselves train",
        "keras-team/keras#16935: the paper (Hadsell, Chopra and LeCun 2006) has 0 for alike, and most code has 1",
        "similarity",
        "SF115",
        data=on("scores.csv", by_value("score", _distance)),
    ),
    Fault(
        "threshold_of_another_scale",
        "the scores were divided by 5, and the threshold was not",
        "huggingface/sentence-transformers#95, Regression objective function for the label with the range of [0,5]",
        "scored_pairs",
        "SF102",
        data=on("scores.csv", by_value("score", lambda score: str(float(score) / 5))),
    ),
    Fault(
        "stars_as_clicks",
        "a column of ratings from 1 to 5 is named as the flag that says what was clicked",
        "Python documentation, Truth Value Testing: every number but 0 is true",
        "clicked",
        "SF102",
        data=on("searches.csv", by_value("clicked", _stars)),
    ),
    Fault(
        "flags_in_words",
        "the flag says maybe where the log knows nothing",
        "Python documentation, argparse: bool() takes every text that is not empty for true",
        "clicked",
        "SF102",
        data=on("searches.csv", by_value("clicked", lambda _: "maybe", every=9)),
    ),
    Fault(
        "false_as_text",
        'the flag is the text "false", which Python holds to be true',
        "Python documentation, argparse: bool() takes every text that is not empty for true",
        "clicked",
        same=True,
        data=on("searches.csv", by_value("clicked", lambda clicked: str(clicked == "1"))),
    ),
    Fault(
        "decimal_commas",
        "the scores are written with a comma, and a reader takes the column for text",
        "pandas documentation, read_csv: `decimal` is a point unless one says otherwise",
        "scored_pairs",
        "SF102",
        data=on("scores.csv", by_value("score", lambda score: score.replace(".", ","))),
    ),
    Fault(
        "grades_below_zero",
        "spam is graded -2, and a sum over grades takes it for evidence",
        "TREC Web Track 2010 to 2014, qrels: junk has the grade -2",
        "judged",
        "SF102",
        data=on("qrels.csv", by_value("grade", lambda grade: "-2" if grade == "0" else grade, every=5)),
    ),
    Fault(
        "lists_as_text",
        "lists of ids went through a CSV or a join of strings and are one text",
        "stackoverflow.com/questions/23111990, pandas DataFrame stored list as string",
        "cited_in_answer",
        "SF003",
        data=on("answers.jsonl", by_line(_joined_ids)),
    ),
)

TIMES = (
    Fault(
        "dates_in_two_formats",
        "some moments are written 2024-05-20 and some 20.05.2024",
        "pandas 2.0.0, What's new: datetimes are now parsed with a consistent format",
        "clicked",
        "SF003",
        data=on("searches.csv", by_value("at", _german, every=2)),
    ),
    Fault(
        "milliseconds_as_dates",
        "moments are milliseconds since 1970 and are taken for something else",
        "pandas documentation, to_datetime: numbers are nanoseconds unless `unit` says otherwise",
        "clicked",
        "SF003",
        data=on("searches.csv", by_value("at", _milliseconds)),
    ),
    Fault(
        "offsets_left_out",
        "moments of two time zones are cast to moments without one",
        "pandas documentation, to_datetime: mixed offsets need `utc=True`",
        "clicked",
        "SF003",
        data=on(
            "searches.csv", by_row(lambda place, row: row | {"at": f"{row['at']}{'+02:00' if place % 2 else '-07:00'}"})
        ),
    ),
    Fault(
        "year_mistyped",
        "the test begins in 2042, after the last event",
        "Meng et al. 2020, Exploring Data Splitting Strategies for the Evaluation of Recommendation Models (RecSys)",
        "clicked",
        "SF303",
        edits=(("test: 2024-05-20", "test: 2042-05-20"),),
    ),
)

TEXTS = (
    Fault(
        "html_in_texts",
        "the texts hold tags and entities of the page that they come from",
        "huggingface.co/datasets/stanfordnlp/imdb: the reviews hold `<br />`",
        "question_answer",
        "SF206",
        data=on("articles.csv", by_value("text", lambda text: f"<p>{text} Gloves &amp; hats</p>", every=2)),
    ),
    Fault(
        "wrong_encoding_saved",
        "texts in UTF-8 were read as Latin-1 and saved again",
        "ftfy documentation: mojibake",
        "question_answer",
        "SF206",
        data=on("articles.csv", _garbled),
    ),
    Fault(
        "file_in_latin_1",
        "the file is in Latin-1",
        "Python documentation, open: without `encoding` it is the platform's",
        "question_answer",
        "SF004",
        data=on("articles.csv", _latin),
    ),
    Fault(
        "texts_empty",
        "one document in five has no text",
        "qdrant/qdrant-client#542, high score with empty document string",
        "judged",
        "SF305",
        data=on("articles.csv", by_row(lambda place, row: row if place % 5 else row | {"title": "", "text": " "})),
    ),
    Fault(
        "text_of_no_column",
        "the text's format names a column that the table does not have",
        "Python documentation, str.format_map: a default for missing keys",
        "question_answer",
        "SF004",
        edits=(('"{title}. {text}"', '"{title}. {body}"'),),
    ),
)
