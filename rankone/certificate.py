"""Rigorous bounds on a chain: the module rankone.proof.certificate under its public name."""

import sys

from rankone.proof import certificate

sys.modules[__name__] = certificate
