"""Faults of the training: batches, negatives, rates, and the contract of the encoder."""

from __future__ import annotations

from mutations.fault import Fault, Row, by_rows, on
from mutations.starts import BASE

_TRAIN = "train: {epochs: 1,"


def _train(more: str) -> tuple[tuple[str, str], ...]:
    return ((_TRAIN, f"{_TRAIN} {more},"),)


def _more_answers(rows: list[Row]) -> list[Row]:
    """Every question is answered by what answers the next five, too."""
    found: list[Row] = []
    for place, row in enumerate(rows):
        near = (rows[place : place + 6] + rows[:6])[:6]
        answers = dict.fromkeys(other["article_id"] for other in near)
        found += [row | {"article_id": answer} for answer in answers]
    return found


def _with_twins(rows: list[Row]) -> list[Row]:
    """Every article once more, with another mark at its end."""
    return [*rows, *(row | {"article_id": f"t{row['article_id']}", "text": f"{row['text']}!!"} for row in rows)]


def _twins_graded_0(rows: list[Row]) -> list[Row]:
    good = [row for row in rows if row["grade"] != "0"]
    return [*rows, *(row | {"article_id": f"t{row['article_id']}", "grade": "0"} for row in good)]


BATCHES = (
    Fault(
        "sampler_lets_duplicates_in",
        "an in-batch loss draws its batches at random, so a text meets itself as its own negative",
        "huggingface/sentence-transformers#3189, two or more identical negatives in the same batch",
        "question_answer",
        "SF103",
        edits=_train("sampler: random"),
    ),
    Fault(
        "accumulation_for_negatives",
        "gradients are accumulated over 8 batches to have 8 times as many negatives",
        "huggingface/sentence-transformers#2916, MultipleNegativesRankingLoss and gradient accumulation steps",
        "question_answer",
        "SF108",
        edits=_train("gradient_accumulation: 8"),
    ),
    Fault(
        "answers_of_one_question_in_a_batch",
        "a question has several answers, and each is trained as if the others were wrong",
        "huggingface/sentence-transformers#608, Confusion about MultipleNegativesRankingLoss; Chuang et al. 2020, Debiased Contrastive Learning (NeurIPS)",
        "question_answer",
        "SF105",
        data=on("faq.csv", by_rows(_more_answers)),
    ),
    Fault(
        "batch_larger_than_the_data",
        "a batch wants more pairs than there are",
        "huggingface/sentence-transformers, NoDuplicatesBatchSampler: what does not fit is put off, and short batches follow",
        "question_answer",
        "SF104",
        edits=(("batch_size: 16", "batch_size: 4096"),),
    ),
    Fault(
        "mini_batch_no_smaller_than_the_batch",
        "a cached loss has mini-batches as large as the batch, pays for the second pass and saves nothing",
        "Gao et al. 2021, Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup (RepL4NLP)",
        "cached",
        "SF401",
        edits=(("mini_batch_size: 8", "mini_batch_size: 64"),),
    ),
    Fault(
        "classes_drawn_at_random",
        "a loss that makes its triplets from the classes of a batch draws batches without a class twice",
        "huggingface/sentence-transformers, BatchSamplers.GROUP_BY_LABEL: for the batch triplet losses",
        "batch_hard_loss",
        "SF103",
        edits=_train("sampler: random"),
    ),
    Fault(
        "layers_of_a_cached_loss",
        "a wrapper that trains at several layers is put around a cached loss",
        "huggingface/sentence-transformers, AdaptiveLayerLoss warns that it is not compatible with the cached losses",
        "matryoshka",
        "SF109",
        edits=(
            ("{kind: multiple_negatives_ranking}", "{kind: cached_multiple_negatives_ranking}"),
            ("matryoshka: {dimensions:", "matryoshka: {layers: true, dimensions:"),
        ),
    ),
)

