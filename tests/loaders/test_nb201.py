"""The loader of NAS-Bench-201's .pth on files in the official format with made-up values."""

from __future__ import annotations

import copy
import io
import math
import pickle
import zipfile

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.loaders import load
from tests.official.nb201 import MAGIC, NAMES, PROTOCOL, states, write_nb201_pth

SPACE = nk.space("nb201")
INDICES = (0, 11, 5000, 15624)
SYSTEM = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
# which evaluation set a metric is, written down a second time
SETS = {
    ("cifar10-valid", "valid"): "x-valid",
    ("cifar10-valid", "test"): "ori-test",
    ("cifar10", "test"): "ori-test",
    ("cifar100", "valid"): "x-valid",
    ("cifar100", "test"): "x-test",
    ("cifar100", "original_test"): "ori-test",
    ("ImageNet16-120", "valid"): "x-valid",
    ("ImageNet16-120", "test"): "x-test",
    ("ImageNet16-120", "original_test"): "ori-test",
}


def legacy(content: object, tensors: object = ()) -> bytes:
    """A file as torch.save of before 1.6 writes it, by the standard library's pickle alone."""
    return b"".join(pickle.dumps(part, 2) for part in (MAGIC, PROTOCOL, SYSTEM, content, list(tensors)))


def zipped(content: object) -> bytes:
    """A file as torch.save writes it since."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(content, 2))
        archive.writestr("archive/version", "3\n")
    return target.getvalue()


def whole(infos: dict[int, object]) -> dict[str, object]:
    return {"meta_archs": NAMES, "total_archs": len(NAMES), "arch2infos": infos, "evaluated_indexes": set(infos)}


@pytest.fixture(scope="module")
def original():
    return {index: {"full": found["200"], "less": found["12"]} for index in INDICES for found in [states(index)]}


@pytest.fixture
def infos(original):
    return copy.deepcopy(original)


@pytest.fixture
def source(tmp_path):
    def write(infos, container=legacy):
        path = tmp_path / "any name"
        path.write_bytes(container(whole(infos)))
        return path

    return write


def assert_equal_to(bench, infos):
    """Every final value of every trial is where it belongs, and nothing else is."""
    for index, states_ in infos.items():
        x = SPACE.from_official_index([index])
        for budget, state in ((200, states_["full"]), (12, states_["less"])):
            for dataset, seeds in state["dataset_seed"].items():
                for seed in seeds:
                    rc = state["all_results"][dataset, seed]
                    for metric in bench.metrics(dataset):
                        part, _, what = metric.rpartition("_")
                        if what not in ("accuracy", "loss"):
                            continue
                        series, key = rc["train_acc1es" if what == "accuracy" else "train_losses"], budget - 1
                        if part != "train":
                            series = rc["eval_acc1es" if what == "accuracy" else "eval_losses"]
                            key = f"{SETS[dataset, part]}@{budget - 1}"
                        assert bench.query(x, metric, dataset=dataset, epochs=budget, seed=seed)[0] == series[key]
                    time = bench.query(x, "training_time", dataset=dataset, epochs=budget)[0]
                    assert time == pytest.approx(sum(rc["train_times"].values()), rel=1e-12)
                for seed in set(bench.seeds(dataset)) - set(seeds):
                    values = bench.query(x, ["train_accuracy", "test_loss"], dataset=dataset, epochs=budget, seed=seed)
                    assert np.isnan(values).all()


@pytest.mark.parametrize("container", [legacy, zipped])
def test_every_value_arrives(source, tmp_path, infos, container):
    bench = nk.convert(source(infos, container), tmp_path / "out.h5", partial=True)
    assert bench.datasets == ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120")
    assert_equal_to(bench, infos)
    assert len(bench) == len(INDICES)
    assert bench.info["missing_architectures"] == 15625 - len(INDICES)
    assert bench.seeds("cifar100", "valid_accuracy") == (111, 777, 888, 999)
    assert bench.epochs("cifar100") == (12, 200)
    assert "valid_accuracy" not in bench.metrics("cifar10")
    assert "original_test_accuracy" not in bench.metrics("cifar10-valid")
    X = bench.architectures
    for dataset in bench.datasets:
        for cost in ("params", "flops"):
            exact = SPACE.cost(X, cost, dataset=dataset)
            assert bench.query(X, cost, dataset=dataset).tolist() == exact.tolist()
            assert bench.query(X, f"recorded_{cost}", dataset=dataset).tolist() == exact.tolist()
    latency = infos[11]["full"]["all_results"]["cifar100", 777]["latency"][0]
    x = SPACE.from_official_index([11])
    assert bench.query(x, "latency_gpu", dataset="cifar100")[0] == pytest.approx(latency * 1000)
    assert bench.units("latency_gpu", "cifar100") == "ms"
    assert bench.units("valid_time", "cifar100") == "s"


@pytest.mark.slow
def test_the_official_torch_agrees(source, infos):
    torch = pytest.importorskip("torch")
    loaded = torch.load(source(infos), weights_only=False)
    assert loaded["arch2infos"] == infos
    torch.save(whole(infos), source(infos))  # the zip container, by torch itself
    bench = nk.convert(source(infos).parent / "any name", source(infos).parent / "out.h5", partial=True)
    assert_equal_to(bench, infos)


@pytest.mark.slow
@pytest.mark.parametrize("legacy_container", [True, False])
def test_containers_of_torch_itself(tmp_path, infos, legacy_container):
    torch = pytest.importorskip("torch")
    path = tmp_path / f"{'a long name ' * 10}.pth"  # after which torch names what is in its archive
    torch.save(whole(infos), path, _use_new_zipfile_serialization=not legacy_container)
    assert_equal_to(nk.convert(path, tmp_path / "out.h5", partial=True), infos)


def test_a_file_in_batches(tmp_path):
    """More than 1000 architectures: a dict is pickled in batches, and all of them share names."""
    small = states(0)
    for state in small.values():
        state["all_results"] = {key: rc for key, rc in state["all_results"].items() if key[0] == "cifar10"}
        state["dataset_seed"] = {"cifar10": state["dataset_seed"]["cifar10"]}
        del state["all_results"]["cifar10", 777 if ("cifar10", 777) in state["all_results"] else 111]
        state["dataset_seed"]["cifar10"].remove(777 if 777 in state["dataset_seed"]["cifar10"] else 111)
    count = 1200
    infos = {
        i: {
            name: {**small[budget], "arch_index": i, "arch_str": NAMES[i]}
            for name, budget in (("full", "200"), ("less", "12"))
        }
        for i in range(count)
    }
    path = tmp_path / "batches.pth"
    path.write_bytes(legacy(whole(infos)))
    assert len(nk.convert(path, tmp_path / "out.h5", partial=True)) == count


@pytest.mark.slow
def test_curves(source, tmp_path, infos):
    plain = nk.convert(source(infos), tmp_path / "plain.h5", partial=True)
    bench = nk.convert(source(infos), tmp_path / "curves.h5", partial=True, curves=True)
    assert bench.datasets[:4] == plain.datasets
    assert bench.epochs("cifar10-valid") == (12, 200)  # curves are no budgets
    name = "cifar10-valid-curves-200"
    assert bench.epochs(name) == tuple(range(1, 201))
    x = SPACE.from_official_index([5000])
    rc = infos[5000]["full"]["all_results"]["cifar10-valid", 777]
    for epoch in (1, 12, 199, 200):
        values = bench.query(
            x, ["train_accuracy", "valid_accuracy", "valid_loss"], dataset=name, epochs=epoch, seed=777
        )
        key = f"x-valid@{epoch - 1}"
        assert values.tolist() == [[rc["train_acc1es"][epoch - 1], rc["eval_acc1es"][key], rc["eval_losses"][key]]]
    assert "test_accuracy" not in bench.metrics(name)  # evaluated after the last epoch alone
    assert "test_accuracy" in bench.metrics("cifar10-valid-curves-12")
    assert bench.metrics("cifar100-curves-200") == (
        *("train_accuracy", "train_loss", "original_test_accuracy", "original_test_loss", "training_time"),
    )
    times = rc["train_times"]
    for epoch in (1, 12, 199):
        seconds = bench.query(x, "training_time", dataset=name, epochs=epoch)[0]
        assert seconds == pytest.approx(sum(times[e] for e in range(epoch)), rel=1e-12)
    assert (
        bench.query(x, "training_time", dataset=name)[0] == plain.query(x, "training_time", dataset="cifar10-valid")[0]
    )

    for dataset in plain.datasets:
        for metric in plain.metrics(dataset):
            for given in (plain, bench):
                assert given.query(x, metric, dataset=dataset)[0] == plain.query(x, metric, dataset=dataset)[0]


def test_hyperband_runs_on_curves(source, tmp_path, infos):
    bench = nk.convert(source(infos), tmp_path / "curves.h5", partial=True, curves=True)
    problem = bench.problem("valid_accuracy", dataset="cifar10-valid-curves-12", missing="skip")
    result = nk.search(problem, nk.Hyperband(), runs=4, evaluations=2000, simulated_seconds=5000.0, seed=0)
    assert (result.simulated_seconds <= 5000).all()
    assert (result.simulated_seconds > 0).any()
    assert len(set(problem.budgets)) == 12


def test_a_curve_has_no_value_that_is_none(source, tmp_path, infos):
    rc_of(infos)["eval_acc1es"]["ori-test@7"] = math.nan
    nk.convert(source(infos), tmp_path / "out.h5", partial=True)  # only the last epoch is read
    with pytest.raises(
        nk.SourceError, match="key 'eval_acc1es': an accuracy must be a percentage from 0 to 100, not nan"
    ):
        nk.convert(source(infos), tmp_path / "out.h5", partial=True, curves=True)


def test_older_files(source, tmp_path, infos):
    """v1_0: 12 epochs of cifar10-valid alone, no times, latencies that were not measured."""
    for content in infos.values():
        less = content["less"]
        less["dataset_seed"] = {"cifar10-valid": [777]}
        less["all_results"] = {("cifar10-valid", 777): less["all_results"]["cifar10-valid", 777]}
        for state in content.values():
            for rc in state["all_results"].values():
                rc.update(train_times=None, eval_times={}, latency=[-1])
    infos[0]["full"]["all_results"]["cifar10", 777]["latency"] = None
    infos[0]["full"]["all_results"]["cifar10-valid", 777]["latency"] = []
    bench = nk.convert(source(infos), tmp_path / "out.h5", partial=True)
    assert bench.epochs("cifar10", "test_accuracy") == (200,)
    assert bench.epochs("cifar10-valid", "test_accuracy") == (12, 200)
    assert not {"training_time", "valid_time", "latency_gpu"} & set(bench.metrics("cifar10-valid"))


def test_recorded_costs_that_are_wrong_stay_beside_the_right_ones(source, tmp_path, infos):
    index = next(i for i in INDICES if 888 in infos[i]["full"]["dataset_seed"]["cifar10"])
    x = SPACE.from_official_index([index])
    right = int(SPACE.cost(x, "params", dataset="cifar10")[0])
    infos[index]["full"]["all_results"]["cifar10", 777]["params"] = np.float64(0.5)
    bench = nk.convert(source(infos), tmp_path / "out.h5", partial=True)
    assert bench.query(x, "params", dataset="cifar10")[0] == right
    recorded = {s: bench.query(x, "recorded_params", dataset="cifar10", epochs=200, seed=s)[0] for s in (777, 888)}
    assert recorded == {777: 500_000, 888: right}


def test_a_store_says_what_its_records_say_of_their_origin(source, tmp_path, infos):
    infos[INDICES[0]]["full"]["all_results"]["cifar10-valid", 777]["flop"] = 1.0
    info = nk.convert(source(infos), tmp_path / "out.h5", partial=True).info
    assert info["published_file"] == "none that is known"
    assert info["verified_by"] == "its content alone"
    assert info["content"].startswith(f"{len(INDICES)} architectures, each at its official index")
    assert (
        "recorded flops that differ from the definition: 1; recorded params that differ from the definition: 0"
        in info["content"]
    )


def test_losses_come_as_published(source, tmp_path, infos):
    infos[0]["full"]["all_results"]["cifar10", 777]["train_losses"][199] = math.inf
    bench = nk.convert(source(infos), tmp_path / "out.h5", partial=True)
    x = SPACE.from_official_index([0])
    assert bench.query(x, "train_loss", dataset="cifar10", seed=777)[0] == math.inf


def rc_of(infos):
    return infos[11]["full"]["all_results"]["cifar100", 777]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda i: rc_of(i)["eval_acc1es"].update({"x-valid@199": 101.0}),
            "key 'eval_acc1es': an accuracy must be a percentage",
        ),
        (lambda i: rc_of(i)["eval_acc1es"].update({"x-test@199": math.nan}), "from 0 to 100, not nan"),
        (lambda i: rc_of(i)["train_acc1es"].update({199: -0.5}), "key 'train_acc1es': an accuracy"),
        (lambda i: rc_of(i)["train_acc1es"].update({199: "99"}), "expected a number, not '99'"),
        (lambda i: rc_of(i)["train_acc1es"].update({199: True}), "expected a number, not True"),
        (lambda i: rc_of(i)["train_losses"].update({199: -1.0}), "a loss must not be negative"),
        (lambda i: rc_of(i)["train_losses"].update({199: 2**1030}), "expected a number, not 1150"),
        (lambda i: i[11]["full"]["dataset_seed"].update(cifar10=[2**63]), "a list of seeds"),
        (lambda i: rc_of(i)["train_losses"].pop(199), "key 'train_losses': the last epoch, 199, is missing"),
        (lambda i: rc_of(i)["eval_losses"].pop("x-test@199"), "key 'eval_losses': the last epoch, 'x-test@199'"),
        (lambda i: rc_of(i)["train_times"].update({3: math.inf}), "key 'train_times': expected a non-negative number"),
        (lambda i: rc_of(i).update(train_acc1es=None), "key 'train_acc1es': expected a dict, not None"),
        (lambda i: rc_of(i).update(eval_names="x-valid"), "key 'eval_names': expected a list"),
        (
            lambda i: rc_of(i).update(eval_names=["x-train"]),
            "cifar100 must be evaluated on x-valid and x-test and ori-test",
        ),
        (lambda i: rc_of(i).update(eval_names=[["x"]]), "not on list"),
        (lambda i: rc_of(i).update(epochs=12), "key 'epochs': expected 200, not 12"),
        (lambda i: rc_of(i).update(params=None), "key 'params': expected a number"),
        (lambda i: rc_of(i).update(flop=-1.0), "key 'flop': expected a non-negative number"),
        (lambda i: rc_of(i).update(latency=["fast"]), "key 'latency': expected a number"),
        (lambda i: i[11]["full"]["dataset_seed"].update(svhn=[1]), "a dataset must be one of .*, not 'svhn'"),
        (lambda i: i[11]["full"]["dataset_seed"].update(cifar10=[5]), "cifar10, seed 5: key 'all_results' has no such"),
        (lambda i: i[11]["full"]["dataset_seed"].update(cifar10=["777"]), "a list of seeds"),
        (lambda i: i[11]["full"].update(all_results=[]), "key 'all_results': expected a dict"),
        (lambda i: i[11].pop("less"), "12 epochs: key 'less': expected a dict, not None"),
        (lambda i: i[11]["full"].update(arch_index=12), "the state is that of 12"),
        (lambda i: i[11]["full"].update(arch_str=NAMES[12]), "the official index says"),
        (
            lambda i: i.update({20_000: copy.deepcopy(i[11])}),
            "an architecture's index must be from 0 to 15624, not 20000",
        ),
        (lambda i: i.update({-1: copy.deepcopy(i[11])}), "not -1"),
    ],
)
def test_a_record_that_is_not_what_it_claims(source, tmp_path, infos, change, message):
    change(infos)
    path = source(infos)
    target = tmp_path / "out.h5"
    target.write_bytes(b"what was there")
    with pytest.raises(nk.SourceError, match=message) as caught:
        nk.convert(path, target, partial=True)
    assert str(path) in str(caught.value)
    assert "byte" in str(caught.value)
    assert target.read_bytes() == b"what was there"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda c: c | {"meta_archs": NAMES[:-1]}, "expected a list of 15625 architectures, not 15624"),
        (lambda c: c | {"meta_archs": None}, "architectures, not None"),
        (
            lambda c: c | {"meta_archs": [NAMES[1], NAMES[0], *NAMES[2:]]},
            "architecture 0 must be .* as in the official index",
        ),
        (lambda c: c | {"arch2infos": None}, "a dict with the key 'arch2infos'"),
        (lambda c: [c], "a dict with the key 'arch2infos'"),
    ],
)
def test_a_file_that_is_not_what_it_claims(tmp_path, infos, content, message):
    path = tmp_path / "file.pth"
    path.write_bytes(legacy(content(whole(infos))))
    with pytest.raises(nk.SourceError, match=message):
        nk.convert(path, tmp_path / "out.h5", partial=True)


def test_missing_architectures_need_to_be_agreed_to(source, tmp_path, infos):
    with pytest.raises(nk.SourceError, match=r"lacks 15621 of the 15625 genotypes of nb201.*partial"):
        nk.convert(source(infos), tmp_path / "out.h5")


def test_an_architecture_twice(tmp_path, infos):
    key = b"K\x0b}"  # 11, and the dict that follows it
    content = pickle.dumps(whole(infos), 2)
    assert content.count(key) == 1
    path = tmp_path / "twice.pth"
    path.write_bytes(legacy(0).replace(pickle.dumps(0, 2), content.replace(key, b"K\x00}")))
    with pytest.raises(nk.SourceError, match=r"byte \d+: architecture 0 appears twice"):
        nk.convert(path, tmp_path / "out.h5", partial=True)


def test_tensors_and_calls_are_refused(tmp_path, infos):
    torch = pytest.importorskip("torch")
    rc_of(infos)["net_state_dict"] = {"weight": torch.zeros(2)}
    path = tmp_path / "file.pth"
    for old in (True, False):
        torch.save(whole(infos), path, _use_new_zipfile_serialization=not old)
        with pytest.raises(nk.SourceError, match="is refused"):
            nk.convert(path, tmp_path / "out.h5", partial=True)
    path.write_bytes(legacy(whole({}), tensors=["0"]))
    with pytest.raises(nk.SourceError, match="contains tensors"):
        nk.convert(path, tmp_path / "out.h5", partial=True)


@pytest.mark.slow
@pytest.mark.parametrize("container", [legacy, zipped])
def test_truncation(source, tmp_path, infos, container):
    path = source({0: infos[0]}, container)
    content = path.read_bytes()
    size = len(content)
    for cut in [*range(1, 30, 3), *np.linspace(30, size - 30, 12, dtype=int), *range(size - 30, size, 5)]:
        path.write_bytes(content[:cut])
        with pytest.raises(nk.SourceError, match=r"byte \d+"):
            load(path, partial=True, source_format="nb201")


@pytest.mark.slow
@pytest.mark.parametrize("container", [legacy, zipped])
def test_flipped_bits(source, tmp_path, infos, container):
    path = source({0: infos[0]}, container)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    seen = 0
    for position in [*range(0, 60, 5), *rng.integers(0, len(content), 12), *range(len(content) - 30, len(content), 5)]:
        damaged = bytearray(content)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            load(path, partial=True, source_format="nb201")
        except nk.SourceError as error:
            seen += str(path) in str(error)
    assert seen > 10


@pytest.mark.slow
@pytest.mark.parametrize("zipped_container", [True, False])
def test_what_the_benchmarks_write_is_the_same(tmp_path, infos, zipped_container):
    path = tmp_path / "file.pth"
    write_nb201_pth(path, INDICES, zipped=zipped_container)
    assert_equal_to(nk.convert(path, tmp_path / "out.h5", partial=True), infos)


def test_zip_archives_of_something_else(tmp_path):
    path = tmp_path / "file.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}, 2), zipfile.ZIP_DEFLATED)
    with pytest.raises(nk.SourceError, match="compressed or encrypted"):
        nk.convert(path, tmp_path / "out.h5")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other", "")
    with pytest.raises(nk.SourceError, match="no known format"):
        nk.convert(path, tmp_path / "out.h5")
    with pytest.raises(nk.SourceError, match=r"0 members named data\.pkl"):
        nk.convert(path, tmp_path / "out.h5", source_format="nb201")
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(2000):
            archive.writestr(f"archive/{i}", "")
    with pytest.raises(nk.SourceError, match="directory is larger"):
        nk.convert(path, tmp_path / "out.h5", source_format="nb201")
