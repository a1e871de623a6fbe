"""Faults of rerankers, classifiers and the kinds of models: heads that are random, classes that leak, rates of another adaptation."""

from __future__ import annotations

from mutations.fault import Fault, Row, by_row, by_rows, on

_MESSAGE = 'text: "{message}"'


def _twins_train(rows: list[Row]) -> list[Row]:
    """The test messages once more, under other ids and in other letters, on the side that trains."""
    tests = [row for row in rows if row["part"] == "test"]
    ours = {"part": "train"}
    return [
        *rows,
        *(row | ours | {"request_id": f"{row['request_id']}x", "message": row["message"].upper()} for row in tests),
    ]


def _of_other_topics(rows: list[Row]) -> list[Row]:
    """Every ninth message once more, under the topic of the next."""
    return [
        *rows,
        *(
            row | {"request_id": f"{row['request_id']}x", "topic": rows[place - 1]["topic"]}
            for place, row in enumerate(rows)
            if place % 9 == 0 and row["topic"] != rows[place - 1]["topic"]
        ),
    ]


def _only_in_test(place: int, row: Row) -> Row:
    """A new topic, which the training side does not have."""
    return row | {"topic": "warranty"} if row["part"] == "test" and place % 7 == 0 else row


RERANKERS = (
    Fault(
        "sigmoid_twice",
        "the scores go through a sigmoid before a loss that has one",
        "huggingface/sentence-transformers#3326, Cross Encoder BCE Loss Activation; PyTorch, BCEWithLogitsLoss: the sigmoid is in it",
        "reranker_over_tuned",
        "SF111",
        edits=(("positive_weight: 4}", "positive_weight: 4}\n  activation: sigmoid"),),
    ),
    Fault(
        "new_head_as_a_rival",
        "a new head, which is random, is shown as the reranker before tuning",
        "huggingface/sentence-transformers#699: some weights are newly initialized, you should probably TRAIN this model",
        "reranker_over_tuned",
        "SF113",
        edits=(("baselines: [popularity, bm25, untuned]", "baselines: [popularity, bm25, untuned, untuned_reranker]"),),
    ),
    Fault(
        "encoder_for_a_reranker",
        "an encoder is taken for a cross encoder as it comes, and ranks by chance",
        "FlagOpen/FlagEmbedding#798, an encoder taken for a reranker gives other scores at every start",
        "reranker_over_bm25",
        "SF003",
        edits=(
            ("  loss: {kind: lambda, list_size: 16}\n  negatives: {per_positive: 4, ranks: [1, 50]}\n", ""),
            ("train: {epochs: 1, batch_size: 8, learning_rate: 5e-5}", "train: none"),
        ),
    ),
    Fault(
        "pairs_cut",
        "query and document have 24 tokens together, and of most documents the reranker reads the beginning",
        "sbert.net, Cross-Encoder: the maximum length is that of both texts together",
        "reranker_over_tuned",
        "SF204",
        edits=(("max_length: 96", "max_length: 24"),),
    ),
    Fault(
        "more_reranked_than_kept",
        "more documents are to be reranked, 500, than rankings keep, 100",
        "terrierteam/pyterrier documentation, rank cutoff: what the first stage does not give is not reranked",
        "reranker_over_bm25",
        "SF003",
        edits=(("over: 30", "over: 500"),),
    ),
    Fault(
        "reranker_at_rate_0_01",
        "the reranker's learning rate is 1e-2",
        "huggingface/transformers#735, BERT gives one output for all inputs: 0.01 to 5e-5 cured it",
        "reranker_over_tuned",
        "SF110",
        edits=(("batch_size: 32, learning_rate: 5e-5", "batch_size: 32, learning_rate: 1e-2"),),
    ),
)

