"""NATS-Bench's interface: what the package answers about the same records, made up in the official format."""

from __future__ import annotations

import copy
import pickle
import random
import shutil

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.compat import nats_bench
from nasbench_kit.data import store_folder
from tests.compat.agreement import (
    assert_agree,
    assert_records_agree,
    assert_same,
    assert_same_members,
    same_draws,
)
from tests.official.nats_size import SIZE
from tests.official.nb201 import TOPOLOGY, write_nats_file

INDICES = (0, 11)
KINDS = {"tss": TOPOLOGY, "sss": SIZE}
BUDGETS = {"tss": {"12": 12, "200": 200}, "sss": {"01": 1, "12": 12, "90": 90}}


@pytest.fixture(scope="module", params=KINDS)
def space(request):
    return request.param


@pytest.fixture(scope="module")
def source(space, tmp_path_factory):
    path = tmp_path_factory.mktemp(space) / f"NATS-{space}.pickle.pbz2"
    write_nats_file(path, INDICES, kind=KINDS[space])
    return path


@pytest.fixture(scope="module")
def store(source):
    return nk.convert(source, source.with_name("out.h5"), partial=True, curves=True).path


@pytest.fixture(scope="module")
def content(space):
    """What the official reader unpickles."""
    kind = KINDS[space]
    return {
        "meta_archs": list(kind.names),
        "arch2infos": {index: kind.states(index) for index in INDICES},
        "evaluated_indexes": list(INDICES),
    }


@pytest.fixture(scope="module")
def ours(store, space):
    return nats_bench.create(str(store), space, verbose=False, seed=3)


@pytest.fixture(scope="module")
def theirs(content, space):
    return pytest.importorskip("nats_bench").create(content, space, fast_mode=False, verbose=False)


@pytest.mark.parametrize("index", [11, pytest.param(0, marks=pytest.mark.slow)])
def test_every_record_agrees(ours, theirs, space, index):
    for hp, budget in BUDGETS[space].items():
        assert_records_agree(ours, theirs, index, hp, budget)


QUESTIONS = [
    len,
    list,
    lambda api: api[5],
    lambda api: api.arch(5),
    lambda api: api.arch(-1),
    lambda api: api.arch(10**6),
    lambda api: api.query_index_by_arch(api[17]),
    lambda api: api.query_index_by_arch("none such"),
    lambda api: api.query_index_by_arch(3.5),
    lambda api: api.query_index_by_arch(10**6),
    lambda api: api.query_index_by_arch(-1),
    lambda api: api.get_more_info(api[11], "cifar10", is_random=False),
    lambda api: api.get_more_info(11, "cifar10", hp=12, is_random=False),
    lambda api: api.get_more_info(11, "cifar10", hp="13"),
    lambda api: api.get_more_info(11, "cifar11"),
    lambda api: api.get_more_info(11, "cifar10", is_random="yes"),
    lambda api: api.get_more_info(11, "cifar10", is_random=None),
    lambda api: api.get_more_info(12, "cifar10"),
    lambda api: api.get_more_info("none such", "cifar10"),
    lambda api: api.get_more_info(10**6, "cifar10"),
    lambda api: api.query_meta_info_by_index(12),
    lambda api: api.query_meta_info_by_index(11, "13"),
    lambda api: api.query_meta_info_by_index(11, 12).get_total_epoch(),
    lambda api: api.query_by_index(11, "cifar11"),
    lambda api: api.query_info_str_by_arch(11, 12),
    lambda api: api.query_info_str_by_arch(api[11]),
    lambda api: api.get_net_param(11, "cifar10", 5),
    lambda api: api.get_net_param(11, "cifar10", 777),
    lambda api: api.get_net_config(12, "cifar10"),
    lambda api: api.get_cost_info(11, "cifar11"),
    lambda api: api.clear_params(11),
    lambda api: api.clear_params(11, "12"),
    lambda api: api.clear_params(11, "13"),
    lambda api: api.simulate_train_eval(11, "cifar11"),
    lambda api: api.simulate_train_eval(11, "cifar10-valid"),
    lambda api: sorted(api.avaliable_hps),
    lambda api: sorted(api.evaluated_indexes),
    lambda api: (api.search_space_name, api.fast_mode, api.archive_dir, api.is_size, api.is_topology),
    lambda api: (api.full_train_epochs, api.full_epochs_in_paper, api.verbose, api.archstr2index[api[9]]),
    *(lambda api, d=d, h=h: api.statistics(d, h) for d in ("cifar10-valid", "cifar100", "x") for h in ("12", 12)),
    lambda api: api.statistics("cifar10", "13"),
    *(
        lambda api, d=d, s=s, m=m: api.find_best(d, s, **m)
        for d in ("cifar10", "cifar10-valid", "cifar100", "ImageNet16-120", "cifar11")
        for s in ("train", "valid", "test", "x-valid", "x-test", "ori-test")
        for m in ({}, {"flop_max": 20.0}, {"param_max": 0.4})
    ),
    lambda api: api.find_best("cifar10", "valid", 0),
    lambda api: api.find_best("cifar10", "valid", None, None, "13"),
    lambda api: api.find_best("cifar10", "valid", hp=12),
    lambda api: api.find_best("cifar10", "valid", enforce_all=True),
]


