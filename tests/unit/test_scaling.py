"""The laws of scaling: what times say, what they don't, and what is foretold."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from headrace.cli import cli
from headrace.plan import load
from headrace.scaling import draw, measured, timings_file
from headrace.scaling.analysis import analyse, warnings
from headrace.scaling.forecast import knee
from headrace.scaling.identified import judge
from headrace.scaling.laws import AMDAHL, SCALED, USL, Law, Timings, fit
from headrace.scaling.measured import Measured, ScalingError, order, same_answer
from headrace.scaling.price import Price


def times(
    law: Law,
    theta: list[float],
    counts: list[int],
    repeats: int = 3,
    noise: float = 0.02,
    seed: int = 7,
) -> Timings:
    n = np.repeat(np.asarray(counts, dtype=float), repeats)
    random = np.random.default_rng(seed)
    seconds = 60 * law.factor(n, *theta) * np.exp(noise * random.standard_normal(len(n)))
    return Timings(n, seconds)


def free(workers: int, seconds: float) -> float | None:
    return workers * seconds / 3600


@given(st.floats(0, 1), st.floats(0.01, 1e4))
def test_times_without_noise_give_their_fraction_back(serial: float, one_s: float) -> None:
    n = np.array([1.0, 2.0, 4.0, 8.0])
    found = fit(AMDAHL, Timings(n, one_s * AMDAHL.factor(n, serial)))
    assert found.theta[0] == pytest.approx(serial, abs=1e-4)
    assert found.one_s == pytest.approx(one_s, rel=1e-4)


def test_amdahl_is_the_usl_without_coherency() -> None:
    n = np.array([1.0, 3.0, 17.0])
    assert np.allclose(AMDAHL.factor(n, 0.2), USL.factor(n, 0.2, 0.0))


def test_gustafsons_speed_up_is_linear_in_the_workers() -> None:
    n = np.array([1.0, 8.0])
    assert np.allclose(n / SCALED.factor(n, 0.1), 0.1 + 0.9 * n)


def test_where_a_bound_holds_one_parameter_the_others_make_up_for_it() -> None:
    found = [fit(law, times(AMDAHL, [0.06], [1, 2, 4, 8], seed=5)) for law in (AMDAHL, USL)]
    assert found[1].theta[1] < 0  # free, it would be faster than Amdahl allows
    assert found[1].held == pytest.approx([found[0].theta[0], 0], abs=1e-4)


class TestIdentified:
    def test_few_numbers_of_workers_are_told_how_many_are_needed(self) -> None:
        verdict = judge(AMDAHL, times(AMDAHL, [0.1], [4]))
        assert not verdict.identifiable
        assert "2 unknowns" in verdict.why
        assert "2 different numbers" in verdict.needed

    def test_no_repeat_leaves_none_to_tell_the_noise(self) -> None:
        verdict = judge(AMDAHL, times(AMDAHL, [0.1], [1, 2], repeats=1))
        assert "leave none to tell the noise" in verdict.why
        assert "repeat" in verdict.needed

    def test_noise_that_hides_the_fraction_asks_for_repeats_that_would_do(self) -> None:
        verdict = judge(AMDAHL, times(AMDAHL, [0.3], [1, 2], repeats=2, noise=0.3, seed=3))
        assert "anywhere from" in verdict.why
        repeats = int(verdict.needed.split(": ")[1].split()[0])
        again = times(AMDAHL, [0.3], [1, 2, 4], repeats=4 * repeats, noise=0.1)
        assert judge(AMDAHL, again).identifiable

    def test_faster_than_linear_is_no_fraction(self) -> None:
        verdict = judge(AMDAHL, Timings(np.array([1, 1, 2, 2.0]), np.array([10, 10.1, 4, 4.02])))
        assert "faster than linear" in verdict.why

    def test_slower_on_more_workers_is_no_fraction_either(self) -> None:
        found = Timings(np.array([1, 1, 2, 2, 4, 4.0]), np.array([1, 1.01, 2, 2.02, 4, 4.1]))
        assert "slower on more workers" in judge(AMDAHL, found).why

    def test_the_usl_wants_three_numbers_of_workers(self) -> None:
        assert "3 unknowns" in judge(USL, times(AMDAHL, [0.1], [1, 2])).why


class TestForecast:
    def test_more_workers_stop_paying_where_cost_times_time_is_least(self) -> None:
        found = analyse(times(AMDAHL, [0.05], [1, 2, 4, 8]), None, [], free)
        n = np.arange(1, 200)
        serial = found.amdahl.intervals["serial"].value
        assert found.knee is not None
        assert found.knee.value == pytest.approx((1 - serial) / serial)
        assert abs(n[np.argmin(n * AMDAHL.factor(n, serial) ** 2)] - found.knee.value) <= 1
        assert found.knee.low < found.knee.value < found.knee.high

    def test_a_loss_by_workers_is_foretold_by_the_usl_with_its_peak(self) -> None:
        found = analyse(times(USL, [0.04, 0.0012], [1, 2, 4, 8, 16, 32]), None, [48], free)
        assert found.law is found.usl
        peak = found.peak
        assert peak is not None
        assert peak.low < math.sqrt(0.96 / 0.0012) < peak.high
        rows = {row.workers: row for row in found.forecast}
        assert 48 in rows
        assert rows[64].seconds.value > rows[32].seconds.value
        assert knee(found.usl).value < peak.value

    def test_cost_goes_with_workers_and_time(self) -> None:
        found = analyse(times(AMDAHL, [0.1], [1, 2, 4]), None, [], free)
        for row in found.forecast:
            assert row.usd == pytest.approx(
                [
                    free(row.workers, s)
                    for s in (row.seconds.value, row.seconds.low, row.seconds.high)
                ]
            )
        usd = [row.usd[0] for row in found.forecast if row.usd]
        assert usd == sorted(usd)

    def test_gustafson_is_predicted_and_says_so_or_measured_on_problems_that_grew(self) -> None:
        fixed = times(AMDAHL, [0.06], [1, 2, 4, 8])
        assert "predicted from Amdahl" in analyse(fixed, None, [], free).scaled_source
        grown = analyse(fixed, times(SCALED, [0.02], [1, 2, 4, 8]), [], free)
        assert "measured" in grown.scaled_source
        assert grown.serial is not None
        assert grown.serial.low < 0.02 < grown.serial.high

    def test_a_law_that_does_not_hold_is_said_to(self) -> None:
        n = np.repeat([1.0, 2.0, 4.0, 8.0], 3)
        steps = np.repeat([10.0, 8.0, 3.0, 2.5], 3) * np.tile([0.99, 1.0, 1.01], 4)
        said = warnings(analyse(Timings(n, steps), None, [], free))
        assert any("does not describe" in line for line in said)

    def test_where_nothing_is_identifiable_nothing_is_foretold(self) -> None:
        found = analyse(times(AMDAHL, [0.1], [1, 2], repeats=1), None, [], free)
        assert found.forecast == []
        assert found.document()["knee"] is None


class TestPrice:
    def test_fargate_is_billed_by_its_sizes_and_by_a_minute_at_least(self) -> None:
        price = Price(load("health").stage("persistence_grid"))
        assert price.usd(2, 10) == price.usd(2, 60)
        assert price.usd(3, 600) == price.usd(4, 600)  # the next of Fargate's sizes
        assert price.usd(2, 1200) == pytest.approx(2 * (price.usd(2, 600) or 0))
        assert price.usd(32, 600) is None

    def test_a_map_is_billed_by_worker_and_second(self) -> None:
        price = Price(load("crawl").stage("pages"))
        assert price.usd(4, 100) == pytest.approx(4 * (price.usd(1, 100) or 0))


class TestMeasured:
    def test_the_runs_go_up_and_down_after_one_that_is_not_counted(self) -> None:
        assert list(order([1, 2, 4], 2, True)) == [
            (4, False), (1, True), (2, True), (4, True), (4, True), (2, True), (1, True),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("study", "stage", "kind"),
        [("health", "best", "a query"), ("union", "named", "a query")],
    )
    def test_a_stage_whose_workers_nobody_can_tell_is_refused_by_its_kind(
        self, study: str, stage: str, kind: str
    ) -> None:
        with pytest.raises(ScalingError, match=kind):
            measured.check_kind(load(study).stage(stage))

    @pytest.mark.parametrize("kind", ["mapreduce", "spark"])
    def test_a_clusters_stage_is_refused_since_its_workers_are_nodes(self, kind: str) -> None:
        plans = [load(name) for name in ("union", "votes", "crawl-words")]
        stage = next(s for plan in plans for s in plan.stages if s.kind == kind)
        with pytest.raises(ScalingError, match="nodes of the run's cluster"):
            measured.check_kind(stage)

    def test_an_answer_that_hangs_on_the_workers_is_seen(self) -> None:
        runs = [Measured(n, 1.0, 2.0, "r", checksum) for n, checksum in ((1, "a"), (2, "b"))]
        assert same_answer(runs) is False
        assert same_answer([runs[0], Measured(2, 1.0, 2.0, "r", "a")]) is True
        assert same_answer(runs[:1]) is None


class TestTimingsFile:
    def test_what_is_written_is_read(self, tmp_path: Path) -> None:
        runs = [Measured(n, 10 / n, 20.0, "r", "a") for n in (1, 2)]
        runs.append(Measured(2, 99.0, 100.0, "r", "a", counted=False))
        timings_file.write(tmp_path / "t.csv", runs)
        fixed, grown = timings_file.read(tmp_path / "t.csv")
        assert fixed.workers.tolist() == [1, 2]
        assert fixed.seconds.tolist() == [10, 5]
        assert grown is None

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("workers,seconds\n0,1\n", "0 workers"),
            ("workers,seconds\n1,nan\n", "nan s"),
            ("workers\n1\n", "line 2"),
            ("workers,seconds,size\n4,1,3\n", "size 3"),
            ("workers,seconds,size\n4,1,4\n", "no row of size 1"),
        ],
    )
    def test_other_words_are_refused_with_their_place(
        self, tmp_path: Path, text: str, found: str
    ) -> None:
        (tmp_path / "t.csv").write_text(text)
        with pytest.raises(ScalingError, match=found):
            timings_file.read(tmp_path / "t.csv")


def test_the_picture_has_the_measurements_and_the_laws(tmp_path: Path) -> None:
    found = analyse(times(USL, [0.04, 0.0012], [1, 2, 4, 8, 16, 32]), None, [], free)
    written = draw.write(found, "How it scales", tmp_path)
    assert [path.name for path in written] == ["scaling.png", "scaling.svg"]
    svg = written[1].read_text()
    for words in ("How it scales", "Amdahl, s = ", "USL", "measured", "Gustafson", "linear"):
        assert words in svg
    draw.write(found, "How it scales", tmp_path / "..")
    assert (tmp_path / ".." / "scaling.svg").read_bytes() == written[1].read_bytes()


class TestVerb:
    def test_times_of_elsewhere_are_fitted_without_a_cloud(self, tmp_path: Path) -> None:
        rows = times(AMDAHL, [0.06], [1, 2, 4, 8])
        lines = [f"{int(n)},{s}" for n, s in zip(rows.workers, rows.seconds, strict=True)]
        (tmp_path / "t.csv").write_text("\n".join(["workers,seconds", *lines]) + "\n")
        words = ["scale", "health", "persistence_grid", "--timings", str(tmp_path / "t.csv")]
        words += ["--out", str(tmp_path / "out")]
        told = CliRunner().invoke(cli, [*words, "--json"])
        document = json.loads(told.stdout)
        assert document["amdahl"]["serial"]["low"] < 0.06 < document["amdahl"]["serial"]["high"]
        assert json.loads((tmp_path / "out" / "scaling.json").read_text())["study"] == "health"
        said = CliRunner().invoke(cli, words).stdout
        assert "More workers stop paying at about" in said
        assert "predicted from Amdahl's serial fraction" in said

    def test_a_query_is_refused(self) -> None:
        told = CliRunner().invoke(cli, ["scale", "health", "best"])
        assert told.exit_code == 1
        assert "whose workers are Athena's to choose" in told.stderr

    @pytest.mark.parametrize("words", ["0,1", "one", "", "1,,2"])
    def test_no_numbers_are_refused(self, words: str) -> None:
        told = CliRunner().invoke(cli, ["scale", "health", "random_walks", "--workers", words])
        assert told.exit_code == 2
