import json
import pickle
import re
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io
from scipy.special import expit
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC
from small_corpus import small_dataset

from tagifai.errors import TagifaiError
from tagifai.models.adapters import as_predictor, load_predictor
from tagifai.models.adapters.loading import LoadContext
from tagifai.models.predictor import predict_checked
from tagifai.models.predictor_spec import AllowedPredictors, PredictorSpec

DATA = small_dataset(80)
TAGS = ("computer-vision", "segmentation", "natural-language-processing", "transformers")
TEXTS = [project.text for project in DATA.projects]
Y = np.array([[tag in project.tags for tag in TAGS] for project in DATA.projects], int)
SHUFFLED = ["nothing known", "", *TEXTS[:6]]


def logistic():
    return LogisticRegression(max_iter=1000)


PIPELINES = {
    "one-vs-rest": make_pipeline(TfidfVectorizer(), OneVsRestClassifier(logistic())),
    "multi-output": make_pipeline(CountVectorizer(), MultiOutputClassifier(logistic())),
    "linear-svc": make_pipeline(TfidfVectorizer(), OneVsRestClassifier(LinearSVC())),
    "naive-bayes": make_pipeline(CountVectorizer(), OneVsRestClassifier(MultinomialNB())),
    "hinge": make_pipeline(HashingVectorizer(), OneVsRestClassifier(SGDClassifier(random_state=0))),
    "chain": make_pipeline(TfidfVectorizer(), ClassifierChain(logistic(), order=[2, 0, 1, 3])),
    "forest": make_pipeline(CountVectorizer(), RandomForestClassifier(5, random_state=0)),
    "neighbours": make_pipeline(TfidfVectorizer(), KNeighborsClassifier()),
    "network": make_pipeline(
        TfidfVectorizer(), MLPClassifier((8,), solver="lbfgs", random_state=0)
    ),
    "ridge": make_pipeline(TfidfVectorizer(), RidgeClassifier()),
    "multi-output-svc": make_pipeline(TfidfVectorizer(), MultiOutputClassifier(LinearSVC())),
    "union": Pipeline(
        [
            (
                "both",
                FeatureUnion([("w", CountVectorizer()), ("c", TfidfVectorizer(analyzer="char"))]),
            ),
            ("classify", OneVsRestClassifier(logistic())),
        ]
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def fitted():
    return {name: pipeline.fit(TEXTS, Y) for name, pipeline in PIPELINES.items()}


def expected(pipeline):
    """Compute what the pipeline itself says, by scikit-learn's own means."""
    if hasattr(pipeline, "predict_proba"):
        found = pipeline.predict_proba(SHUFFLED)
        if isinstance(found, list):
            return np.stack([part[:, 1] for part in found], axis=1)
        return found
    if hasattr(pipeline, "decision_function"):
        return expit(pipeline.decision_function(SHUFFLED))
    return pipeline.predict(SHUFFLED)


@pytest.mark.parametrize("name", PIPELINES)
def test_probabilities_are_the_pipelines_own(name, fitted):
    predictor = as_predictor(fitted[name], TAGS)
    assert predictor.tags == TAGS
    found = predict_checked(predictor, SHUFFLED)
    np.testing.assert_allclose(found, expected(fitted[name]).astype(np.float32), atol=1e-7)
    decided = ((found > 0.5) == fitted[name].predict(SHUFFLED)).mean()
    assert decided == 1 or name == "chain"  # whose links see each other's decisions


def test_what_the_probabilities_are_is_said(fitted):
    assert as_predictor(fitted["one-vs-rest"], TAGS).warnings == ()
    (told,) = as_predictor(fitted["linear-svc"], TAGS).warnings
    assert "sigmoid of decision_function" in told
    predictor = as_predictor(fitted["multi-output-svc"], TAGS)
    assert predictor.decisions_only
    assert "only decides" in predictor.warnings[0]


@pytest.mark.parametrize("name", ["one-vs-rest", "multi-output", "linear-svc", "chain", "union"])
def test_a_file_needs_no_more_than_its_tags(name, fitted, tmp_path):
    skops.io.dump(fitted[name], tmp_path / "model.skops")
    context = LoadContext(folder=tmp_path, tags=TAGS)
    predictor = load_predictor(PredictorSpec("sklearn", "model.skops"), context)
    np.testing.assert_array_equal(
        predict_checked(predictor, SHUFFLED),
        predict_checked(as_predictor(fitted[name], TAGS), SHUFFLED),
    )


def confirmed(*types):
    allowed = AllowedPredictors.of(f"type:{name}" for name in types)
    return LoadContext(tags=TAGS, allowed=allowed)


def shout(texts):
    return [text.upper() for text in texts]


def test_types_that_skops_does_not_know_are_listed_and_can_be_confirmed(tmp_path):
    pipeline = make_pipeline(
        FunctionTransformer(shout), TfidfVectorizer(), OneVsRestClassifier(logistic())
    ).fit(TEXTS, Y)
    np.testing.assert_allclose(
        predict_checked(as_predictor(pipeline, TAGS), SHUFFLED),
        pipeline.predict_proba(SHUFFLED),
        atol=1e-7,
    )
    path = tmp_path / "model.skops"
    skops.io.dump(pipeline, path)
    spec = PredictorSpec("sklearn", str(path))
    with pytest.raises(
        TagifaiError, match=r"holds 1 type that skops .*\.shout; if you know"
    ) as told:
        load_predictor(spec, LoadContext(tags=TAGS))
    name = str(told.value).partition("not know: ")[2].partition(";")[0]
    predictor = load_predictor(spec, confirmed(name))
    assert predict_checked(predictor, ["a"]).shape == (1, 4)


def test_a_forest_needs_its_types_confirmed(fitted, tmp_path):
    path = tmp_path / "model.skops"
    skops.io.dump(fitted["forest"], path)
    spec = PredictorSpec("sklearn", str(path))
    types = tuple(skops.io.get_untrusted_types(file=path))
    if types:
        with pytest.raises(TagifaiError, match="confirm each of them"):
            load_predictor(spec, confirmed(*types[1:]))
    predictor = load_predictor(spec, confirmed(*types))
    np.testing.assert_allclose(
        predict_checked(predictor, SHUFFLED), expected(fitted["forest"]), atol=1e-7
    )


def test_a_label_that_was_never_or_always_there():
    y = Y.copy()
    y[:, 1], y[:, 3] = 0, 1
    for classifier in (MultiOutputClassifier(DummyClassifier()), KNeighborsClassifier()):
        pipeline = make_pipeline(TfidfVectorizer(), classifier).fit(TEXTS, y)
        found = predict_checked(as_predictor(pipeline, TAGS), SHUFFLED)
        assert found[:, 1].tolist() == [0] * len(SHUFFLED)
        assert found[:, 3].tolist() == [1] * len(SHUFFLED)
        np.testing.assert_array_equal(found > 0.5, pipeline.predict(SHUFFLED) == 1)


@pytest.mark.parametrize(("no", "yes"), [("no", "yes"), (-1, 1), (0.0, 1.0), (False, True)])
def test_a_label_that_is_always_the_same_is_read_as_the_others_are(no, yes):
    y = np.where(Y == 1, yes, no)
    y[:, 1], y[:, 3] = no, yes
    pipeline = make_pipeline(TfidfVectorizer(), KNeighborsClassifier()).fit(TEXTS, y)
    found = predict_checked(as_predictor(pipeline, TAGS), SHUFFLED)
    np.testing.assert_array_equal(found > 0.5, pipeline.predict(SHUFFLED) == yes)


def test_a_search_is_its_best_pipeline():
    pipeline = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(logistic()))
    values = {"onevsrestclassifier__estimator__C": [0.1, 10.0]}
    search = GridSearchCV(pipeline, values, cv=2, scoring="f1_macro").fit(TEXTS, Y)
    predictor = as_predictor(search, TAGS)
    assert predictor.estimator is search.best_estimator_
    np.testing.assert_allclose(
        predict_checked(predictor, SHUFFLED), search.predict_proba(SHUFFLED), atol=1e-7
    )


def test_one_label_a_text_brings_its_own_names():
    first = [project.tags[0] for project in DATA.projects]
    pipeline = make_pipeline(TfidfVectorizer(), logistic()).fit(TEXTS, first)
    predictor = as_predictor(pipeline)
    assert predictor.tags == ("computer-vision", "natural-language-processing")
    np.testing.assert_allclose(
        predict_checked(predictor, SHUFFLED), pipeline.predict_proba(SHUFFLED), atol=1e-7
    )
    svc = make_pipeline(TfidfVectorizer(), LinearSVC()).fit(TEXTS, first)
    margin = expit(svc.decision_function(SHUFFLED))
    found = predict_checked(as_predictor(svc), SHUFFLED)
    np.testing.assert_allclose(found, np.stack([1 - margin, margin], axis=1), atol=1e-7)
    nearest = make_pipeline(TfidfVectorizer(), RidgeClassifier()).fit(TEXTS, first)
    assert as_predictor(nearest).tags == predictor.tags


def test_one_tag_is_the_positive_class():
    for classifier in (logistic(), LinearSVC()):
        pipeline = make_pipeline(TfidfVectorizer(), classifier).fit(TEXTS, Y[:, 0])
        found = predict_checked(as_predictor(pipeline, TAGS[:1]), SHUFFLED)
        assert found.shape == (len(SHUFFLED), 1)
        np.testing.assert_array_equal(found[:, 0] > 0.5, pipeline.predict(SHUFFLED) == 1)


def test_a_pipeline_that_takes_a_table(tmp_path):
    table = ColumnTransformer([("words", TfidfVectorizer(), "text")])
    pipeline = make_pipeline(table, OneVsRestClassifier(logistic()))
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"text": TEXTS})
    pipeline.fit(frame, Y)
    skops.io.dump(pipeline, tmp_path / "model.skops")
    context = LoadContext(folder=tmp_path, tags=TAGS)
    spec = PredictorSpec("sklearn", "model.skops", options={"column": "text"})
    found = predict_checked(load_predictor(spec, context), TEXTS[:5])
    np.testing.assert_allclose(found, pipeline.predict_proba(frame[:5]), atol=1e-7)