def test_every_method_agrees(ours, theirs):
    for question in QUESTIONS:
        assert_agree(ours, theirs, question)


def test_members_agree():
    package = pytest.importorskip("nats_bench")
    for name in ("NATStopology", "NATSsize", "ArchResults", "ResultsCount"):
        assert_same_members(getattr(nats_bench, name), getattr(package, name))
    assert nats_bench.version() == package.version()


def test_random_trials_agree(store, content, space):
    """Every random choice, in the order in which a search makes it, and the clock."""
    package = pytest.importorskip("nats_bench")
    ours = nats_bench.create(store, space, verbose=False, seed=7)
    theirs = package.create(content, space, fast_mode=False, verbose=False)
    questions = [
        *(lambda api, i=i: api.simulate_train_eval(i, "cifar10") for i in INDICES),
        lambda api: api.random(),
        lambda api: api.used_time,
        lambda api: api.simulate_train_eval(api[11], "cifar100", iepoch=3),
        lambda api: api.simulate_train_eval(11, "ImageNet16-120", iepoch=None, account_time=False),
        *(lambda api, i=i: api.get_more_info(i, "cifar10-valid", hp="12") for i in INDICES * 3),
        *(
            lambda api, i=i: api.query_by_index(i).get_metrics("cifar10-valid", "train", is_random=True)
            for i in INDICES
        ),
        lambda api: api.used_time,
        lambda api: api.reset_time(),
        lambda api: api.used_time,
    ]
    same_draws(ours, theirs, questions, 7)


def test_text_agrees(ours, theirs, capsys):
    for index in (11, 0):
        theirs.show(index)
        expected = capsys.readouterr().out
        ours.show(index)
        assert capsys.readouterr().out == expected


def test_cells_in_other_forms(ours, theirs, space):
    if space == "sss":
        assert not hasattr(ours, "str2lists")
        return
    text = "|nor_conv_1x1~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|skip_connect~2|"
    for question in (
        lambda api: api.str2lists(text),
        lambda api: api.str2matrix(text),
        lambda api: api.str2matrix(text, ["none", "nor_conv_1x1", "nor_conv_3x3"]),
        lambda api: api.str2matrix(text, ["none", "nor_conv_1x1", "nor_conv_3x3", "skip_connect"]),
        lambda api: api.str2lists("|none~0~1|"),
        lambda api: [api.get_unique_str(index) for index in range(0, 15625, 40)],
        lambda api: api.get_unique_str(text),
    ):
        assert_agree(ours, theirs, question)


def test_search_spaces_agree():
    package = pytest.importorskip("nats_bench")
    for tags in (
        ("nats-bench", "tss"),
        ("nats-bench", "size"),
        ("nas-bench-201", None),
        ("nats-bench", None),
        ("x", "tss"),
    ):
        assert_agree(nats_bench, package, lambda module, tags=tags: module.search_space_info(*tags))
    for arguments in (("a path", "x"), ("/none/such", "tss"), (5, "tss"), ("/none/such", "sss")):
        assert_agree(nats_bench, package, lambda module, a=arguments: module.create(*a, verbose=False))


