from facekit.bench.networks import NETWORKS, run


def test_every_network_has_a_time() -> None:
    metrics = run(rounds=3)
    assert set(metrics) == {*(f"{name}_ms" for name in NETWORKS), "together_mb"}
    assert all(0 < value < 1000 for value in metrics.values())
    assert metrics["together_mb"] < 18
