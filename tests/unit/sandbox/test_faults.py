import pytest

from services.sandbox.faults import NOTHING, Directives, InvalidDirective, Rule, Rules, from_headers, from_model


def test_headers_without_directives_order_nothing() -> None:
    assert from_headers({"content-type": "application/json"}) is NOTHING


def test_headers_order_numbers_and_switches() -> None:
    orders = from_headers({"x-sandbox-status": "429", "x-sandbox-retry-after": " 1.5 ", "x-sandbox-no-done": ""})

    assert orders == Directives(status=429, retry_after=1.5, no_done=True)


@pytest.mark.parametrize(
    ("model", "name", "orders"),
    (
        ("openai/gpt-4o:free", "openai/gpt-4o:free", NOTHING),
        ("gpt-4o:sandbox-status-503", "gpt-4o", Directives(status=503)),
        ("gpt-4o:sandbox-reset", "gpt-4o", Directives(reset=True)),
        ("gpt-4o:sandbox-reset-after-3", "gpt-4o", Directives(reset_after=3)),
        ("a/b:free:sandbox-rate-0.5:sandbox-no-usage", "a/b:free", Directives(rate=0.5, no_usage=True)),
    ),
)
def test_a_models_name_carries_directives(model: str, name: str, orders: Directives) -> None:
    assert from_model(model) == (name, orders)


@pytest.mark.parametrize(
    "model", ("m:sandbox-", "m:sandbox-explode", "m:sandbox-status-200", "m:sandbox-status-4xx", "m:sandbox-length-0")
)
def test_what_is_no_directive_is_refused_with_what_is(model: str) -> None:
    with pytest.raises(InvalidDirective, match=r"allowed is|directives are status"):
        from_model(model)


def test_the_nearer_order_wins_and_the_others_stay() -> None:
    near, far = Directives(status=500, no_usage=True), Directives(status=429, rate=3)

    assert near.over(far) == Directives(status=500, no_usage=True, rate=3)
    assert NOTHING.over(far) is far
    assert near.over(NOTHING) is near


def test_a_rule_is_used_up() -> None:
    rules = Rules()
    rules.add(Rule(directives=Directives(status=500), times=2))

    taken = [rules.take("openai", "gpt-4o").status for _ in range(3)]

    assert taken == [500, 500, None]
    assert list(rules) == []


def test_the_first_rule_that_fits_applies_and_the_others_are_not_used_up() -> None:
    rules = Rules()
    rules.add(Rule(directives=Directives(status=500), provider="openrouter"))
    rules.add(Rule(directives=Directives(status=501), model="gpt-4*", times=1))
    rules.add(Rule(directives=Directives(status=502)))

    assert rules.take("openai", "gpt-4o").status == 501
    assert rules.take("openai", "gpt-4o").status == 502
    assert rules.take("openrouter", "gpt-4o").status == 500
    rules.clear()
    assert rules.take("openrouter", "gpt-4o") is NOTHING
