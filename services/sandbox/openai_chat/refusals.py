"""What OpenAI's chat completions API says to a request it does not take, in the words of recorded answers."""

from services.sandbox.errors import ApiError

_NOT_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library "
    "correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you have trouble "
    "figuring out how to fix this, please contact us through our help center at help.openai.com.)"
)
_TYPE_NAMES = {
    "str": "a string",
    "int": "an integer",
    "float": "a decimal",
    "bool": "a boolean",
    "null": "null",
    "array": "an array",
    "object": "an object",
}


def missing(param: str) -> ApiError:
    """A field that has to be there is not."""
    return ApiError(400, f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")


def empty(param: str) -> ApiError:
    """An array without items."""
    text = f"Invalid '{param}': empty array. Expected an array with minimum length 1, but got an empty array instead."
    return ApiError(400, text, param=param, code="empty_array")


def too_long(param: str, most: int, length: int) -> ApiError:
    """An array with too many items."""
    text = (
        f"Invalid '{param}': array too long. Expected an array with maximum length {most}, "
        f"but got an array with length {length} instead."
    )
    return ApiError(400, text, param=param, code="array_above_max_length")


def unsupported(param: str, value: str, allowed: tuple[str, ...]) -> ApiError:
    """A value that is not among those allowed."""
    names = [f"'{name}'" for name in allowed]
    supported = f"{', '.join(names[:-1])}, and {names[-1]}"
    text = f"Invalid value: '{value}'. Supported values are: {supported}."
    return ApiError(400, text, param=param, code="invalid_value")


def below(param: str, value: float, low: float, kind: str) -> ApiError:
    """A number that is too small; `kind` is `decimal` or `integer`."""
    text = f"Invalid '{param}': {kind} below minimum value. Expected a value >= {low}, but got {value:g} instead."
    return ApiError(400, text, param=param, code=f"{kind}_below_min_value")


def above(param: str, value: float, high: float, kind: str) -> ApiError:
    """A number that is too large; `kind` is `decimal` or `integer`."""
    text = f"Invalid '{param}': {kind} above maximum value. Expected a value <= {high}, but got {value:g} instead."
    return ApiError(400, text, param=param, code=f"{kind}_above_max_value")


def not_json() -> ApiError:
    """A body that cannot be read at all."""
    return ApiError(400, _NOT_JSON)


def wrong_type(param: str, expected: list[str], got: str) -> ApiError:
    """A value of a type that is not among the expected; types as JSON names them, numbers as `int` or `float`."""
    names = [_TYPE_NAMES.get(name, name) for name in expected]
    wanted = names[0] if len(names) == 1 else f"one of {' or '.join(names)}"
    text = f"Invalid type for '{param}': expected {wanted}, but got {_TYPE_NAMES.get(got, got)} instead."
    return ApiError(400, text, param=param, code="invalid_type")
