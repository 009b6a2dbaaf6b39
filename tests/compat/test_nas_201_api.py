"""NAS-Bench-201's interface: what the package answers about the same records, made up in the official format."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.compat import nas_201_api
from nasbench_kit.compat.nas_201_api import NASBench201API
from nasbench_kit.data import store_folder
from tests.compat.agreement import (
    assert_agree,
    assert_records_agree,
    assert_same,
    assert_same_members,
    same_draws,
)
from tests.official.nb201 import NAMES, states, write_nb201_pth

INDICES = (0, 11)
CELL = "|nor_conv_1x1~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|skip_connect~2|"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("nb201") / "NAS-Bench-201-v1_1-096897.pth"
    write_nb201_pth(path, INDICES)
    return path


@pytest.fixture(scope="module")
def store(source):
    return nk.convert(source, source.with_name("out.h5"), partial=True, curves=True).path


@pytest.fixture(scope="module")
def package():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the package's own code
        return pytest.importorskip("nas_201_api")


@pytest.fixture(scope="module")
def content():
    infos = {index: {"less": found["12"], "full": found["200"]} for index in INDICES for found in [states(index)]}
    return {"meta_archs": list(NAMES), "arch2infos": infos, "evaluated_indexes": set(INDICES)}


@pytest.fixture(scope="module")
def theirs(package, content):
    return package.NASBench201API(content, verbose=False)


@pytest.fixture(scope="module")
def ours(store):
    return NASBench201API(store, verbose=False)


@pytest.mark.slow
def test_every_record_agrees(ours, theirs):
    for index in INDICES:
        for hp in ("12", "200"):
            assert_records_agree(ours, theirs, index, hp, int(hp))


QUESTIONS = [
    len,
    list,
    repr,
    lambda api: api[5],
    lambda api: api.arch(5),
    lambda api: api.arch(-1),
    lambda api: api.arch(15625),
    lambda api: api.query_index_by_arch(api[17]),
    lambda api: api.query_index_by_arch("none such"),
    lambda api: api.query_index_by_arch(3.5),
    lambda api: api.query_index_by_arch(15625),
    lambda api: api.get_more_info(api[11], "cifar10", is_random=False),
    lambda api: api.get_more_info(11, "cifar10", None, 12, False),
    lambda api: api.get_more_info(11, "cifar10", hp="13"),
    lambda api: api.get_more_info(11, "cifar11"),
    lambda api: api.get_more_info(11, "cifar10", is_random="yes"),
    lambda api: api.get_more_info(12, "cifar10"),
    lambda api: api.get_more_info("none such", "cifar10"),
    lambda api: api.query_meta_info_by_index(12),
    lambda api: api.query_meta_info_by_index(11, "13"),
    lambda api: api.query_meta_info_by_index(11, 12),
    lambda api: api.query_by_index(11, "cifar11"),
    lambda api: repr(api.query_by_index(11, None, "200")),
    lambda api: api.query_info_str_by_arch(12),
    lambda api: api.query_info_str_by_arch("none such"),
    lambda api: api.get_net_param(11, "cifar10", 5),
    lambda api: api.get_net_param(11, "cifar10", 111),
    lambda api: api.get_cost_info(11, "cifar11"),
    lambda api: api.get_cost_info(11, "cifar10", 12),
    lambda api: api.clear_params(11),
    lambda api: api.clear_params(11, "13"),
    lambda api: api.clear_params(12),
    lambda api: api.simulate_train_eval(11, "cifar11"),
    lambda api: sorted(api.avaliable_hps),
    lambda api: (api.evaluated_indexes, api.verbose, api.archstr2index[api[9]], api.used_time),
    lambda api: api.statistics("cifar11", "12"),
    *(
        lambda api, d=d, s=s, m=m: api.find_best(d, s, **m)
        for d in ("cifar10", "cifar10-valid", "cifar100", "ImageNet16-120", "cifar11")
        for s in ("train", "valid", "test", "x-valid", "x-test", "ori-test")
        for m in ({}, {"FLOP_max": 20.0}, {"Param_max": 0.4}, {"hp": "200"})
    ),
    lambda api: api.find_best("cifar10", "valid", 0),
    lambda api: api.find_best("cifar10", "valid", None, None, 12),
    lambda api: api.str2lists(CELL),
    lambda api: api.str2matrix(CELL),
    lambda api: api.str2matrix(CELL, ["none", "nor_conv_1x1"]),
    lambda api: api.str2lists("|none|"),
]


def test_every_method_agrees(ours, theirs):
    for question in QUESTIONS:
        if question is repr:
            assert repr(ours).replace(ours.filename, "None") == repr(theirs)
        else:
            assert_agree(ours, theirs, question)


def test_random_trials_agree(store, theirs):
    ours = NASBench201API(store, verbose=False, seed=7)
    questions = [
        *(lambda api, i=i: api.simulate_train_eval(i, "cifar10") for i in INDICES),
        lambda api: api.random(),
        lambda api: api.used_time,
        lambda api: api.simulate_train_eval(api[11], "cifar100", "200"),
        lambda api: api.simulate_train_eval(11, "ImageNet16-120", account_time=False),
        *(lambda api, i=i: api.get_more_info(i, "cifar10-valid") for i in INDICES * 3),
        *(
            lambda api, i=i: api.query_by_index(i).get_metrics("cifar10-valid", "train", is_random=True)
            for i in INDICES
        ),
        lambda api: (api.used_time, api.reset_time(), api.used_time),
    ]
    same_draws(ours, theirs, questions, 7)


def test_members_agree(package):
    for name in ("NASBench201API", "ArchResults", "ResultsCount"):
        assert_same_members(getattr(nas_201_api, name), getattr(package, name))


def test_text_agrees(ours, theirs, capsys):
    assert ours.query_meta_info_by_index(11).show(is_print=True)[0] == NAMES[11]
    assert capsys.readouterr().out.startswith(NAMES[11])
    for index in INDICES:
        theirs.show(index)
        expected = capsys.readouterr().out
        ours.show(index)
        assert capsys.readouterr().out == expected


def test_statistics_count_what_is_stored(ours, content):
    """The original fails unless all architectures are loaded."""
    for hp, name in (("12", "less"), ("200", "full")):
        counts = [len(content["arch2infos"][index][name]["dataset_seed"]["cifar10-valid"]) for index in INDICES]
        assert ours.statistics("cifar10-valid", hp) == {n: counts.count(n) for n in counts}


def test_a_wrong_budget_in_text(ours):
    """The original means a ValueError, but raises a NameError."""
    with pytest.raises(ValueError, match="hp must be one of '12', '200', not 12"):
        ours.query_info_str_by_arch(11, 12)


def test_official_files_open_once_converted(source):
    with pytest.raises(ValueError, match=r"run 'nasbench-kit convert .*\.pth' once, with --curves"):
        NASBench201API(str(source))
    nk.convert(source, store_folder() / "nb201.h5", partial=True)
    assert NASBench201API(str(source), verbose=False).evaluated_indexes == list(INDICES)
    with pytest.raises(AssertionError, match="does not exist"):
        NASBench201API("/none/such.pth")


# ---------------------------------------------------------------- the bundled table


@pytest.fixture(scope="module")
def bundled():
    return NASBench201API("nb201", verbose=False)


def test_the_bundled_table(bundled):
    bench = nk.open("nb201")
    x = bench.space.from_official_index(np.arange(15625))
    for dataset, name, metric in (("cifar10", "test", "test_accuracy"), ("cifar100", "valid", "valid_accuracy")):
        values = bench.query(x, metric, dataset=dataset, epochs=200)
        assert bundled.find_best(dataset, name, hp="200") == (int(values.argmax()), values.max())
    valid = bench.query(x, "valid_accuracy", dataset="cifar10-valid", epochs=200)
    small = bench.query(x, "flops", dataset="cifar10-valid") <= 30e6
    assert bundled.find_best("cifar10", "valid", FLOP_max=30, hp="200")[1] == valid[small].max()
    trials = bench.trials(x[11], "valid_accuracy", dataset="cifar10-valid")[0, 1]
    for seed, value in zip((777, 888, 999), trials.tolist(), strict=True):
        if value == value:
            assert bundled.get_more_info(11, "cifar10-valid", hp="200", is_random=seed)["valid-accuracy"] == value
    drawn = {bundled.get_more_info(11, "cifar10-valid", hp="200")["valid-accuracy"] for _ in range(50)}
    assert drawn == set(trials[~np.isnan(trials)].tolist())
    info = bundled.get_more_info(11, "cifar10-valid", hp="200", is_random=False)
    assert info["valid-accuracy"] == valid[11]
    assert sum(bundled.statistics("cifar10-valid", 200).values()) == 15625


def test_what_the_bundled_table_lacks(bundled):
    """Losses and training accuracies are nan; what else the official files have is an error."""
    info = bundled.get_more_info(11, "cifar10", hp="200")
    assert np.isnan([info["train-loss"], info["train-accuracy"], info["test-loss"]]).all()
    assert info["test-accuracy"] == nk.open("nb201").query(bundled_row(11), "test_accuracy", dataset="cifar10")[0]
    assert info["train-all-time"] > 0
    assert info["test-all-time"] is None
    assert bundled.get_latency(11, "cifar10") is None
    seed = bundled.get_more_info(11, "cifar10-valid", hp="200", is_random=777)
    assert "test-accuracy" not in seed  # only its mean is stored
    assert "test-accuracy" in bundled.get_more_info(11, "cifar10-valid", hp="200")
    for question, message in (
        (lambda: bundled.simulate_train_eval(11, "cifar10"), "'valid-per-time', which simulate_train_eval charges"),
        (lambda: bundled.get_more_info(11, "cifar10-valid", iepoch=3), "--curves"),
        (lambda: bundled.query_by_index(11, "cifar10"), "only the mean over the trainings"),
        (lambda: bundled.query_meta_info_by_index(11, "200").get_latency("cifar10"), "no latency"),
        (lambda: bundled.get_more_info(11, "cifar10", is_random=777), "not trained with the seed 777"),
    ):
        with pytest.raises(KeyError, match=message) as caught:
            question()
        assert isinstance(caught.value, (ValueError, nas_201_api.WrongQuery))


def bundled_row(index):
    return nk.space("nb201").from_official_index([index])


def test_unique_strings_tell_the_published_classes_apart(bundled):
    found = {bundled.get_unique_str(index) for index in range(15625)}
    assert len(found) == 6466
    assert_same(bundled.get_unique_str(bundled[40]), bundled.get_unique_str(40))