NEGATIVES = (
    Fault(
        "positive_among_the_negatives",
        "an article that answers stands, with another mark at its end, among the ones that do not",
        "Qu et al. 2021, RocketQA (NAACL): some 70 % of the passages that retrieval finds and no one labelled are positives",
        "judged",
        "SF106",
        data=(
            ("articles.csv", "articles.csv", by_rows(_with_twins)),
            ("qrels.csv", "qrels.csv", by_rows(_twins_graded_0)),
        ),
    ),
    Fault(
        "mined_positive",
        "hard negatives are mined among documents that are known to answer the query",
        "huggingface/sentence-transformers#2848, mine_hard_negatives with multiple positives",
        "mined",
        "SF002",
        edits=(("per_positive: 2", "per_positive: 2, keep_positives: true"),),
        instead=(
            "mine.py",
            "free = (one for one in candidates if one not in rows.barred[anchor] and one not in taken)",
        ),
    ),
    Fault(
        "unseen_for_rejected",
        "what stood below the last click, and was hardly looked at, trains as negative",
        "Joachims 2002, Optimizing Search Engines using Clickthrough Data (KDD)",
        "clicked",
        "SF002",
        edits=(("    min_dwell: 5 ", "    negatives: unclicked\n    min_dwell: 5 "),),
        instead=("objective.sql", "where clicked or rank < last_click;"),
    ),
    Fault(
        "loss_of_scores_without_scores",
        "the loss wants pairs with a score, and the data give pairs",
        "sbert.net, Loss Overview: a loss fits some formats of the data and no others",
        "question_answer",
        "SF101",
        edits=(("{kind: multiple_negatives_ranking}", "{kind: cosine_similarity}"),),
    ),
)

RATES = (
    Fault(
        "learning_rate_0_01",
        "the learning rate is 1e-2, a hundred times what an encoder takes",
        "huggingface/transformers#735, BERT gives one output for all inputs: 0.01 to 5e-5 cured it",
        "question_answer",
        "SF110",
        edits=(("learning_rate: 5e-5", "learning_rate: 1e-2"),),
    ),
    Fault(
        "warmup_of_a_constant_rate",
        "a warm-up is set, and the schedule has none",
        "huggingface/transformers, optimization.get_scheduler: `constant` takes no warm-up",
        "question_answer",
        "SF401",
        edits=_train("schedule: constant, warmup: 0.1"),
    ),
    Fault(
        "scale_1_with_cosine",
        "the scale of the loss is 1, so that the best and the worst cosine differ by a factor of 7 only",
        "sbert.net, MultipleNegativesRankingLoss: `scale` is 20, for cosine",
        "question_answer",
        "SF112",
        edits=(("{kind: multiple_negatives_ranking}", "{kind: multiple_negatives_ranking, scale: 1}"),),
    ),
    Fault(
        "margin_5_on_unit_vectors",
        "the margin is 5, and two unit vectors are never further apart than 2",
        "sbert.net, TripletLoss: `triplet_margin` is 5, for Euclidean distance; KevinMusgrave/pytorch-metric-learning#225",
        "triplet_loss",
        "SF112",
        edits=(("margin: 0.3", "margin: 5"),),
    ),
    Fault(
        "sigmoid_with_a_listwise_loss",
        "the scores go through a sigmoid before a loss that compares them in a list",
        "huggingface/sentence-transformers#3222, comment of 2025-02-18: sigmoid before LambdaLoss harmed",
        "reranker_over_bm25",
        "SF111",
        edits=(("{kind: lambda, list_size: 16}", "{kind: lambda, list_size: 16}\n  activation: sigmoid"),),
    ),
)

