"""The names by which people's files call their columns, in lower case, by the part they play."""

import re
from collections.abc import Iterable

from tagifai.errors import shorten


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TEXT_NAMES = _words(
    "text texts description descriptions desc comment comments comment_text content contents body "
    "sentence sentences abstract abstracts review reviews tweet tweets message messages document "
    "documents post posts utterance plot overview synopsis summary summaries question questions "
    "query article articles lyrics transcript note notes report reports passage paragraph input "
    "story"
)
TEXT_ENDINGS = ("_text", "_body", "_content", "_description", "_abstract")
# Names of texts so plain that other columns of prose raise no doubt.
PLAIN_TEXT_NAMES = ("text", "description")
TITLE_NAMES = _words("title titles headline headlines heading subject")
ID_NAMES = _words(
    "id _id ids uid uuid guid idx index key row_id doc_id document_id comment_id tweet_id post_id "
    "review_id article_id paper_id text_id item_id sample_id example_id record_id message_id "
    "project_id question_id sentence_id movie_id book_id pmid doi"
)
TAG_NAMES_OF_MANY = _words(
    "tags labels categories classes genres topics keywords emotions intents codes subjects themes "
    "targets terms hashtags tag_names label_names tag_list label_list tag_ids label_ids"
)
TAG_NAMES_OF_ONE = _words(
    "tag label category class genre topic keyword emotion intent code theme target sentiment "
    "tag_name label_name tag_text label_text tag_id label_id"
)
SPLIT_COLUMNS = _words("split set subset partition fold data_split dataset_split")
# Columns of 0 and 1 that are seldom tags.
FLAG = re.compile(
    r"(is|has|was|are|can|num|n|contains|includes)_.+|.+_(count|flag|num)"
    r"|verified|deleted|edited|removed|pinned|archived|published|count|rating|score|votes?|likes"
    r"|retweets?|shares|year|month|day|fold|split|train|test|val|valid|validation|dev|index"
    r"|gold|truncated|locked|hidden|active|enabled"
)
# Names of yes-or-no columns: tags where all begin alike, as in is_toxic and is_obscene.
ASKING = ("is_", "has_")
NUMBERED = re.compile(r"(.*?)_?\d+")
INDEX = re.compile(r"Unnamed: \d+|__index_level_\d+__")


def name_key(name: str) -> str:
    """Return a column's name in the form of these lists.

    >>> name_key("Comment Text"), name_key("commentText"), name_key("TAGS")
    ('comment_text', 'comment_text', 'tags')
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[\s.\-_]+", "_", spaced).lower()


def list_columns(names: Iterable[str], most: int = 8) -> str:
    """Return names of columns for a message, the first `most` of them.

    >>> list_columns(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    found = [shorten(name, 40) for name in names]
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more
