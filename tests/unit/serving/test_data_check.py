"""`emostream model data`: what a data set is, and everything that is wrong with one, by command line."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from serving.cli import model_app
from serving.data.check import check
from serving.data.faces import VOTES
from serving.data.fer2013 import load_fer2013
from serving.errors import DataError
from tests.unit.serving.serving_examples import drawn, text, write_csv
from tests.unit.serving.tree_examples import affectnet_8labels, affectnet_2017, affectnet_row, ckplus, save


def command(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(model_app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def checked(data: Path, report: Path, *arguments: str | Path) -> dict[str, Any]:
    code, out, error = command("data", "--check", "--data", data, "--report", report, *arguments)
    assert code == 0, out + error
    found: dict[str, Any] = json.loads(report.read_text())
    return found


def test_fer2013_with_votes(tmp_path: Path) -> None:
    same, even = text(drawn(0, 1)), " ".join(["7"] * 48 * 48)
    data = write_csv(
        tmp_path / "fer.csv",
        [
            (0, same, "Training"),
            (3, text(drawn(3, 2)), "Training"),
            (1, same, "Training"),
            (9, same, "Training"),
            (2, even, "Training"),
            (0, same, "PublicTest"),
            (0, "1 2 3", "PublicTest"),
            (0, same, "Tuesday"),
        ],
    )
    votes = tmp_path / "votes.csv"
    face, none = "8,0,0,0,0,0,0,0,0,2", "0,0,0,0,0,0,0,0,4,6"
    rows = [("Training", v) for v in (face, face, face, face, none)] + [("PublicTest", face)] * 2
    votes.write_text(f"Usage,Image name,{','.join(VOTES)}\n" + "".join(f"{use},x.png,{v}\n" for use, v in rows))
    found = checked(data, tmp_path / "report.json", "--votes", votes)
    training, test = found["splits"]["Training"], found["splits"]["PublicTest"]
    assert (training["n"], training["different"], training["constant"], training["not_a_face"]) == (4, 3, 1, 1)
    assert training["classes"]["angry"] == 1
    assert (test["n"], test["faults"]) == (1, 2)  # the row without a split is everybody's
    assert found["overlaps"] == [{"of": "PublicTest", "also_in": "Training", "pictures": 1}]
    assert (found["double_groups"], found["conflicting_groups"], found["usable"]) == (1, 1, 5)
    assert [len(found["findings"][name]) for name in ("wrong label", "broken", "unfit", "not a face")] == [1, 1, 1, 1]
    assert "line 5: emotion '9'" in found["findings"]["wrong label"][0]
    assert ", line 2: angry, " in found["findings"]["same pixels, other labels"][0]


def test_an_affectnet_tree(tmp_path: Path) -> None:
    root = affectnet_2017(tmp_path / "set", 16, 8)
    with (root / "Manually_Annotated_file_lists" / "validation.csv").open("a") as file:
        file.write(affectnet_row("1/training0000.png", 1) + affectnet_row("../x.png", 1) + affectnet_row("1/y.png", 1))
        file.write(affectnet_row("1/training0003.png", 77))
    (root / "Manually_Annotated_Images" / "2" / "training0001.png").write_bytes(b"\xff\xd8\xff")
    found = checked(root, tmp_path / "report.json")
    assert found["kind"] == "affectnet-2017"
    assert found["splits"]["training"]["n"] == 15
    assert found["splits"]["validation"]["n"] == 9
    assert found["splits"]["validation"]["faults"] == 3
    assert {name: len(places) for name, places in found["findings"].items()} == {
        "broken": 1,
        "unfit": 1,
        "missing": 1,
        "wrong label": 1,
        "same pixels": 1,
        "same pixels, other labels": 1,
    }
    assert found["overlaps"] == [{"of": "validation", "also_in": "training", "pictures": 1}]


def test_sound_sets_have_no_findings(tmp_path: Path) -> None:
    eight, ck = affectnet_8labels(tmp_path / "eight", 8, 8), ckplus(tmp_path / "ck", 3)
    for root in (eight, ck):
        code, out, _ = command("data", "--check", "--data", root)
        assert code == 0
        assert "nothing was found" in out
    assert list(check(ck).splits) == ["train", "test"]
    code, out, _ = command("data", "--data", ck)
    assert (code, "ckplus, splits train, test, all" in out) == (0, True)


def test_nothing_usable_is_exit_code_2(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "fer.csv", [(0, "1 2", "Training")])
    code, out, error = command("data", "--check", "--data", data)
    assert (code, error.count("\n")) == (2, 1)
    assert "line 2: 2 pixels" in out.replace("\n", " ") or "broken" in out
    code, _, error = command("data", "--check", "--data", tmp_path / "none")
    assert (code, error.count("\n")) == (2, 1)
    with pytest.raises(DataError, match="no such csv"):
        check(affectnet_8labels(tmp_path / "set", 8, 8), votes=data)


def test_bad_rows_of_a_csv_are_left_out_with_their_votes(tmp_path: Path) -> None:
    data = write_csv(
        tmp_path / "fer.csv",
        [(0, text(drawn(0, 0)), "Training"), (9, text(drawn(1, 1)), "Training"), (2, text(drawn(2, 2)), "Training")],
    )
    votes = tmp_path / "votes.csv"
    rows = [f"Training,x.png,{n},0,0,0,0,0,0,0,0,0\n" for n in (1, 2, 3)]
    votes.write_text(f"Usage,Image name,{','.join(VOTES)}\n" + "".join(rows))
    said: list[str] = []
    found = load_fer2013(data, "Training", votes, skip_bad=True, say=said.append)
    assert found.votes is not None
    np.testing.assert_array_equal(found.votes[:, 0], [1, 3])
    assert said[0].startswith("left out 1 that cannot be used: ")
    with pytest.raises(DataError, match=r"line 3: emotion '9'.*--skip-bad"):
        load_fer2013(data, "Training", votes)


def test_what_no_data_set_holds(tmp_path: Path) -> None:
    """A pipe is not waited for; what Finder and Windows leave is passed over."""
    for name in ("Thumbs.db", "._a.png"):
        save(tmp_path / "set" / "happy" / "a.png", drawn(3, 0)).with_name(name).touch()
    os.mkfifo(tmp_path / "set" / "happy" / "b.png")
    found = checked(tmp_path / "set", tmp_path / "report.json")
    pipe = tmp_path / "set" / "happy" / "b.png"
    assert found["findings"] == {"broken": [f"{pipe}: the file is no ordinary file"]}


def test_the_splits_that_a_csv_has(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "fer.csv", [(0, text(drawn(0, 0)), "PrivateTest")])
    code, out, _ = command("data", "--data", data)
    assert (code, "splits PrivateTest;" in out) == (0, True)
    (tmp_path / "any.json").write_text("{}")
    code, _, error = command("data", "--data", tmp_path / "any.json")
    assert (code, error.count("\n")) == (2, 1)