@pytest.mark.slow
def test_counts_of_another_architecture(tmp_path):
    """NATS-Bench takes the counts of seed 888 where those of the trainings differ."""
    package = pytest.importorskip("nats_bench")
    content = {"meta_archs": list(TOPOLOGY.names), "arch2infos": {}, "evaluated_indexes": [], "total_archs": 15625}
    index = next(i for i in range(100) if len(TOPOLOGY.states(i)["200"]["dataset_seed"]["cifar100"]) == 3)
    states = TOPOLOGY.states(index)
    for dataset in ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120"):
        states["200"]["all_results"][dataset, 777]["params"] += 0.1
    content |= {"arch2infos": {index: states}, "evaluated_indexes": [index]}
    store = _converted(content, tmp_path)
    ours = nats_bench.create(store, "tss", verbose=False)
    theirs = package.create(content, "tss", fast_mode=False, verbose=False)
    right = (
        1e-6 * nk.space("nb201").cost(nk.space("nb201").from_official_index([index]), "params", dataset="cifar10")[0]
    )
    assert ours.get_cost_info(index, "cifar10", "200")["params"] == pytest.approx(right, rel=1e-12)
    for limit in (right - 0.01, right + 0.01):
        assert_agree(ours, theirs, lambda api, m=limit: api.find_best("cifar10", "test", param_max=m, hp="200"))
    assert_agree(ours, theirs, lambda api: api.get_cost_info(index, "cifar10", "200"))