CLASSES = (
    Fault(
        "class_in_the_text",
        "the text is made from the column with the class, too",
        "Kaufman et al. 2012, Leakage in Data Mining (TKDD); dotnet/machinelearning#737, label leaking",
        "linear_probe",
        "SF310",
        edits=((_MESSAGE, 'text: "{message} ({topic})"'),),
    ),
    Fault(
        "test_texts_train",
        "the test texts stand among those that train, under other ids and in other letters",
        "Elangovan, He and Verspoor 2021, Memorization vs. Generalization (EACL)",
        "linear_probe",
        counted="texts_left_out_for_a_held_out_text",
        data=on("requests.csv", by_rows(_twins_train)),
    ),
    Fault(
        "class_that_never_trains",
        "a class has test texts and none that train, so it is never predicted",
        "scikit-learn, train_test_split: `stratify` is None unless one says otherwise",
        "linear_probe",
        "SF308",
        data=on("requests.csv", by_row(_only_in_test)),
    ),
    Fault(
        "one_text_of_two_classes",
        "some texts stand under two classes",
        "Northcutt, Athalye and Mueller 2021, Pervasive Label Errors in Test Sets (NeurIPS)",
        "linear_probe",
        "SF304",
        data=on("requests.csv", by_rows(_of_other_topics)),
    ),
    Fault(
        "classifier_at_rate_0_01",
        "the classifier's learning rate is 1e-2",
        "huggingface/transformers#735, BERT gives one output for all inputs: 0.01 to 5e-5 cured it",
        "fine_tune",
        "SF110",
        edits=(("learning_rate: 2e-4", "learning_rate: 1e-2"),),
    ),
    Fault(
        "more_drawn_than_there_are",
        "for each class 500 texts are to be drawn, and a class has fewer",
        "Tunstall et al. 2022, Efficient Few-Shot Learning Without Prompts: so many a class",
        "set_fit",
        "SF308",
        edits=(("per_class: 8 ", "per_class: 500 "),),
    ),
    Fault(
        "test_texts_select",
        "the best checkpoint on the test texts is kept",
        "Cawley and Talbot 2010, On Over-fitting in Model Selection (JMLR)",
        "fine_tune",
        "SF114",
        edits=(("select: {metric: Accuracy}", "select: {metric: Accuracy, on: test}"),),
    ),
)

KINDS = (
    Fault(
        "lora_at_the_rate_of_a_whole_encoder",
        "the learning rate is that of a whole encoder, and LoRA learns next to nothing by it",
        "Hu et al. 2021, LoRA, tables 9 to 15: 1e-4 to 1e-3",
        "lora",
        "SF110",
        edits=(("learning_rate: 1e-3", "learning_rate: 1e-5"),),
    ),
    Fault(
        "lora_on_layers_of_another_model",
        "the layers that LoRA adapts are called as in another model",
        "huggingface/peft#40; OptimalScale/LMFlow#125, target modules [q_proj, v_proj] not found in the base model",
        "lora",
        "SF003",
        edits=(("target: attention", "target: [q_proj, v_proj]"),),
    ),
    Fault(
        "dimensions_past_the_vector",
        "vectors of 384 numbers are to be cut to 768",
        "sbert.net, Matryoshka Embeddings: dimensions are at most the model's",
        "matryoshka",
        "SF003",
        edits=(("matryoshka: {dimensions: [384, 128, 32]}", "matryoshka: {dimensions: [768, 384, 128, 32]}"),),
    ),
    Fault(
        "no_head_for_words",
        "a sparse encoder starts from a model that guesses no words, so its head is random",
        "sbert.net, Sparse Encoder, MLMTransformer: a base with a masked-language head",
        "sparse_encoder",
        "SF408",
        edits=(("\n  SF408: the packaged model has no head for words; the example shows the language", ""),),
    ),
    Fault(
        "index_of_single_vectors",
        "an index of one vector a text is to hold one a token",
        "stanford-futuredata/ColBERT: retrieval is by an index of token vectors",
        "late_interaction",
        "SF205",
        edits=(("index: {kind: flat}", "index: {kind: hnsw}"),),
    ),
    Fault(
        "fewer_negatives_than_wanted",
        "more negatives are wanted than documents are looked at",
        "huggingface/sentence-transformers#3504, mine_hard_negatives: could not find enough negatives",
        "mined",
        "SF107",
        edits=(("range_min: 2, per_positive: 2", "range_min: 2, range_max: 3, per_positive: 2"),),
    ),
    Fault(
        "code_of_others_unpinned",
        "a model's own code is trusted, and its commit is not named",
        "bandit documentation, B615: huggingface_unsafe_download",
        "hub_model",
        "SF403",
        edits=(("revision: 0123456789abcdef0123456789abcdef01234567", "trust_remote_code: true"),),
    ),
)
