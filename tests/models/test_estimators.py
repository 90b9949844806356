"""scikit-learn's own checks of those estimators that read texts.

`check_estimator` stops at them, since it knows matrices alone; these of its checks need no input.
The one that takes a matrix is checked whole in test_linear.py.
"""

import pytest
from sklearn.utils import estimator_checks as checks
from sklearn.utils import get_tags
from small_corpus import SMALL_PARAMS, TAGS

from tagifai.models import build_model
from tagifai.models.features import AliasFlags, NgramVectorizer, TextCleaner
from tagifai.models.spelling import NameSpelling

NAMES = (("computer vision", "cv"),)
READERS = (
    TextCleaner(),
    NgramVectorizer(),
    AliasFlags(NAMES),
    NameSpelling(NAMES, abbreviations=(("cv", "computer vision"),)),
    build_model(SMALL_PARAMS, list(TAGS), TAGS),
)
WITHOUT_INPUT = (
    checks.check_estimator_cloneable,
    checks.check_estimator_repr,
    checks.check_estimator_tags_renamed,
    checks.check_valid_tag_types,
    checks.check_mixin_order,
    checks.check_no_attributes_set_in_init,
    checks.check_do_not_raise_errors_in_init_or_set_params,
    checks.check_get_params_invariance,
    checks.check_set_params,
)


def name_of(one: object) -> str:
    return getattr(one, "__name__", type(one).__name__)


@pytest.mark.parametrize("check", WITHOUT_INPUT, ids=name_of)
@pytest.mark.parametrize("estimator", READERS, ids=name_of)
def test_it_keeps_the_rules_that_need_no_input(estimator, check):
    check(name_of(estimator), estimator)


@pytest.mark.parametrize("estimator", READERS, ids=name_of)
def test_it_says_that_it_reads_texts(estimator):
    kinds = get_tags(estimator).input_tags
    assert (kinds.string, kinds.two_d_array) == (True, False)


@pytest.mark.parametrize("estimator", READERS[:-1], ids=name_of)
def test_it_can_be_made_without_arguments(estimator):
    checks.check_parameters_default_constructible(name_of(estimator), estimator)
