"""The independent verifier of a certificate: the module rankone.proof.verify under its public name."""

import sys

from rankone.proof import verify

sys.modules[__name__] = verify
