"""Whatever is calculated from the windows that are told, no figure comes of it that fewer than k tracks are behind."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.aggregate.joint import JointPartition
from pipeline.aggregate.least import Least, beside, later, over
from pipeline.aggregate.release import Release
from pipeline.messages import Scope, Window
from tests.crowded import Cell, Site, Teller, interleaved, site, told


def disclosed(truth: Site, windows: Iterable[Window], k: int) -> set[frozenset[Cell]]:
    """What a brute-force attacker learns of fewer than k tracks: every set of cells that any linear combination of the
    windows' figures is about, and about nothing else.

    Cells that are in the same windows cannot be told apart. A combination speaks of no cell outside of a set S if it is
    zero there: there is one but for zero when the windows have a higher rank than what they say outside of S.
    """
    rows = [truth.cells(window) for window in windows]
    columns: dict[tuple[bool, ...], set[Cell]] = {}
    for cell in set().union(*rows):
        columns.setdefault(tuple(cell in row for row in rows), set()).add(cell)
    classes = sorted(columns)
    matrix = np.array(classes, float).T.reshape(len(rows), len(classes))
    rank = np.linalg.matrix_rank(matrix) if matrix.size else 0
    found, few = set(), [()]
    while few:  # a set that too many are behind has none within the limit above it
        chosen = few.pop()
        cells = frozenset(cell for index in chosen for cell in columns[classes[index]])
        if truth.behind(cells) < k:
            outside = np.delete(matrix, chosen, 1)
            if (np.linalg.matrix_rank(outside) if outside.size else 0) < rank:
                found.add(cells)
            few += [(*chosen, more) for more in range(max(chosen, default=-1) + 1, len(classes))]
    return found


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), k=st.integers(2, 5))
def test_no_difference_of_windows_gives_away_few_people(seed: int, k: int) -> None:
    truth = site(seed, panes=4)
    windows = [window for window in told(truth, k) if not window.suppressed]
    assert disclosed(truth, windows, k) == set()
    for window in windows:  # complete, or withheld
        cells = truth.cells(window)
        assert window.n_face_frames == window.n_told == sum(truth.faces[cell] for cell in cells)
        assert k <= window.n_tracks <= truth.behind(cells)


def test_the_attacker_finds_what_a_plain_minimum_gives_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were a window withheld only where it has too few tracks itself, differences would tell."""
    monkeypatch.setattr(Release, "allows", lambda self, extent: True)
    found = 0
    for seed in range(12):
        truth = site(seed, panes=4)
        windows = [window for window in told(truth, 3) if not window.suppressed]
        found += bool(disclosed(truth, windows, 3))
    assert found > 3


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), order=st.integers(0, 10**6))
def test_what_is_withheld_depends_on_neither_the_order_of_cameras_nor_on_kills(seed: int, order: int) -> None:
    truth = site(seed, panes=5)
    expected = values(told(truth, 3))
    assert values(told(truth, 3, order)) == expected
    teller, windows = Teller(3), []
    for message, offset in interleaved(truth, order):
        windows += teller.add(message, offset)
        if offset % 7 == order % 7:
            assert not teller.start_anew()  # all of that was told
    assert values(windows) == expected


def values(windows: Iterable[Window]) -> dict[tuple[str, int], Window]:
    return {(window.key, window.revision): window for window in windows}


def test_where_there_are_enough_people_windows_are_told() -> None:
    """Else all of this were easy. People are anywhere, so they are few in each of a picture's parts."""
    windows = [window for seed in range(10) for window in told(site(seed, panes=4, people=40), 3)]
    told_of = {scope: [not w.suppressed for w in windows if w.scope is scope] for scope in Scope}
    shares = {scope: sum(each) / len(each) for scope, each in told_of.items()}
    assert shares[Scope.SITE] > 0.9
    assert shares[Scope.CAMERA] > 0.6
    assert shares[Scope.ZONE] > 0.1


def test_a_camera_that_nobody_knew_of_is_told_of_and_gives_nobody_away() -> None:
    truth, teller = site(5, panes=4, people=20), Teller(2, awaited=())
    windows = [w for camera in ("a", "b") for n, m in enumerate(truth.logs[camera]) for w in teller.add(m, n)]
    late = [window for window in windows if window.scope is Scope.CAMERA and window.id == "b"]
    assert any(window.frames.observed for window in late)
    assert not all(window.suppressed for window in late)
    assert disclosed(truth, [window for window in windows if not window.suppressed], 2) == set()


def test_a_window_that_is_withheld_tells_of_frames_alone() -> None:
    windows = [window for window in told(site(3, people=2), 50) if window.scope is Scope.CAMERA]
    assert windows
    for window in windows:
        assert window.suppressed
        assert (window.n_face_frames, window.n_tracks, window.n_told, window.n_abstained) == (0, 0, 0, 0)
        assert (window.abstained, window.scores_mean, window.label_share) == ({}, None, None)
    assert sum(window.frames.observed for window in windows) > 0


def test_records_of_another_mode_are_not_told_of() -> None:
    joint = JointPartition(*[Teller(3)._joint._policy], 3)
    truth = site(1)
    (record,) = [r for m, o in list(interleaved(truth, 0))[:1] for r in Teller(3)._events.add(m, o, m.captured_at)][:1]
    assert joint.add(record.model_copy(update={"scope": Scope.CAMERA, "id": "a"})) == []


counts = st.integers(0, 4)
people = st.lists(st.lists(st.sampled_from("abcdef"), max_size=6), max_size=5)


@given(people)
def test_tracks_are_never_counted_too_many(panes: list[list[str]]) -> None:
    known: set[str] = set()
    leasts = []
    for here in panes:
        leasts.append(Least(len(set(here)), len(set(here) - known)))
        known |= set(here)
    for first, last in combinations(range(len(panes) + 1), 2):
        assert over(leasts[first:last]).tracks <= len(set().union(*panes[first:last]))
    assert over(leasts).tracks == len(known)  # from the beginning on, nothing is lost


@given(people)
def test_nor_in_parts_of_a_picture(parts: list[list[str]]) -> None:
    new_in: dict[str, int] = {}
    for number, here in enumerate(parts):
        for track in here:
            new_in.setdefault(track, number)
    leasts = [Least(len(set(here)), sum(n == number for n in new_in.values())) for number, here in enumerate(parts)]
    assert beside(leasts).tracks <= len(set().union(*parts, set()))


@given(st.tuples(*[st.builds(Least, counts, counts)] * 3))
def test_it_does_not_matter_how_times_are_put_together(three: tuple[Least, Least, Least]) -> None:
    a, b, c = three
    assert later(later(a, b), c) == later(a, later(b, c))