ENCODER = (
    Fault(
        "prompts_of_the_base_left_out",
        'the base model was trained with "query: " and "passage: ", and the spec has no prompts',
        "intfloat/e5-small-v2, model card: otherwise you will see a performance degradation",
        "e5",
        "SF201",
        edits=(('\n  prompts: {query: "query: ", document: "passage: "}', ""),),
    ),
    Fault(
        "prompt_with_a_blank_too_many",
        'the prompt is "query : ", and the base model knows "query: "',
        "telekom/wurzel#63, Embedding-Step default prefixes",
        "e5",
        "SF201",
        edits=(('query: "query: "', 'query: "query : "'),),
    ),
    Fault(
        "prompts_forgotten_in_search",
        "queries get their prompt in training, and not when users ask",
        "qdrant/fastembed#251, passage_embed and query_embed don't add the prefix",
        "question_answer",
        "SF002",
        edits=(("index: {kind: flat}", "index: {kind: flat, prompts: none}"),),
        instead=("search.py", 'encoder.encode(model, [query], "query")'),
    ),
    Fault(
        "prompts_differ_between_stages",
        "training has another prompt than the index",
        "sbert.net, Prompts: those of training must be those of use",
        "question_answer",
        "SF002",
        edits=_train('prompts: {query: "find: "}'),
        instead=("train.py", '"anchor": encoder.PROMPTS["query"],'),
    ),
    Fault(
        "wrong_pooling",
        "the first token's vector is taken, and the base model was trained for the mean",
        "arcee-ai/DALM#92, Incorrect pooling BGE model",
        "pooled",
        "SF202",
        edits=(("pooling: mean", "pooling: cls"),),
    ),
    Fault(
        "evidence_cut",
        "the model reads 12 tokens, and the texts have more",
        "sentence-transformers/all-MiniLM-L6-v2, model card: text longer than 256 word pieces is truncated",
        "judged",
        "SF204",
        edits=(("max_length: 64", "max_length: 12"),),
    ),
    Fault(
        "chunks_longer_than_the_model_reads",
        "chunks have 200 tokens, and the model reads 96",
        "run-llama/llama_index, SentenceSplitter: `chunk_size` is 1,024, and many embedding models read 512",
        "chunked",
        "SF204",
        edits=(("size: 60", "size: 200"),),
    ),
    Fault(
        "longer_than_the_positions",
        "the model is to read 1,024 tokens, and it has positions for 512",
        "huggingface/sentence-transformers#1600, IndexError: index out of range in self",
        "question_answer",
        "SF003",
        edits=(("max_length: 64", "max_length: 1024"),),
    ),
    Fault(
        "unpinned_model",
        "the base model is a name of the Hub without a commit, and may be another one tomorrow",
        "bandit documentation, B615: huggingface_unsafe_download",
        "hub_model",
        "SF402",
        edits=(("\n  revision: 0123456789abcdef0123456789abcdef01234567", ""),),
    ),
    Fault(
        "model_that_is_not_there",
        "the folder of the base model is misspelt, and a download would be tried instead",
        'huggingface/transformers: "is not a local folder and is not a valid model identifier"',
        "question_answer",
        "SF004",
        edits=((BASE, "base: ./modle"),),
    ),
    Fault(
        "index_of_another_similarity",
        "the model is trained for cosine, and the index ranks by inner products",
        "facebookresearch/faiss#95, How can we build index/search based on cosine similarity",
        "question_answer",
        "SF205",
        edits=(("index: {kind: flat}", "index: {kind: flat, similarity: dot}"),),
    ),
    Fault(
        "cosine_of_vectors_not_normalised",
        "an index by inner products gets vectors of all lengths, and is taken for cosine",
        "facebookresearch/faiss#1119, Regarding the IndexFlatIP; wiki, FAQ: How can I index vectors for cosine distance?",
        "question_answer",
        "SF002",
        edits=(("index: {kind: flat}", "index: {kind: hnsw, normalise: false}"),),
        instead=("encoder.py", "vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)"),
    ),
    Fault(
        "index_of_another_model",
        "queries are embedded by one model and the index was built by another",
        "run-llama/llama_index#13506: if you switch embedding models, you need to build a new index",
        "question_answer",
        "SF002",
        edits=(("index: {kind: flat}", "index: {kind: flat, model: ./older}"),),
        instead=("search.py", 'model = contract.opened(str(work / "model"), work / "index")'),
    ),
)
