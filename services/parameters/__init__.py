"""The tuning parameters that settings and requests share: what is allowed, what holds by default. Pure.

>>> check_parameters({"temperature": 3})
InvalidField: temperature: '3' is not allowed; 0 to 2
"""

from services.parameters.ranges import RANGES, Range, Spec, check_parameters, specs

__all__ = ["RANGES", "Range", "Spec", "check_parameters", "specs"]
