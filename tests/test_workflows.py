"""The workflows on GitHub: nothing exists only in them, and they may do no more than they need."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = {path.stem: path for path in sorted((ROOT / ".github/workflows").glob("*.yml"))}
TARGETS = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))

each_workflow = pytest.mark.parametrize("name", WORKFLOWS)


def read(name):
    return yaml.safe_load(WORKFLOWS[name].read_text(encoding="utf-8"))


def steps(name):
    return [step for job in read(name)["jobs"].values() for step in job["steps"]]


@each_workflow
def test_every_step_is_a_target_of_the_makefile(name):
    for command in [step["run"] for step in steps(name) if "run" in step]:
        words = command.split()
        targets = [word for word in words[1:] if re.fullmatch(r"[a-z][a-z-]*", word)]
        assert words[0] == "make", command
        assert targets or '"$TARGET"' in words, command
        assert set(targets) <= TARGETS, command


@each_workflow
def test_the_targets_of_each_matrix_exist(name):
    for job in read(name)["jobs"].values():
        if any('"$TARGET"' in step.get("run", "") for step in job["steps"]):
            matrix = job["strategy"]["matrix"]
            targets = matrix.get("target") or [entry["target"] for entry in matrix["include"]]
            assert set(targets) <= TARGETS


def test_a_pull_request_is_checked_in_jobs_that_wait_for_none():
    jobs = read("check")["jobs"]
    assert not [name for name, job in jobs.items() if "needs" in job]
    ran = {step["run"] for job in jobs.values() for step in job["steps"] if "run" in step}
    ran |= {f"make {target}" for target in jobs["check"]["strategy"]["matrix"]["target"]}
    assert {"make lint", "make test", "make test-notebooks", "make test-jax", "make rehearse"} <= ran


@pytest.mark.parametrize(("job", "command"), [("tests", "make test"), ("package", "make test-package")])
def test_the_package_is_tried_with_each_python_that_it_promises(job, command):
    job = read("check")["jobs"][job]
    assert job["steps"][-1]["run"] == command
    assert "${{ matrix.python }}" in [step.get("with", {}).get("python-version") for step in job["steps"]]
    first, last = re.search(r"Python (3\.\d+) to (3\.\d+)", (ROOT / "README.md").read_text(encoding="utf-8")).groups()
    minors = range(int(first[2:]), int(last[2:]) + 1)
    assert job["strategy"]["matrix"]["python"] == [f"3.{minor}" for minor in minors]


def test_pages_are_looked_at_where_they_were_built():
    looking = [step["run"] for step in steps("check") if "REQUIRE_BROWSER" in step.get("env", {})]
    assert looking == ["make test"]
    commands = [step.get("run") for step in read("check")["jobs"]["book"]["steps"]]
    assert commands.index("make -j2 book") < commands.index("make test")


@each_workflow
def test_actions_are_pinned_by_commit_and_leave_no_token_behind(name):
    for step in steps(name):
        if "uses" in step:
            assert re.search(r"@[0-9a-f]{40}$", step["uses"]), step["uses"]
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


@each_workflow
def test_rights_are_given_one_by_one_and_jobs_end(name):
    workflow = read(name)
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["permissions"]
        assert job["timeout-minutes"] <= 360
    # Only what publishes may write pages, and only what reports may write issues.
    writing = {
        right for job in workflow["jobs"].values() for right, level in job["permissions"].items() if level == "write"
    }
    assert writing == {"publish": {"pages", "id-token"}, "weekly": {"issues"}}.get(name, set())


@each_workflow
def test_nothing_from_outside_is_put_into_a_command(name):
    assert not [step["run"] for step in steps(name) if "${{" in step.get("run", "")]


def test_only_main_is_published_and_a_publication_is_not_cut_off():
    workflow = read("publish")
    assert workflow[True]["push"]["branches"] == ["main"]  # YAML reads the key on as true
    assert workflow["concurrency"]["cancel-in-progress"] is False
    assert workflow["jobs"]["build"]["if"] == "github.ref == 'refs/heads/main'"
    assert workflow["jobs"]["deploy"]["needs"] == "build"


def test_runs_are_taken_from_the_nearest_earlier_publication_and_kept_whatever_happens():
    found = read("publish")["jobs"]["build"]["steps"]
    commands = [step.get("run", step.get("uses", "").partition("@")[0]) for step in found]
    restored, saved = (commands.index(f"actions/cache/{verb}") for verb in ("restore", "save"))
    run, check = commands.index("make run DATASET=mnist"), commands.index("make publish-check DATASET=mnist")
    assert restored < run < saved < check
    assert found[saved]["if"] == "always()"
    assert found[saved]["with"]["path"].split() == found[restored]["with"]["path"].split()
    assert found[saved]["with"]["path"].split() == ["_build/runs/mnist", "_build/trainings"]
    # Each publication has a key of its own, since a cache is never written a second time, and all begin alike.
    assert found[saved]["with"]["key"] == found[restored]["with"]["key"]
    assert "github.run_id" in found[saved]["with"]["key"]
    assert found[saved]["with"]["key"].startswith(found[restored]["with"]["restore-keys"])