class Failing(OneVsRestClassifier):
    def predict_proba(self, X):
        raise RuntimeError("no\nweights")


def test_estimators_that_count_their_columns_wrong_or_fail():
    pipeline = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(logistic())).fit(TEXTS, Y)
    pipeline[-1].classes_ = np.array([0, 1])  # as some libraries: the values that labels have
    assert predict_checked(as_predictor(pipeline, TAGS), SHUFFLED).shape == (8, 4)
    pipeline = make_pipeline(TfidfVectorizer(), Failing(logistic())).fit(TEXTS, Y)
    with pytest.raises(TagifaiError, match="predicting a text raised RuntimeError: no weights"):
        as_predictor(pipeline, TAGS)


def test_who_names_the_columns(fitted):
    with pytest.raises(TagifaiError, match=r"knows no names of tags.*--tags FILE"):
        as_predictor(fitted["one-vs-rest"])
    with pytest.raises(TagifaiError, match="4 columns and 3 tags given"):
        as_predictor(fitted["one-vs-rest"], TAGS[:3])
    first = [project.tags[0] for project in DATA.projects]
    named = make_pipeline(TfidfVectorizer(), logistic()).fit(TEXTS, first)
    with pytest.raises(TagifaiError, match="unknown tag of the model 'segmentation'"):
        as_predictor(named, TAGS[:2])
    with pytest.raises(TagifaiError, match="a TfidfVectorizer has none of predict_proba"):
        as_predictor(TfidfVectorizer().fit(TEXTS), TAGS)


