"""All measurements of an audit, in the order in which they are done for the same images."""

from torch_backend.audit.measured.books import BOOKS
from torch_backend.audit.measured.certificate import CERTIFICATE
from torch_backend.audit.measured.columns import COLUMNS
from torch_backend.audit.measured.convergence import CONVERGENCE
from torch_backend.audit.measured.foretold import FORETOLD
from torch_backend.audit.measured.image import IMAGE
from torch_backend.audit.measured.measurement import Measurement
from torch_backend.audit.measured.other_classes import OTHER_CLASSES
from torch_backend.audit.measured.pictures import MAPS_OF_CLASSES, MAPS_OF_DESTROYED
from torch_backend.audit.measured.predictions import PREDICTIONS
from torch_backend.audit.measured.repeats import REPEATS
from torch_backend.audit.measured.weights import WEIGHTS

OF_NETWORK: tuple[Measurement, ...] = (PREDICTIONS,)
OF_METHODS: tuple[Measurement, ...] = (
    IMAGE,
    OTHER_CLASSES,
    WEIGHTS,
    MAPS_OF_CLASSES,
    MAPS_OF_DESTROYED,
    REPEATS,
    CONVERGENCE,
    FORETOLD,
    COLUMNS,
    BOOKS,
    CERTIFICATE,
)
