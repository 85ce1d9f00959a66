import numpy as np
import pytest

from pipeline.analyze.tracking.tracker import maker
from pipeline.bench.identity import NOBODY, Identity
from pipeline.bench.scenes import START, Script, play
from pipeline.bench.tracking import cost, scenes


def identity(*frames: tuple[list[int], list[int | None]]) -> Identity:
    counted = Identity()
    for who, tracks in frames:
        counted.add(who, tracks)
    return counted


def test_perfect() -> None:
    counted = identity(([1, 2], [7, 8]), ([2, 1], [8, 7]))
    assert (counted.idf1, counted.switches, counted.people, counted.tracks) == (1.0, 0, 2, 2)


def test_a_switch() -> None:
    counted = identity(*[([1], [7])] * 3, ([1], [8]))
    assert (counted.idf1, counted.switches) == (0.75, 1)


def test_two_people_in_one_track() -> None:
    counted = identity(*[([1], [7])] * 3, ([2], [7]))
    assert (counted.idf1, counted.switches, counted.people, counted.tracks) == (0.75, 0, 2, 1)


def test_a_face_that_is_none() -> None:
    """Worse with a track than without."""
    assert identity(([1, NOBODY], [7, None])).idf1 == 1
    assert identity(([1, NOBODY], [7, 8])).idf1 == pytest.approx(2 / 3)


def test_a_face_without_a_track() -> None:
    assert identity(([1, 2], [7, None])).idf1 == pytest.approx(2 / 3)


def test_nothing_at_all() -> None:
    assert Identity().idf1 == 1


def test_a_scene_follows_from_its_seed() -> None:
    one, same, other = (list(play(Script(seconds=3, seed=seed))) for seed in (4, 4, 5))
    assert all(
        (a.boxes == b.boxes).all() and (a.who == b.who).all() and a.at == b.at for a, b in zip(one, same, strict=True)
    )
    assert any(a.boxes.shape != b.boxes.shape or (a.boxes != b.boxes).any() for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("fps", "people"), [(2.0, 3), (25.0, 12)])
def test_a_scene_is_what_its_script_says(fps: float, people: int) -> None:
    shots = list(play(Script(people=people, fps=fps, seconds=10, walking=0, false=1)))
    assert len(shots) == 10 * fps
    assert (np.diff([(shot.at - START).total_seconds() for shot in shots]) >= 0).all()
    assert {int(who) // 1000 for shot in shots for who in shot.who if who != NOBODY} == set(range(people))
    for shot in shots:
        assert shot.boxes.shape == (len(shot.who), 4)
        assert shot.boxes.dtype == shot.confidence.dtype == np.float32
        assert (np.diff(shot.confidence) <= 0).all()
        persons = shot.who[shot.who != NOBODY]
        assert len(set(persons.tolist())) == len(persons)
    assert any(NOBODY in shot.who for shot in shots)


def test_the_figures_of_a_report() -> None:
    makers = {"motion": maker("motion")}
    assert scenes(makers, 5, [0], 4)["motion"]["idf1"] > 0.7
    assert cost(makers, people=4, rounds=1)["motion"] > 0