def test_the_lines_of_the_documentation(fitted, tmp_path, monkeypatch):
    docs = Path(__file__).parents[3] / "docs"
    text = "".join((docs / name).read_text("utf-8") for name in ("models.md", "models/sklearn.md"))
    python = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    found = {"pipeline": fitted["one-vs-rest"], "tags": TAGS}
    lines = next(block for block in python if "as_predictor" in block)
    exec(lines, found)
    assert found["y_prob"].shape == (1, 4)
    monkeypatch.chdir(tmp_path)
    exec(next(block for block in python if "pipeline, " in block and "skops" in block), found)
    assert (tmp_path / "model.skops").is_file()


class Hostile:
    def __reduce__(self):
        return (print, ("never",))


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("m.pkl", lambda path: path.write_bytes(pickle.dumps(Hostile())), "a pickle can run any"),
        ("m.joblib", lambda path: joblib.dump([1], path), "a pickle can run any program"),
        ("m.skops", lambda path: path.write_bytes(pickle.dumps([1])), "not a model file"),
        ("m.skops", lambda path: path.write_bytes(b""), "not a model file"),
        ("m.skops", lambda path: skops.io.dump({"a": 1}, path), "estimator is needed, got dict"),
        ("m.skops", lambda path: skops.io.dump(TfidfVectorizer(), path), "never fitted"),
        ("m.skops", lambda path: path.mkdir(), "cannot be read"),
        ("m.skops", lambda path: path.write_text(json.dumps({})), "not a model file"),
    ],
)
def test_other_files_are_refused_and_nothing_of_them_runs(name, write, message, tmp_path, capsys):
    write(tmp_path / name)
    with pytest.raises(TagifaiError, match=message):
        load_predictor(PredictorSpec("sklearn", name), LoadContext(folder=tmp_path, tags=TAGS))
    assert "never" not in capsys.readouterr().out


def test_a_version_reads_no_file_outside_its_folder(fitted, tmp_path):
    version = tmp_path / "version"
    version.mkdir()
    skops.io.dump(fitted["one-vs-rest"], tmp_path / "model.skops")
    (version / "link.skops").symlink_to(tmp_path / "model.skops")
    for source in ("../model.skops", "x/../../model.skops", "link.skops"):
        with pytest.raises(TagifaiError, match="leaves the version's folder"):
            load_predictor(PredictorSpec("sklearn", source), LoadContext(version, tags=TAGS))
    nowhere = LoadContext(from_version=True, tags=TAGS)
    with pytest.raises(TagifaiError, match="its version lies in no folder of this disk"):
        load_predictor(PredictorSpec("sklearn", "model.skops"), nowhere)
    with pytest.raises(TagifaiError, match="No such file"):
        load_predictor(PredictorSpec("sklearn", "gone.skops"), LoadContext(version, tags=TAGS))
    with pytest.raises(TagifaiError, match="neither a file nor a folder"):
        load_predictor(PredictorSpec("sklearn", "/dev/zero"), LoadContext(version, tags=TAGS))


def test_a_tag_that_no_training_text_has_needs_no_confirmation(tmp_path):
    rare = Y.copy()
    rare[:, 1] = 0
    with pytest.warns(UserWarning, match="Label not 1 is present"):
        fitted = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(logistic())).fit(TEXTS, rare)
    skops.io.dump(fitted, tmp_path / "rare.skops")
    loaded = load_predictor(
        PredictorSpec("sklearn", str(tmp_path / "rare.skops")), LoadContext(tags=TAGS)
    )
    assert predict_checked(loaded, TEXTS)[:, 1].max() == 0
