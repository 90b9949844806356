"""Train LibMultiLabel's linear models; runs in an environment of its own, without tagifai.

usage: PYTHON libmultilabel_job.py DATA.json KIND   (1vsrest or cost_sensitive)

DATA.json has texts, tags (lists of column numbers) and test (true or false), each by project.
Prints its figures as JSON: weighted and macro F1 of the test projects.
"""

import json
import sys
from pathlib import Path


def main(path: str, kind: str) -> None:
    """Train, predict the test projects, and print the figures."""
    import libmultilabel.linear as linear
    import numpy as np
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.metrics import f1_score

    data = json.loads(Path(path).read_bytes())
    test = np.array(data["test"])
    texts = np.array(data["texts"], object)
    rows = np.repeat(np.arange(len(test)), [len(own) for own in data["tags"]])
    columns = np.array([column for own in data["tags"] for column in own])
    shape = len(test), int(columns.max()) + 1
    y = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
    # What its own preprocessor does with texts.
    read = TfidfVectorizer()
    X = read.fit_transform(texts[~test])
    train = {"1vsrest": linear.train_1vsrest, "cost_sensitive": linear.train_cost_sensitive}[kind]
    model = train(y[~test], X, options="", verbose=False)
    y_pred = np.asarray(linear.predict_values(model, read.transform(texts[test]))) > 0
    y_true = y[test].toarray().astype(int)
    figures = {
        average: f1_score(y_true, y_pred.astype(int), average=average, zero_division=0)
        for average in ("weighted", "macro")
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
