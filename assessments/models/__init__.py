"""Test set-ups, scores, counted results and the state's published results, with the row models of the files that bring them."""

from assessments.models.counts import HiddenResults, ResultCount, ResultVersion
from assessments.models.public import PublicPlace, PublicPlaceRow, PublicResult, PublicResultRow, PublicRow
from assessments.models.scores import ListedScore, Score
from assessments.models.setups import AddedLayout, Assessment, ScoreType, ShownResults
from assessments.models.staged import ScoreRange, ScoreRow

__all__ = [
    "AddedLayout",
    "Assessment",
    "HiddenResults",
    "ListedScore",
    "PublicPlace",
    "PublicPlaceRow",
    "PublicResult",
    "PublicResultRow",
    "PublicRow",
    "ResultCount",
    "ResultVersion",
    "Score",
    "ScoreRange",
    "ScoreRow",
    "ScoreType",
    "ShownResults",
]
