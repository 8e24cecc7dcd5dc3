"""Metrics by pixel against scikit-learn, and the overlap of regions by definition."""

import numpy as np
import pytest
from scipy import ndimage
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
)

from jaxad.errors import DataError
from jaxad.metrics import maps


def images(seed, ties):
    """Five maps and masks, of two sizes; one mask is empty."""
    draw = np.random.default_rng(seed)
    found = []
    for number, size in enumerate([(40, 30), (24, 50), (40, 30), (31, 17), (20, 20)]):
        mask = ndimage.gaussian_filter(draw.normal(size=size), 2) > 0.12
        mask &= number != 3
        score = draw.normal(size=size) + mask * draw.uniform(0, 3)
        found.append((np.round(score, 1) if ties else np.exp(4 * score), mask))
    return [score.astype(np.float32) for score, _ in found], [mask for _, mask in found]


def overlap_by_definition(scores, masks, limit):
    """Every score is a threshold; regions are found by walking from pixel to pixel."""
    regions = []
    for score, mask in zip(scores, masks, strict=True):
        left = {tuple(at) for at in np.argwhere(mask)}
        while left:
            todo, region = [left.pop()], []
            while todo:
                y, x = todo.pop()
                region.append(score[y, x])
                near = {(y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
                left -= near
                todo += near
            regions.append(np.array(region))
    normal = np.concatenate([s[~m] for s, m in zip(scores, masks, strict=True)])
    every = np.unique(np.concatenate([s.ravel() for s in scores]))[::-1]
    fpr = [0.0, *(np.mean(normal >= t) for t in every)]
    pro = [0.0, *(np.mean([np.mean(r >= t) for r in regions]) for t in every)]
    at = np.interp(limit, fpr, pro)
    inside = np.array(fpr) < limit
    x, y = np.append(np.array(fpr)[inside], limit), np.append(np.array(pro)[inside], at)
    return np.trapezoid(y, x) / limit


@pytest.mark.parametrize("ties", [False, True])
def test_all_agree_with_other_implementations_within_their_bounds(ties):
    scores, masks = images(3, ties)
    counts = maps.count(scores, masks)
    score = np.concatenate([s.ravel() for s in scores])
    label = np.concatenate([m.ravel() for m in masks])
    precision, recall, _ = precision_recall_curve(label, score)
    f1 = np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12))
    known = {
        maps.auroc: roc_auc_score(label, score),
        maps.average_precision: average_precision_score(label, score),
        maps.f1_max: f1,
        maps.aupro: overlap_by_definition(scores, masks, 0.3),
    }
    for metric, expected in known.items():
        value, bound = metric(counts)
        assert 0 <= bound < (1e-9 if ties else 2e-4)
        assert abs(value - expected) <= bound + 1e-9, metric.__name__
    for limit in (0.01, 1.0):
        value, bound = maps.aupro(counts, limit)
        expected = overlap_by_definition(scores, masks, limit)
        assert abs(value - expected) <= bound + 1e-9


def test_what_is_undefined_is_nan_and_what_is_wrong_is_refused():
    score, mask = np.zeros((4, 5), np.float32), np.zeros((4, 5), bool)
    empty = maps.count([score], [mask])
    for metric in (maps.auroc, maps.average_precision, maps.f1_max, maps.aupro):
        assert np.isnan(metric(empty)).all()
    full = maps.count([score], [~mask])
    assert np.isnan(maps.aupro(full).value)
    assert maps.f1_max(full) == (1, 0)
    score[1, 2] = np.nan
    mask[0] = True
    broken = maps.count([score], [mask])
    for metric in (maps.auroc, maps.average_precision, maps.f1_max, maps.aupro):
        assert np.isnan(metric(broken)).all()
    with pytest.raises(DataError, match=r"a mask of \(5, 4\)"):
        maps.count([score], [mask.T])
    with pytest.raises(DataError, match="limit must be in"):
        maps.aupro(full, 0)