def _converted(content, folder):
    import bz2

    (folder / "content.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(content, 4)))
    return nk.convert(folder / "content.pickle.pbz2", folder / "content.h5", partial=True, curves=True).path


def test_own_changes_last_until_reload(store, space, content):
    ours = nats_bench.create(store, space, verbose=False)
    theirs = pytest.importorskip("nats_bench").create(content, space, fast_mode=False, verbose=False)
    for api in (ours, theirs):
        api.arch2infos_dict[11]["12"].reset_latency("cifar10", None, 2.5)
        api.arch2infos_dict[11]["12"].reset_pseudo_train_times("cifar10", None, 3.0)
        api.arch2infos_dict[11]["12"].reset_pseudo_eval_times("cifar10", None, "ori-test", 4.0)
    assert_agree(ours, theirs, lambda api: api.get_cost_info(11, "cifar10"))
    assert_agree(ours, theirs, lambda api: api.get_more_info(11, "cifar10", is_random=False))
    assert ours.get_latency(11, "cifar10") == 2.5
    ours.reload(index=11)
    assert ours.get_latency(11, "cifar10") < 1
    with pytest.raises(NotImplementedError, match="convert"):
        ours.reload("/a/folder", 11)
    with pytest.raises(ValueError, match="from 0 to"):
        ours.reload(index=-1)


def test_copies_are_ones_own(ours):
    mine = ours.query_meta_info_by_index(11)
    mine.reset_latency("cifar10", None, 2.5)
    assert ours.get_latency(11, "cifar10") < 1
    again = copy.deepcopy(mine)
    assert again.get_latency("cifar10") == 2.5
    assert_same(again.state_dict()["dataset_seed"], mine.dataset_seed)
    built = nats_bench.ArchResults.create_from_state_dict(mine.state_dict())
    assert_same(built.get_metrics("cifar10", "train"), mine.get_metrics("cifar10", "train"))


def test_records_travel_between_processes(ours):
    info = ours.query_meta_info_by_index(11)
    for question, value in (
        (lambda api: api.get_more_info(11, "cifar100", is_random=False), ours),
        (lambda info: info.get_metrics("cifar100", "x-valid", 3), info),
        (lambda trial: trial.get_eval("x-valid", 3), info.query("cifar100", info.get_dataset_seeds("cifar100")[0])),
    ):
        content = pickle.dumps(value)
        assert len(content) < (3_000_000 if value is ours else 100_000)
        assert_same(question(pickle.loads(content)), question(value))


def test_a_training_of_ones_own(ours, theirs):
    accuracies = {f"x-test@{epoch}": 50.0 + epoch for epoch in range(12)}
    for api in (ours, theirs):
        trial = api.query_by_index(11, "cifar10")[api.query_by_index(11).get_dataset_seeds("cifar10")[0]]
        trial.update_eval(accuracies, accuracies, accuracies)
        trial.update_OLD_eval("x-valid", {11: 5.0}, {11: 6.0})
        trial.update_train_info({11: 1.0}, None, {11: 2.0}, None)
        assert trial.get_eval("x-test", 3)["accuracy"] == 53
        assert trial.get_train() == {"iepoch": 11, "loss": 2.0, "accuracy": 1.0, "cur_time": None, "all_time": None}
        assert sorted(trial.get_eval_set()) == ["ori-test", "x-test", "x-valid"]
        assert trial.eval_acc1es["x-valid@11"] == 5
        with pytest.raises((ValueError, AssertionError)):
            trial.update_OLD_eval("x-test", {}, {})
        info = api.query_meta_info_by_index(11)
        info.update("cifar10", 5, trial)
        assert 5 in info.get_dataset_seeds("cifar10")
        with pytest.raises(ValueError, match="seed"):
            info.update("cifar10", 5, trial)


def test_test_accuracy_never_stands_in_for_validation_accuracy(ours, space):
    if space == "sss":  # evaluated after every epoch
        return
    with pytest.raises(KeyError, match="valtest-accuracy"):
        ours.simulate_train_eval(11, "cifar100", iepoch=5, hp="200")
    assert ours.used_time == 0


def test_python_s_own_stream(store, space):
    before = random.getstate()
    random.seed(1)
    expected = [random.randint(0, len(KINDS[space].names) - 1) for _ in range(3)]
    random.seed(1)
    api = nats_bench.create(store, space, verbose=False, seed=random)
    assert [api.random() for _ in range(3)] == expected
    random.setstate(before)


@pytest.mark.slow
def test_official_files_open_once_converted(ours, source, space):
    """Without curves it answers with values after the last epoch, and times; the message says how to get the others."""
    with pytest.raises(ValueError, match=r"official file, not a store: run 'nasbench-kit convert .*--curves"):
        nats_bench.create(str(source), space)
    with pytest.raises(ValueError, match="neither a store nor an official file of the space"):
        nats_bench.create(str(source), "tss" if space == "sss" else "sss")
    if space == "sss":
        return
    nk.convert(source, store_folder() / "nats.h5", partial=True)
    assert sorted(nats_bench.create(None, space, verbose=False).evaluated_indexes) == list(INDICES)
    other = shutil.copy(source, source.with_name("other.pickle.pbz2"))
    with pytest.raises(ValueError, match="official file"):
        nats_bench.create(other, space)
    plain = nats_bench.create(str(source), space, verbose=False)
    for question in (
        lambda api: api.get_more_info(11, "cifar100", is_random=False),
        lambda api: api.get_cost_info(11, "cifar100"),
    ):
        assert_same(question(plain), question(ours))
    with pytest.raises(ValueError, match="--curves"):
        plain.get_more_info(11, "cifar100", iepoch=3)
    trial = plain.query_by_index(11, "cifar100")[ours.query_by_index(11).get_dataset_seeds("cifar100")[0]]
    assert list(trial.train_acc1es) == [11]
    assert sorted(trial.eval_acc1es) == ["ori-test@11", "x-test@11", "x-valid@11"]


def test_fast_mode_wants_all(store, space):
    api = nats_bench.create(store, space, fast_mode=True, verbose=False)
    assert api.fast_mode
    with pytest.raises(AssertionError, match="lacks"):
        api.find_best("cifar10", "test")
    assert api.find_best("cifar10", "test", enforce_all=False)[0] in INDICES
    with pytest.raises(ValueError, match="12"):
        api.query_info_str_by_arch(12)
    with pytest.raises(ValueError, match="no architecture"):
        api.query_info_str_by_arch("none such")
    with pytest.warns(UserWarning, match="the architecture 12 is not"):
        assert nats_bench.create(store, space, verbose=False).query_info_str_by_arch(12) is None


@pytest.mark.slow
def test_verbose(store, space, capsys):
    api = nats_bench.create(store, space)
    api.find_best("cifar10", "valid")
    api.get_more_info(11, "cifar10")
    assert capsys.readouterr().out.count("\n") == 2
    api.show(-1)
    shown = capsys.readouterr().out
    assert shown.startswith(repr(api))
    assert shown.count("architecture!") == 2
    api.show(10**6)
    api.show(12)
    assert "out of range" in capsys.readouterr().out


def test_what_is_no_store(space):
    for wrong in ({}, {"arch2infos": {}}, 5, None, b"nats"):
        with pytest.raises(ValueError, match="the store|of a store|unknown benchmark"):
            nats_bench.create(wrong, space, verbose=False)
    other = "nb201" if space == "sss" else "nas-bench-macro"
    with pytest.raises(ValueError, match="is a table of the space"):
        nats_bench.create(other, space, verbose=False)


def test_indices_of_numpy(ours):
    """The original takes them for something that is not in the space, and answers -1."""
    assert ours.query_index_by_arch(np.int64(11)) == 11
